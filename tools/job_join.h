/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_join: whether a job mounts its image or joins an instance.
 *
 * `instance://NAME` names the root of an instance. Any other image is joined
 * where an instance of the user keeps it mounted, unless --join says never;
 * with --join always, or --keep, an instance is started first where there is
 * none.
 *
 * Threads: the main one.
 */
#include "common/digest.h"
#include "tools/command.h"
#include "tools/instance_link.h"

#include <limits.h>
#include <stdbool.h>

struct error;
struct job_mounts;
struct job_options;
struct run;
struct session;

struct job_join {
	const struct job_options *options; /* borrowed */
	const char *image; /* to open; borrowed from the caller or from text */
	struct common_options common; /* to open it with */
	char *text;		      /* owned: the image of an instance:// */
	char index_path[PATH_MAX];
	struct instance_link link;
	bool is_possible; /* the runner must wait for job_join_decide() */
	bool is_root;	  /* instance:// */
	bool is_joined;
	bool is_always;
	bool has_root_key; /* its root may be another job's copy */
	struct digest root_key;
};

/**
 * job_join_init() - before anything is forked
 * @image: the user's reference; borrowed
 *
 * Return: 0; -EINVAL (--join) or negative errno (there is no such instance,
 * ...) with @err; job_join_fini() is due in any case.
 */
int job_join_init(struct job_join *join, const struct job_options *options,
		  const char *image, struct error *err);

/** job_join_describe() - what the job's root will show, so that one like it can
 * be joined whole (root_key.h); without this it is made for the job */
void job_join_describe(struct job_join *join, const struct job_mounts *mounts);

/**
 * job_join_decide() - join, or mount
 * @session: opened as far as SESSION_INDEX; as SESSION_LOADER when it returns
 *           without having joined
 * @run:     undecided until now
 *
 * Return: 0 with is_joined set or not; negative errno with @err.
 */
int job_join_decide(struct job_join *join, struct session *session,
		    struct run *run, struct error *err);

/** job_join_tell() - what a joined job will execute: the instance fetches ahead
 * (instance_ahead.h) */
void job_join_tell(const struct job_join *join, const char *const *argv);

/** job_join_end() - the job, and all it left, has ended by itself */
void job_join_end(const struct job_join *join);

/** job_join_is_lost() - whether the instance ended before the job, which was
 * killed for that: then @err says so */
bool job_join_is_lost(struct job_join *join, struct error *err);

void job_join_fini(struct job_join *join);
