/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_hot: the hot tree's part in a job (docs/hot-tree.md): take the current
 * one into use, note which files the job reads from the image, and have a new
 * one made, by hot_builder.h: while the job runs when earlier ones have taught
 * enough, after its end when it has itself.
 *
 * A hot tree is never a reason for a job to fail: what goes wrong here is
 * logged at debug.
 *
 * Threads: job_hot_observe() from any; the rest from the main thread.
 */
#include "tools/command.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct hot_record;
struct hot_tree;
struct session;

/* Starts as = { 0 }. */
struct job_hot {
	bool is_off;
	struct hot_tree *tree;	    /* in use; NULL: none */
	struct hot_record *touched; /* by this job; NULL: off */
	bool maps_ids;
	bool is_due; /* a tree could be made of what earlier jobs read */
};

/**
 * job_hot_set_mode() - "auto", or NULL: the default; "off": nothing is done
 *
 * Return: 0, or -EINVAL with @err.
 */
int job_hot_set_mode(struct job_hot *hot, const char *text, struct error *err);

/** job_hot_open() - begin; @session is opened as far as SESSION_LOADER
 * @path: the image's file or layout; NULL when it is not on this host */
void job_hot_open(struct job_hot *hot, struct session *session,
		  const char *path, bool maps_ids);

/** job_hot_path() - the tree's directory for run.h's hot_tree; NULL: none */
const char *job_hot_path(const struct job_hot *hot);

/** job_hot_kind() - "none", "partial" or "whole", static */
const char *job_hot_kind(const struct job_hot *hot);

/** job_hot_is_whole() - run.h's hot_tree_is_whole */
bool job_hot_is_whole(const struct job_hot *hot);

/** job_hot_observe() - for fs_server.h's read_observed; @arg is the job_hot */
void job_hot_observe(void *arg, uint32_t inode, uint64_t off, uint64_t size);

/**
 * job_hot_end() - the job has ended: remember what it read
 *
 * Releases the tree.  Return: whether a new tree is worth making; call
 * job_hot_build() then.
 */
bool job_hot_end(struct job_hot *hot, struct session *session);

/**
 * job_hot_build_beside() - make a tree while the job runs, if one is due
 *
 * One is due when earlier jobs have read what no tree has: their own builders
 * were killed with them, as batch systems do.  To be called when the job has
 * been started.
 */
void job_hot_build_beside(const struct job_hot *hot,
			  const struct common_options *options,
			  const char *image);

/** job_hot_build() - make a tree after the job; @hot may have ended */
void job_hot_build(const struct job_hot *hot,
		   const struct common_options *options, const char *image);

/** job_hot_fini() - also after job_hot_end() */
void job_hot_fini(struct job_hot *hot);
