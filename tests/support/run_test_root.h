/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_test_root: a small root with a shell, and jobs in it as any user.
 */
#include "common/error.h"
#include "run/run.h"

enum {
	RUN_TEST_USER = 5907, /* uid and gid without an entry anywhere */
	RUN_TEST_OUTPUT_SIZE = 1 << 16,
};

struct run_test_root {
	char path[64];	  /* of the root; its owner is RUN_TEST_USER */
	char outside[64]; /* a directory beside it that must stay empty */
	char top[32];	  /* that holds both */
};

/** run_test_root_create() - false when there is no static busybox */
bool run_test_root_create(struct run_test_root *root);
void run_test_root_destroy(struct run_test_root *root);

/** run_test_root_link() - replace what is at @name by a link */
void run_test_root_link(const struct run_test_root *root, const char *name,
			const char *target);
void run_test_root_mkdir(const struct run_test_root *root, const char *name);
void run_test_root_write(const struct run_test_root *root, const char *name,
			 const char *text);
void run_test_root_remove(const struct run_test_root *root, const char *name);

/** run_test_root_become() - an ordinary user, in this process */
void run_test_root_become(uid_t uid);

struct run_test_result {
	int code;      /* of run_spawn() or run_start() */
	int exit_code; /* RUN_EXIT_* when code is negative, else the job's */
	int signal;    /* that killed the job */
	char text[ERROR_TEXT_SIZE];	   /* the error's */
	char output[RUN_TEST_OUTPUT_SIZE]; /* stdout and stderr of the job */
};

/** run_test_root_run() - a job from start to end, in a process of its own */
void run_test_root_run(const struct run_test_root *root, uid_t uid,
		       const struct run_options *options,
		       const struct run_job *job, struct run_test_result *ret);

/** run_test_root_shell() - run_test_root_run() of `sh -c @script` */
void run_test_root_shell(const struct run_test_root *root, uid_t uid,
			 const char *script, struct run_test_result *ret);
