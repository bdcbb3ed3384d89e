/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fake_driver: a directory that looks like a host with GPUs: libraries that are
 * ELF files with the right names and nothing in them, /etc/ld.so.cache, /proc,
 * /sys and device nodes that are plain files.
 *
 * Every function aborts when it cannot do its work.
 */
#include "tests/support/temp_dir.h"

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_DRIVER_CACHE_MAX = 64, FAKE_DRIVER_FILE_MAX = 1024 };

struct fake_driver {
	char root[TEMP_DIR_SIZE];
	const char *names[FAKE_DRIVER_CACHE_MAX]; /* of the cache's entries */
	const char *paths[FAKE_DRIVER_CACHE_MAX];
	size_t count;
	char *kept[FAKE_DRIVER_CACHE_MAX]; /* owned; some of the paths */
	size_t kept_count;
};

void fake_driver_create(struct fake_driver *driver);
void fake_driver_destroy(struct fake_driver *driver);

/** fake_driver_write() - a file with its directories; mode 0644 */
void fake_driver_write(const struct fake_driver *driver, const char *path,
		       const char *text);

/** fake_driver_copy() - a file of this machine, over one that is there */
void fake_driver_copy(const struct fake_driver *driver, const char *from,
		      const char *path);

/** fake_driver_link() - a link with its directories */
void fake_driver_link(const struct fake_driver *driver, const char *path,
		      const char *target);

/** fake_driver_remove() - a file or link */
void fake_driver_remove(const struct fake_driver *driver, const char *path);

/** fake_driver_library() - an ELF file at @path; @machine of elf.h;
 * @soname NULL: none */
void fake_driver_library(const struct fake_driver *driver, const char *path,
			 const char *soname, uint16_t machine);

/**
 * fake_driver_install() - a library of this machine as packages have it: a
 * file, a link by its soname, an entry in the cache
 * @path: "/usr/lib64/libcuda.so.550.54.14"; literals, kept
 */
void fake_driver_install(struct fake_driver *driver, const char *path,
			 const char *soname);

/** fake_driver_add_entry() - an entry of the cache; literals, kept */
void fake_driver_add_entry(struct fake_driver *driver, const char *name,
			   const char *path);

/** fake_driver_write_cache() - /etc/ld.so.cache with what was added */
void fake_driver_write_cache(const struct fake_driver *driver);

/** fake_driver_add_gpu() - in /proc and /dev, with a render node */
void fake_driver_add_gpu(const struct fake_driver *driver, unsigned minor,
			 const char *bus, const char *uuid);

/** fake_driver_add_slice() - a MIG compute instance with its capabilities */
void fake_driver_add_slice(const struct fake_driver *driver, unsigned gpu,
			   unsigned gpu_instance, unsigned compute_instance,
			   unsigned gpu_cap, unsigned compute_cap);

/** fake_driver_populate() - a whole driver of version 550.54.14 and two GPUs:
 * GPU-aaaa1111... at minor 0, GPU-bbbb2222... at minor 1 */
void fake_driver_populate(struct fake_driver *driver);

/** fake_driver_own_machine() - e_machine of this program */
uint16_t fake_driver_own_machine(void);

#define FAKE_DRIVER_VERSION "550.54.14"
#define FAKE_DRIVER_UUID_0  "GPU-aaaa1111-0000-4000-8000-000000000000"
#define FAKE_DRIVER_UUID_1  "GPU-bbbb2222-0000-4000-8000-000000000001"
