/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_test_mount: an image of fs_test_image, really mounted, in a mount
 * namespace of the test's own.  For root, and for anybody under "unshare -Ur".
 *
 * Failures of the doubles themselves abort.  Threads: one.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct fs_server_options;
struct fs_test_image;

struct fs_test_mount {
	char dir[64];
	struct fs_server *server;
	pthread_t thread; /* in fs_server_run() */
	int result;	  /* what it returned */
	pid_t watchdog;
	int watchdog_fd; /* closed: all went well */
};

/**
 * fs_test_mount_enter() - a new mount namespace
 *
 * Return: NULL, or why this machine cannot.
 */
const char *fs_test_mount_enter(void);

/** fs_test_mount_maps_all_ids() - real root, not that of a user namespace */
bool fs_test_mount_maps_all_ids(void);

/** fs_test_mount_start() - mount on a new directory and serve */
void fs_test_mount_start(struct fs_test_mount *mount,
			 struct fs_test_image *image,
			 const struct fs_server_options *options);

/** fs_test_mount_wait() - until fs_server_run() returns; what it returned */
int fs_test_mount_wait(struct fs_test_mount *mount);

/** fs_test_mount_end() - stop, wait, destroy, remove the directory */
void fs_test_mount_end(struct fs_test_mount *mount);
