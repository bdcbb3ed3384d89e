/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cgroup_scope: limits of a job, by the user's systemd, as Apptainer has it.
 *
 * An ordinary user may only limit what runs in a cgroup that was delegated, and
 * that is systemd's to say.  So this program is executed once more by
 * `systemd-run --scope`, with the limits as the scope's properties; nothing
 * changes for whoever waits for it.
 *
 * Threads: before any other exists.
 */
#include <stddef.h>
#include <stdint.h>

struct error;

struct cgroup_scope {
	uint64_t memory; /* bytes; 0: no limit, as all below */
	uint64_t memory_reservation;
	const char *memory_swap; /* bytes of both, or "-1": as much as wanted */
	const char *cpus;	 /* "1.5" */
	uint64_t cpu_shares;	 /* 2 to 262144 */
	uint64_t blkio_weight;	 /* 10 to 1000 */
	const char *cpuset_cpus; /* "0-3,5" */
	const char *cpuset_mems;
	uint64_t pids_limit;
};

enum {
	CGROUP_SCOPE_PROPERTIES_MAX = 10,
	CGROUP_SCOPE_PROPERTY_SIZE = 128,
};

/* "NAME=value", as systemd.resource-control(5) has it. */
struct cgroup_scope_properties {
	char texts[CGROUP_SCOPE_PROPERTIES_MAX][CGROUP_SCOPE_PROPERTY_SIZE];
	size_t count;
};

/**
 * cgroup_scope_format() - the limits as properties
 *
 * Return: 0; -EINVAL with @err naming the option.
 */
int cgroup_scope_format(const struct cgroup_scope *scope,
			struct cgroup_scope_properties *ret, struct error *err);

/**
 * cgroup_scope_check() - whether every limit is one in fact
 * @cgroups:     this process' /proc/self/cgroup, within the scope
 * @controllers: cgroup.controllers of its unified cgroup; NULL: unknown, and
 *               not looked at
 *
 * systemd takes properties of a user's scope for which it was given no
 * controller (all of them with cgroup v1) and does nothing about them.
 *
 * Return: 0, or -ENOTSUP with @err naming the controller.
 */
int cgroup_scope_check(const struct cgroup_scope *scope, const char *cgroups,
		       const char *controllers, struct error *err);

/**
 * cgroup_scope_enter() - execute this program anew within the limits
 *
 * Return: 0 when there are none, or this is the program within them already;
 * -EINVAL; -ENOTSUP (no systemd of this user's is there, or
 * cgroup_scope_check() fails) with @err.
 */
int cgroup_scope_enter(const struct cgroup_scope *scope, struct error *err);
