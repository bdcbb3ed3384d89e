/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run: a command in a root of its own, in its own namespaces, without root.
 *
 * Two steps, so that everything that costs round trips overlaps and the fork
 * comes before any thread exists:
 *
 *   run_spawn()  forks the runner.  It makes user and mount namespaces, opens
 *                /dev/fuse inside them, mounts, and sends the descriptor back.
 *                The caller goes on to resolve the image meanwhile.
 *   run_start()  once the caller serves the descriptor: sends the job (argv,
 *                environment, binds ...); the runner builds the root over the
 *                mount, pivots into it and executes the command.
 *
 * The job is the caller's first child (see run_guard.h for another).  When the
 * caller dies, by SIGKILL even, the job and what it started are killed and the
 * mount is gone with its namespace; when the job's last process ends, the mount
 * is released and the FUSE session ends.
 *
 * Every target in the root is resolved by openat2(RESOLVE_IN_ROOT) and mounted
 * through a descriptor: links in an image cannot lead a mount elsewhere.
 *
 * Threads: run_spawn() and run_start() from the main thread; run_spawn() before
 * any other thread exists.
 */
#include "common/cleanup.h"
#include "run/run_job.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct run;
struct run_guard;

enum {
	RUN_EXIT_FAILURE = 125, /* lazyrun's own failure */
	RUN_EXIT_NOT_EXECUTABLE = 126,
	RUN_EXIT_NOT_FOUND = 127,
};

struct run_options {
	bool use_pid_namespace; /* with an init of ours as pid 1 */
	bool has_no_init;	/* there the job itself is pid 1 */
	bool use_ipc_namespace;
	bool use_uts_namespace;
	bool use_net_namespace; /* with nothing in it but its own loopback */
	/* The job has uid and gid 0 and root's capabilities in its own user
	 * namespace: it is root to itself and its user to everybody else. */
	bool is_fake_root;
	/* With it, no further ids, whatever /etc/subuid gives the user. */
	bool has_one_id;
	/* An existing directory as the image instead of a FUSE mount: there is
	 * no descriptor to serve then.  It must hold no mounts. */
	const char *root_directory;
	/* Further mounts: run_job.overlays says where they go.  Of each the
	 * ext3 file that the host's fuse2fs is to mount, or NULL for a FUSE
	 * mount that the caller serves (run_take_layer_fd()).  At most
	 * RUN_LAYERS_MAX; a run that has some cannot join. */
	const char *const *layers;
	unsigned layer_count;
	/* Others are to join: the image stays mounted as it is, the root is
	 * made beside it, and the runner and what it becomes have no terminal
	 * and no pipes. */
	bool is_kept;
	/* Nothing is mounted yet: run_mount() or run_join() decides. */
	bool is_undecided;
};

/* How much of another runner's to join. */
enum run_join {
	RUN_JOIN_IMAGE = 1, /* its mounted image; the root is the job's own */
	RUN_JOIN_ROOT,	    /* its job's root and namespaces, as they are */
	RUN_JOIN_READY, /* a root that a job like this one offered: a copy of
			   its mounts, in namespaces of the job's own */
};

/* What run_join() joins. */
struct run_target {
	enum run_join kind;
	int fd; /* of run_open_image(), run_open_root() or a run_offer_fn;
		   borrowed */
	bool offers_root;	/* RUN_JOIN_IMAGE: to run_watch.offer */
	bool has_pid_namespace; /* RUN_JOIN_ROOT: how that job was started */
	bool has_ipc_namespace;
};

/**
 * run_spawn() - fork the runner, make namespaces, mount
 *
 * As root no user namespace is made and real ids are shown.
 *
 * Return: 0; -EPERM or -ENOSPC (user namespaces are switched off: @err names
 * the sysctl or profile), -ENODEV (no /dev/fuse), -EACCES (may not open it),
 * -ETIMEDOUT, -ENOMEM; nothing is left behind.
 */
int run_spawn(const struct run_options *options, struct run **ret,
	      struct error *err);

/**
 * run_mount() - the second half of run_spawn() when that was undecided
 *
 * Return: as run_spawn().
 */
int run_mount(struct run *run, struct error *err);

/**
 * run_join() - instead of run_mount(): join what another runner keeps
 *
 * With RUN_JOIN_ROOT the other one's job must run; of the job that run_start()
 * gets only argv, envp, cwd and home count then, and --pid means nothing.
 *
 * With RUN_JOIN_READY nothing is mounted: the job must have all that shapes its
 * root in common with the one that offered it, and neither may be root's or
 * writable; all else is its own.
 *
 * Both must be of one user, in one mount namespace of the host.  Nothing is
 * waited for: what cannot be joined (-ESRCH: it has ended) is run_start()'s
 * failure.
 *
 * Return: 0 or negative errno: the run can only be destroyed then.
 */
int run_join(struct run *run, const struct run_target *target,
	     struct error *err);

/** run_get_environment() - of a job without a command that has been started:
 * "NAME=value", each ended by NUL; borrowed */
const char *run_get_environment(const struct run *run, size_t *ret_size);

/** run_get_pid() - of the job, or process 1 of its pid namespace; 0: ended */
pid_t run_get_pid(const struct run *run);

/** run_get_guard() - who kills what others leave, too, when the caller of a run
 * that is_kept is killed (run_guard_add()); borrowed */
const struct run_guard *run_get_guard(const struct run *run);

/**
 * run_open_image() - keep the mounted image for others: RUN_JOIN_IMAGE
 *
 * Only between run_spawn() or run_mount() and run_start().  The descriptor (the
 * caller's, CLOEXEC) keeps the mount, also when the job has ended.
 *
 * Return: the descriptor or negative errno.
 */
int run_open_image(const struct run *run);

/**
 * run_open_root() - show a running job's root to others: RUN_JOIN_ROOT
 *
 * The descriptor (the caller's, CLOEXEC) is readable once the job, or process
 * 1 of its pid namespace, has ended.
 *
 * Return: the descriptor or negative errno.
 */
int run_open_root(const struct run *run);

/**
 * run_take_fuse_fd() - the mounted /dev/fuse descriptor; the caller's from now
 *
 * Return: the descriptor (CLOEXEC); -1 with root_directory, after run_join(),
 * or the second time.
 */
int run_take_fuse_fd(struct run *run);

/** run_take_layer_fd() - the same of the @i-th that the caller serves; -1 the
 * second time */
int run_take_layer_fd(struct run *run, unsigned i);

/**
 * run_maps_ids() - whether the mount's owner is the only id there is
 *
 * Then the filesystem must show every file as uid 0 and gid 0: ids on the
 * descriptor are those of the runner's user namespace, in which the user is
 * root.  The job sees them as its own.
 */
bool run_maps_ids(const struct run *run);

/**
 * run_start() - send the job; returns when the command has been executed
 *
 * The FUSE descriptor must be served by another thread meanwhile.
 *
 * Return: 0; or the job's failure to start, with @err and *@ret_exit one of
 * RUN_EXIT_*: -ENOENT (command not found), -EACCES/-ENOEXEC (cannot be
 * executed), others (a mount, a bind: @err names it).
 */
int run_start(struct run *run, const struct run_job *job, int *ret_exit,
	      struct error *err);

/*
 * Something happened on a descriptor that run_watch() was given.
 * Return: 0; a signal for the job; -1: nothing more will come, what the job
 * stands on is gone: it is killed.
 */
typedef int run_watch_fn(void *arg);

/* What the job's processes are known by (run_guard.h), before the command
 * runs; borrowed. */
typedef void run_mark_fn(void *arg, int mark_fd);

/* The job's root has been assembled, with nothing of the job in it yet: others
 * may join it as RUN_JOIN_READY while somebody keeps the descriptor; borrowed
 */
typedef void run_offer_fn(void *arg, int root_fd);

struct run_watch {
	int fd; /* borrowed; run_wait() and run_wait_rest() watch it, too */
	run_watch_fn *happened;
	/* Whoever kills what the job leaves when the caller is killed
	 * (run_guard_kill()) is told; NULL: a child of the caller's does it. */
	run_mark_fn *mark;
	run_offer_fn *offer; /* with run_target.offers_root; else NULL */
	void *arg;
};

/** run_watch() - somebody else has a part in the job; before run_join() */
void run_watch(struct run *run, const struct run_watch *watch);

/**
 * run_wait() - wait for the job, passing signals on
 * @ret_status: as waitpid's
 *
 * SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT and
 * SIGTSTP that reach the caller are sent on (those of the terminal only when
 * the job did not get them itself).
 *
 * Return: 0 or negative errno.
 */
int run_wait(struct run *run, int *ret_status, struct error *err);

/**
 * run_wait_rest() - wait for the processes that the job left in the background
 *
 * Only after run_join() of an image or a ready root with a run_mark_fn, which
 * makes the caller a reaper of orphans (PR_SET_CHILD_SUBREAPER: it must have no
 * other children); else returns at once: the end of the FUSE session tells.
 */
void run_wait_rest(struct run *run);

/**
 * run_destroy() - kills a job that still runs, reaps, frees
 *
 * Processes that the job left in the background live on.  Until here they die
 * with the caller: call it when the FUSE session has ended.  When a watch has
 * said that all is lost, they are killed.
 */
void run_destroy(struct run *run);
DEFINE_CLEANUP(struct run, run_destroy);
