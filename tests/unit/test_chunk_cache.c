/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_cache.h"

#include "common/error.h"
#include "fetch/chunk_cache_gc.h"
#include "fetch/chunk_cache_name.h"
#include "fetch/chunk_record.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SIZE = 1000,
	HOUR = 3600,
};

static char dir[TEMP_DIR_SIZE];
static struct chunk_cache *cache;
static uint8_t data[SIZE];
static uint8_t loaded[SIZE];

static struct chunk_cache *open_cache(uint64_t size_max)
{
	struct chunk_cache *opened = NULL;
	struct error err = { 0 };

	cr_assert_eq(chunk_cache_open(dir, size_max, &opened, &err), 0, "%s",
		     err.text);
	return opened;
}

static void setup(void)
{
	temp_dir_create(dir);
	cache = open_cache(1 << 30);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7);
}

static void teardown(void)
{
	chunk_cache_close(cache);
	temp_dir_remove(dir);
}

TestSuite(chunk_cache, .init = setup, .fini = teardown);

static struct digest make_key(unsigned number)
{
	struct digest key;

	digest_compute(&number, sizeof(number), &key);
	return key;
}

static struct digest store(unsigned number)
{
	struct digest key = make_key(number);

	cr_assert_eq(chunk_cache_store(cache, &key, data, SIZE), 0);
	return key;
}

static int load(const struct digest *key)
{
	memset(loaded, 0, SIZE);
	return chunk_cache_load(cache, key, loaded, SIZE);
}

static const char *path_of(const struct digest *key)
{
	static char path[CHUNK_CACHE_NAME_SIZE];

	chunk_cache_name_format(key, path);
	return path;
}

static bool file_exists(const char *path)
{
	return faccessat(chunk_cache_dir_fd(cache), path, F_OK, 0) == 0;
}

static void set_age(const char *path, int64_t age_s)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = time(NULL) - age_s },
	};

	cr_assert_eq(utimensat(chunk_cache_dir_fd(cache), path, times, 0), 0);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	int fd = openat(chunk_cache_dir_fd(cache), path,
			O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
}

static struct chunk_cache_figures figures(void)
{
	struct chunk_cache_figures ret;

	cr_assert_eq(chunk_cache_get_figures(cache, &ret, NULL), 0);
	return ret;
}

Test(chunk_cache, misses_what_was_never_stored)
{
	struct digest key = make_key(1);

	cr_expect_eq(load(&key), CHUNK_CACHE_MISS);
	cr_expect_not(chunk_cache_has(cache, &key, SIZE));
}

Test(chunk_cache, gives_back_what_was_stored)
{
	struct digest key = store(1);

	cr_expect_eq(load(&key), CHUNK_CACHE_HIT);
	cr_expect_arr_eq(loaded, data, SIZE);
	cr_expect(chunk_cache_has(cache, &key, SIZE));
	cr_expect_not(chunk_cache_has(cache, &key, SIZE - 1));
}

Test(chunk_cache, shares_a_directory_between_opens)
{
	struct chunk_cache *other = open_cache(0);
	struct digest key = store(1);

	cr_expect_eq(chunk_cache_load(other, &key, loaded, SIZE),
		     CHUNK_CACHE_HIT);
	chunk_cache_close(other);
}

Test(chunk_cache, stores_an_empty_chunk)
{
	struct digest key = make_key(1);

	cr_expect_eq(chunk_cache_store(cache, &key, data, 0), 0);
	cr_expect_eq(chunk_cache_load(cache, &key, loaded, 0), CHUNK_CACHE_HIT);
}

Test(chunk_cache, accepts_a_chunk_twice)
{
	store(1);
	store(1);
	cr_expect_eq(figures().count, 1);
}

Test(chunk_cache, survives_a_truncated_file)
{
	struct digest key = store(1);
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, path_of(&key));
	cr_assert_eq(truncate(path, 70), 0);
	cr_expect_eq(load(&key), CHUNK_CACHE_MISS);
	cr_expect_not(file_exists(path_of(&key)), "damage is removed");
	store(1);
	cr_expect_eq(load(&key), CHUNK_CACHE_HIT);
}

Test(chunk_cache, survives_any_damaged_byte)
{
	enum { RECORD = CHUNK_RECORD_HEADER_SIZE + 4 };
	struct digest key = make_key(1);
	uint8_t record[RECORD];

	chunk_record_encode(&key, data, 4, record);
	memcpy(record + CHUNK_RECORD_HEADER_SIZE, data, 4);
	store(1); /* makes the folder */
	write_file(path_of(&key), record, RECORD);
	cr_expect_eq(chunk_cache_load(cache, &key, loaded, 4), CHUNK_CACHE_HIT);
	for (size_t i = 0; i < RECORD; i++) {
		record[i] ^= 0x10;
		write_file(path_of(&key), record, RECORD);
		record[i] ^= 0x10;
		cr_expect_eq(chunk_cache_load(cache, &key, loaded, 4),
			     CHUNK_CACHE_MISS, "byte %zu", i);
		cr_expect_not(file_exists(path_of(&key)), "byte %zu", i);
	}
}

Test(chunk_cache, does_not_wait_on_a_fifo)
{
	struct digest key = store(1);

	chunk_cache_remove(cache, &key);
	cr_assert_eq(mkfifoat(chunk_cache_dir_fd(cache), path_of(&key), 0600),
		     0);
	cr_expect_eq(load(&key), CHUNK_CACHE_MISS);
}

Test(chunk_cache, does_not_follow_a_link)
{
	struct digest key = store(1);
	struct digest other = store(2);
	char target[CHUNK_CACHE_NAME_SIZE + TEMP_DIR_SIZE];

	snprintf(target, sizeof(target), "%s/%s", dir, path_of(&key));
	chunk_cache_remove(cache, &other);
	cr_assert_eq(
		symlinkat(target, chunk_cache_dir_fd(cache), path_of(&other)),
		0);
	cr_expect_eq(load(&other), CHUNK_CACHE_MISS);
	cr_expect_eq(load(&key), CHUNK_CACHE_HIT);
}

Test(chunk_cache, forgets_a_removed_chunk)
{
	struct digest key = store(1);

	chunk_cache_remove(cache, &key);
	chunk_cache_remove(cache, &key);
	cr_expect_eq(load(&key), CHUNK_CACHE_MISS);
}

Test(chunk_cache, measures_itself)
{
	store(1);
	store(2);
	cr_expect_eq(figures().count, 2);
	cr_expect_eq(figures().size, 2 * (SIZE + CHUNK_RECORD_HEADER_SIZE));
	cr_expect_eq(figures().size_max, 1 << 30);
}

Test(chunk_cache, evicts_the_least_recently_used)
{
	struct digest keys[20];

	chunk_cache_close(cache);
	cache = open_cache(20 * (SIZE + CHUNK_RECORD_HEADER_SIZE));
	for (unsigned i = 0; i < 20; i++) {
		keys[i] = store(i);
		set_age(path_of(&keys[i]), (int64_t)(40 - i) * 10 * HOUR);
	}
	/* used again: now the youngest */
	cr_expect_eq(load(&keys[0]), CHUNK_CACHE_HIT);
	store(100);
	cr_expect_eq(chunk_cache_collect(cache, NULL), 0);
	cr_expect_leq(figures().size, figures().size_max);
	cr_expect_eq(load(&keys[0]), CHUNK_CACHE_HIT);
	cr_expect_eq(load(&keys[1]), CHUNK_CACHE_MISS);
	cr_expect_eq(load(&keys[2]), CHUNK_CACHE_MISS);
	cr_expect_eq(load(&keys[19]), CHUNK_CACHE_HIT);
	/* down to nine tenths of twenty */
	cr_expect_eq(figures().count, 18);
}

static uint64_t ten_records(int dir_fd)
{
	(void)dir_fd;
	return 10 * (SIZE + CHUNK_RECORD_HEADER_SIZE);
}

Test(chunk_cache, shares_its_bound_with_neighbours)
{
	chunk_cache_close(cache);
	cache = open_cache(20 * (SIZE + CHUNK_RECORD_HEADER_SIZE));
	chunk_cache_set_neighbours(cache, ten_records);
	for (unsigned i = 0; i < 40; i++)
		store(i);
	cr_expect_eq(chunk_cache_collect(cache, NULL), 0);
	cr_expect_leq(figures().count, 10);
	cr_expect_geq(figures().count, 9);
	cr_expect_eq(figures().neighbour_size, ten_records(0));
	cr_expect_eq(figures().size_max, 2 * ten_records(0));
}

Test(chunk_cache, stays_within_its_bound)
{
	chunk_cache_close(cache);
	cache = open_cache(64 * (SIZE + CHUNK_RECORD_HEADER_SIZE));
	for (unsigned i = 0; i < 400; i++)
		store(i);
	/* a sixteenth may come between two walks */
	cr_expect_leq(figures().count, 68);
	cr_expect_geq(figures().count, 57);
}

Test(chunk_cache, refuses_what_is_larger_than_itself)
{
	struct digest key = make_key(1);

	chunk_cache_close(cache);
	cache = open_cache(SIZE);
	cr_expect_eq(chunk_cache_store(cache, &key, data, SIZE), -ENOSPC);
}

Test(chunk_cache, notes_a_use_once_an_hour)
{
	struct digest key = store(1);
	struct stat before;
	struct stat after;

	set_age(path_of(&key), HOUR / 2);
	fstatat(chunk_cache_dir_fd(cache), path_of(&key), &before, 0);
	load(&key);
	fstatat(chunk_cache_dir_fd(cache), path_of(&key), &after, 0);
	cr_expect_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	set_age(path_of(&key), 2 * HOUR);
	load(&key);
	fstatat(chunk_cache_dir_fd(cache), path_of(&key), &after, 0);
	cr_expect_gt(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
}

Test(chunk_cache, removes_folders_of_former_versions)
{
	static const char *const name =
		"chunks/0a/0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcd";

	store(1);
	mkdirat(chunk_cache_dir_fd(cache), "chunks/0a", 0700);
	mkdirat(chunk_cache_dir_fd(cache), "chunks/0b", 0700);
	mkdirat(chunk_cache_dir_fd(cache), "chunks/ff", 0700);
	write_file(name, "x", 1);
	write_file("chunks/ff/notes", "x", 1);
	cr_expect_eq(chunk_cache_collect(cache, NULL), 0);
	cr_expect_not(file_exists("chunks/0a"));
	cr_expect_not(file_exists("chunks/0b"));
	cr_expect(file_exists("chunks/ff/notes"), "not a name of ours");
	cr_expect_eq(figures().count, 1);
}

Test(chunk_cache, collects_left_over_temporary_files)
{
	store(1);
	write_file("chunks/0.keep", "x", 1);
	mkdirat(chunk_cache_dir_fd(cache), "chunks/0", 0700);
	write_file("chunks/0/.tmp-old", "x", 1);
	write_file("chunks/0/.tmp-new", "x", 1);
	write_file("chunks/0/notes", "x", 1);
	write_file(".tmp-12-3", "x", 1);
	set_age("chunks/0/.tmp-old", 2 * HOUR);
	set_age("chunks/0/notes", 1000 * HOUR);
	set_age(".tmp-12-3", 2 * HOUR);
	cr_expect_eq(chunk_cache_collect(cache, NULL), 0);
	cr_expect_not(file_exists("chunks/0/.tmp-old"));
	cr_expect_not(file_exists(".tmp-12-3"));
	cr_expect(file_exists("chunks/0/.tmp-new"));
	cr_expect(file_exists("chunks/0/notes"), "not a name of ours");
	cr_expect(file_exists("chunks/0.keep"), "not a name of ours");
	cr_expect_eq(figures().count, 1);
}

Test(chunk_cache, clears_chunks_and_nothing_else)
{
	struct digest key = store(1);

	mkdirat(chunk_cache_dir_fd(cache), "index", 0700);
	write_file("index/one", "x", 1);
	cr_expect_eq(chunk_cache_clear(cache, NULL), 0);
	cr_expect_eq(load(&key), CHUNK_CACHE_MISS);
	cr_expect_eq(figures().count, 0);
	cr_expect(file_exists("index/one"));
	cr_expect(file_exists("claims"));
}

Test(chunk_cache, works_on_after_its_folder_was_removed)
{
	struct digest key = store(1);
	char path[TEMP_DIR_SIZE + 16];

	snprintf(path, sizeof(path), "%s/chunks", dir);
	temp_dir_remove(path);
	cr_expect_eq(load(&key), CHUNK_CACHE_MISS);
	store(1);
	cr_expect_eq(load(&key), CHUNK_CACHE_HIT);
	temp_dir_remove(dir);
	cr_expect_eq(load(&key), CHUNK_CACHE_MISS);
	cr_expect_eq(chunk_cache_store(cache, &key, data, SIZE), -ENOENT);
	cr_expect_eq(chunk_cache_collect(cache, NULL), 0);
	cr_expect_eq(figures().count, 0);
}

Test(chunk_cache, claims_exclude_other_processes)
{
	struct chunk_cache *other = open_cache(0);
	struct digest a = make_key(1);
	struct digest b = make_key(2);

	cr_expect_eq(chunk_cache_try_claim(cache, &a), CHUNK_CACHE_CLAIMED);
	cr_expect_eq(chunk_cache_try_claim(other, &a), CHUNK_CACHE_TAKEN);
	cr_expect_eq(chunk_cache_try_claim(other, &b), CHUNK_CACHE_CLAIMED);
	chunk_cache_unclaim(cache, &a);
	cr_expect_eq(chunk_cache_try_claim(other, &a), CHUNK_CACHE_CLAIMED);
	chunk_cache_close(other);
	cr_expect_eq(chunk_cache_try_claim(cache, &b), CHUNK_CACHE_CLAIMED);
}

Test(chunk_cache, makes_missing_parents)
{
	struct chunk_cache *deep = NULL;
	char path[TEMP_DIR_SIZE + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b/c", dir);
	cr_assert_eq(chunk_cache_open(path, 0, &deep, NULL), 0);
	cr_expect_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0700);
	chunk_cache_close(deep);
}

Test(chunk_cache, refuses_a_directory_that_others_may_write)
{
	struct chunk_cache *opened = NULL;
	struct error err = { 0 };

	chmod(dir, 0770);
	cr_expect_eq(chunk_cache_open(dir, 0, &opened, &err), -EPERM);
	cr_expect_not_null(strstr(err.text, dir));
	chmod(dir, 0700);
}

Test(chunk_cache, names_the_directory_it_cannot_use)
{
	struct chunk_cache *opened = NULL;
	struct error err = { 0 };

	cr_expect_eq(chunk_cache_open("/proc/nope/cache", 0, &opened, &err),
		     -ENOENT);
	cr_expect_not_null(strstr(err.text, "/proc/nope"));
	cr_expect_eq(chunk_cache_open("/proc/version", 0, &opened, &err),
		     -ENOTDIR);
}

/* What follows needs another user or a mount, so root; in children. */

static void as_nobody(void (*body)(void))
{
	pid_t child;
	int status;

	if (geteuid() != 0)
		cr_skip_test("needs root to become another user");
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(99);
		body();
		_exit(0);
	}
	waitpid(child, &status, 0);
	cr_expect_eq(status, 0, "the child failed: %x", status);
}

static void expect_refusal(void)
{
	struct chunk_cache *opened = NULL;
	struct error err = { 0 };

	if (chunk_cache_open(dir, 0, &opened, &err) != -EPERM)
		_exit(1);
	if (!strstr(err.text, "belongs to user 0"))
		_exit(2);
}

Test(chunk_cache, refuses_another_users_directory)
{
	chmod(dir, 0755);
	as_nobody(expect_refusal);
}

static void expect_loads_only(void)
{
	struct digest stored = make_key(1);
	struct digest key = make_key(2);
	struct chunk_cache *opened = NULL;

	if (chunk_cache_open(dir, 0, &opened, NULL) != 0)
		_exit(1);
	if (chunk_cache_load(opened, &stored, loaded, SIZE) != CHUNK_CACHE_HIT)
		_exit(2);
	if (chunk_cache_store(opened, &key, data, SIZE) != -EACCES)
		_exit(3);
	if (chunk_cache_try_claim(opened, &key) != CHUNK_CACHE_CLAIMED)
		_exit(4);
	if (chunk_cache_collect(opened, NULL) != 0)
		_exit(5);
	chunk_cache_close(opened);
}

static int give_away(const char *path, bool is_folder)
{
	return chmod(path, is_folder ? 0500 : 0400) ||
	       chown(path, 65534, 65534);
}

Test(chunk_cache, serves_from_a_directory_it_may_only_read)
{
	struct digest key = store(1);
	char path[TEMP_DIR_SIZE + CHUNK_CACHE_NAME_SIZE];

	snprintf(path, sizeof(path), "%s/claims", dir);
	cr_assert_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, path_of(&key));
	cr_assert_eq(give_away(path, false), 0);
	*strrchr(path, '/') = '\0';
	cr_assert_eq(give_away(path, true), 0);
	*strrchr(path, '/') = '\0';
	cr_assert_eq(give_away(path, true), 0);
	cr_assert_eq(give_away(dir, true), 0);
	as_nobody(expect_loads_only);
}

Test(chunk_cache, evicts_when_the_disk_is_full)
{
	enum { LARGE = 64 << 10, DISK = 1 << 20 };
	uint8_t *large = calloc(1, LARGE);
	struct digest key;
	unsigned i;

	cr_assert_not_null(large);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=700") < 0)
		cr_skip_test("may not mount a tmpfs");
	chunk_cache_close(cache);
	cache = open_cache(100 << 20); /* far more than the disk has */
	for (i = 0; i < 2 * DISK / LARGE; i++) {
		key = make_key(i);
		cr_expect_eq(chunk_cache_store(cache, &key, large, LARGE), 0,
			     "chunk %u", i);
		if (file_exists(path_of(&key)))
			set_age(path_of(&key), (int64_t)(500 - i) * HOUR);
	}
	key = make_key(i - 1);
	cr_expect_eq(chunk_cache_load(cache, &key, large, LARGE),
		     CHUNK_CACHE_HIT, "the youngest stays");
	umount2(dir, MNT_DETACH);
	free(large);
}

Test(chunk_cache, gives_up_on_a_disk_full_of_other_things)
{
	struct digest key = make_key(1);
	int fd;

	if (mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700") < 0)
		cr_skip_test("may not mount a tmpfs");
	chunk_cache_close(cache);
	cache = open_cache(100 << 20);
	fd = openat(chunk_cache_dir_fd(cache), "other", O_WRONLY | O_CREAT,
		    0600);
	while (write(fd, data, SIZE) > 0)
		;
	close(fd);
	cr_expect_eq(chunk_cache_store(cache, &key, data, SIZE), -ENOSPC);
	cr_expect(file_exists("other"));
	cr_expect_eq(figures().count, 0);
	umount2(dir, MNT_DETACH);
}

Test(chunk_cache, leaves_a_share_of_the_disk_free_by_default)
{
	uint64_t tenth = (20 << 20) / 10;
	int fd;

	if (mount("tmpfs", dir, "tmpfs", 0, "size=20m,mode=700") < 0)
		cr_skip_test("may not mount a tmpfs");
	chunk_cache_close(cache);
	cache = open_cache(0);
	cr_expect_eq(figures().size_max, tenth);
	store(1);
	fd = openat(chunk_cache_dir_fd(cache), "other", O_WRONLY | O_CREAT,
		    0600);
	/* with 18 of 20 in use, one of the two left must stay free */
	cr_expect_eq(posix_fallocate(fd, 0, 18 << 20), 0);
	cr_expect_leq(figures().size_max, 1 << 20);
	cr_expect_gt(figures().size_max, 1 << 19);
	cr_expect_eq(posix_fallocate(fd, 0, 19 << 20), 0);
	cr_expect_eq(posix_fallocate(fd, 0, (19 << 20) + (900 << 10)), 0);
	/* with nearly all, half of the rest */
	cr_expect_gt(figures().size_max, 10 << 10);
	cr_expect_leq(figures().size_max, 64 << 10);
	close(fd);
	umount2(dir, MNT_DETACH);
}

static void store_until_killed(void)
{
	struct chunk_cache *mine = open_cache(0);

	for (unsigned i = 0;; i++) {
		struct digest key = make_key(i % 50);

		if (i % 50 == 0)
			chunk_cache_clear(mine, NULL);
		chunk_cache_store(mine, &key, data, SIZE);
	}
}

Test(chunk_cache, survives_kill_at_any_point)
{
	for (unsigned round = 0; round < 20; round++) {
		struct timespec pause = { .tv_nsec = 1000000L * round };
		pid_t child = fork();

		cr_assert_geq(child, 0);
		if (child == 0)
			store_until_killed();
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		for (unsigned i = 0; i < 50; i++) {
			struct digest key = make_key(i);
			bool has = chunk_cache_has(cache, &key, SIZE);

			cr_expect_eq(load(&key),
				     has ? CHUNK_CACHE_HIT : CHUNK_CACHE_MISS);
		}
	}
}
