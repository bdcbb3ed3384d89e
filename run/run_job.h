/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_job: what is to be run, and what it is to find in its root.
 *
 * Threads: plain data, lent to run.h for the length of a call.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What every job gets mounted, and may leave out. */
enum run_standard_mount {
	RUN_STANDARD_PROC = 1 << 0,
	RUN_STANDARD_SYS = 1 << 1,
	RUN_STANDARD_DEV = 1 << 2,
	RUN_STANDARD_DEVPTS = 1 << 3, /* of a minimal /dev */
	RUN_STANDARD_TMP = 1 << 4,    /* the host's /tmp and /var/tmp */
	RUN_STANDARD_HOME = 1 << 5,
	RUN_STANDARD_CWD = 1 << 6,
	RUN_STANDARD_ETC = 1 << 7, /* /etc/hosts, localtime, resolv.conf */
};

struct run_bind {
	const char *source;	 /* on the host; absolute.  NULL: a new tmpfs */
	const char *destination; /* in the root; absolute */
	mode_t mode;		 /* of the tmpfs' root */
	bool is_read_only;
	bool is_optional; /* a missing source is passed over */
	/* As the standard mounts: left out where the image has no place for
	 * it, would be hidden by it, or shows it already. */
	bool is_standard;
	/* The host's directory belongs to the job: what is mounted below it may
	 * have its mount point made in it. */
	bool is_own;
};

/* A link that the job finds in its root. */
struct run_link {
	const char *path;   /* absolute; a file or link there gives way */
	const char *target; /* its text */
};

/* A small file that the job finds in its root. */
struct run_file {
	const char *path; /* absolute; a file or link there gives way */
	const char *text;
	bool is_mask; /* mounted, read-only, over a file that is there (one of
			 /proc, say); nothing happens without one */
};

/*
 * An environment that is put together within the root, since the image's own
 * scripts have a say (run_environment.h).  Arrays of "NAME=value", NULL-ended;
 * NULL stands for an empty one.
 */
struct run_environment {
	const char *const *fixed;  /* there before the image's */
	const char *const *image;  /* of its configuration */
	const char *const *forced; /* the user's own, behind the image's; also
				      PREPEND_PATH and APPEND_PATH */
	const char *const *caller; /* those that the image says nothing of */
	const char *const *late;   /* at last */
	const char *library_first; /* in front of LD_LIBRARY_PATH, or NULL */
	const char *library_last;  /* behind it, where it is not in it; NULL */
	bool evaluates_forced;	   /* as in a shell's double quotes */
	bool evaluates_argv;	   /* the words of argv, too, at last */
	bool has_base_library;	   /* /.singularity.d/libs in
				      LD_LIBRARY_PATH */
	bool has_prompt;	   /* PS1 and PROMPT_COMMAND */
};

/* What to run.  All borrowed for the call of run_start(). */
struct run_job {
	const char *const *argv; /* NULL-ended, argv[0] looked up in the job's
				    PATH inside the root; empty: no command, the
				    root and its namespaces are kept until
				    somebody kills the job */
	const char *const *envp; /* the job's whole environment, unless: */
	const struct run_environment *environment; /* NULL: envp */
	const char *cwd;      /* in the root; NULL: the caller's own */
	bool cwd_is_required; /* else a cwd that cannot be entered falls back
				 to home, then "/" */
	const char *home;     /* in the root, for the generated /etc/passwd
				 and where the cwd cannot be entered; NULL:
				 none.  The host's under the same path is
				 bound to it unless omitted */
	const struct run_bind *binds; /* in order, after the standard ones */
	size_t bind_count;
	const struct run_link *links; /* made before the binds */
	size_t link_count;
	const struct run_file *files; /* made before the binds; masks after */
	size_t file_count;
	/* Directories of the host above the image and below what is written
	 * there, the uppermost first.  NULL stands for the next of those that
	 * run_options.layer_count asked for. */
	const char *const *overlays;
	size_t overlay_count;
	/* One whose "upper" keeps what the job writes, and whose "work" the
	 * kernel needs; NULL: memory.  The root is writable then. */
	const char *overlay_upper;
	bool writes_image;	/* with run_options.root_directory: the job
				   writes to that directory itself, and nothing
				   is made in it.  It has no links, and no files
				   but masks then */
	bool is_writable;	/* the root; what is written lies in memory and
				   is gone with the job */
	uint64_t writable_size; /* bytes of that memory; 0: half of all */
	const char *hot_tree;	/* a directory of the host, absolute, above the
				   image in the overlay: what it names is its
				   own.  One that cannot be opened or mounted
				   is passed over; NULL: none */
	bool hot_tree_is_whole; /* it names everything; of the image only the
				   contents of files show that its files point
				   to (docs/hot-tree.md).  Not used when the
				   standard mount on /dev is omitted */
	unsigned omitted;	/* of enum run_standard_mount */
	const char *hostname;	/* NULL: the host's; with a uts namespace */
	/* An empty file made right before execve(): proof for a batch system
	 * that what fails from then on is the job's own failure.  In the
	 * directory, in the root, that a variable of the job names. */
	const char *mark_variable; /* NULL: none */
	const char *mark_name;
	bool has_default_umask; /* 022 instead of the caller's */
	bool has_minimal_dev;	/* a /dev of its own: null, zero, random,
				   urandom, tty, shm, pts; else the host's */
};
