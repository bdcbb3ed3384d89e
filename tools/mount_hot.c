/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mount_hot.h"

#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "hot/hot_folder.h"
#include "hot/hot_record.h"
#include "hot/hot_tree.h"
#include "index/index_file.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not that of a user namespace, from which the kernel takes no files. */
static bool is_root_of_host(void)
{
	unsigned inside = 1;
	unsigned outside = 1;
	unsigned count = 0;
	FILE *file = geteuid() == 0 ? fopen("/proc/self/uid_map", "re") : NULL;
	int n = 0;

	if (file) {
		n = fscanf(file, "%u %u %u", &inside, &outside, &count);
		fclose(file);
	}
	return n == 3 && inside == 0 && outside == 0 && count == UINT32_MAX;
}

struct sum {
	uint64_t count; /* files */
	uint64_t large_count;
	uint64_t large_size; /* bytes of these */
};

static bool is_large(const struct index_file *index, uint32_t number,
		     uint64_t size_min, uint64_t *ret_size)
{
	struct index_inode inode;

	if (index_file_get_inode(index, number, &inode) < 0 ||
	    !S_ISREG(inode.mode) || inode.size < size_min)
		return false;
	*ret_size = inode.size;
	return true;
}

static struct sum add_up(const struct index_file *index,
			 const struct hot_record *record, uint64_t size_min)
{
	struct sum sum = { 0 };
	uint64_t size;

	for (uint32_t n = hot_record_next(record, 0); n != 0;
	     n = hot_record_next(record, n)) {
		sum.count++;
		if (is_large(index, n, size_min, &size)) {
			sum.large_count++;
			sum.large_size += size;
		}
	}
	return sum;
}

static bool is_worth_it(uint64_t large_size, uint64_t count)
{
	return large_size > 0 &&
	       large_size / MOUNT_HOT_SIZE_PER_FILE_MIN >= count;
}

/* As a file of the mount would, the native one must take O_DIRECT. */
static bool takes_direct(int fd)
{
	return fcntl(fd, F_SETFL, O_DIRECT) == 0 && fcntl(fd, F_SETFL, 0) == 0;
}

static void close_files(struct mount_hot *mount)
{
	while (mount->count > 0)
		close(mount->files[--mount->count].fd);
}

static void open_files(struct mount_hot *mount, const struct index_file *index,
		       const struct hot_record *record)
{
	const struct hot_tree *tree = mount->hot.tree;
	uint64_t size_min = MOUNT_HOT_FILE_SIZE_MIN;
	uint64_t size_sum = 0;
	uint64_t size;

	while (add_up(index, record, size_min).large_count >
	       FS_SERVER_NATIVE_FILES_MAX)
		size_min *= 2;
	for (uint32_t n = hot_record_next(record, 0); n != 0;
	     n = hot_record_next(record, n)) {
		int fd;

		if (!is_large(index, n, size_min, &size))
			continue;
		fd = hot_tree_open_file(tree, index, n);
		if (fd >= 0 && takes_direct(fd)) {
			mount->files[mount->count++] =
				(struct fs_server_native_file){ n, fd };
			size_sum += size;
		} else if (fd >= 0) {
			close(fd);
		}
	}
	if (!is_worth_it(size_sum, tree->stamp.content_count))
		close_files(mount);
	log_event(LOG_DEBUG, "tools",
		  "op=mount_hot files=%zu size=%" PRIu64
		  " files_with_contents=%" PRIu64,
		  mount->count, size_sum, tree->stamp.content_count);
}

/* What runs and mounts have read so far; NULL: nothing, or off. */
static struct hot_record *load_record(const struct mount_hot *mount,
				      struct session *session)
{
	const struct index_file *index = session_index(session);
	CLEANUP(hot_record_destroyp) struct hot_record *record = NULL;
	struct hot_folder folder = HOT_FOLDER_INIT;
	int r;

	if (!mount->hot.touched)
		return NULL;
	record = hot_record_create(mount->hot.touched->inode_count);
	if (!record ||
	    hot_folder_open(chunk_cache_dir_fd(session_cache(session)),
			    index_file_manifest_digest(index), false, &folder,
			    NULL) < 0)
		return NULL;
	r = hot_record_load(record, folder.fd, HOT_FOLDER_RECORD,
			    index_file_hash(index));
	hot_folder_close(&folder);
	return r < 0 ? NULL : STEAL_PTR(record);
}

void mount_hot_open(struct mount_hot *mount, struct session *session)
{
	const struct index_file *index = session_index(session);
	CLEANUP(hot_record_destroyp) struct hot_record *record = NULL;
	struct sum sum;

	if (!is_root_of_host())
		mount->hot.is_off = true;
	job_hot_open(&mount->hot, session, NULL, false);
	record = load_record(mount, session);
	if (!record)
		return;
	sum = add_up(index, record, MOUNT_HOT_FILE_SIZE_MIN);
	mount->is_known = is_worth_it(sum.large_size, sum.count);
	if (mount->hot.tree)
		open_files(mount, index, record);
}

void mount_hot_build_beside(const struct mount_hot *mount,
			    const struct common_options *options,
			    const char *image)
{
	if (mount->is_known && mount->count == 0)
		job_hot_build_beside(&mount->hot, options, image);
}

void mount_hot_observe(struct mount_hot *mount, uint32_t inode)
{
	job_hot_observe(&mount->hot, inode, 0, 0);
}

void mount_hot_end(struct mount_hot *mount, struct session *session,
		   const struct common_options *options, const char *image)
{
	const struct hot_record *touched = mount->hot.touched;
	struct sum sum = { 0 };

	close_files(mount);
	if (touched)
		sum = add_up(session_index(session), touched,
			     MOUNT_HOT_FILE_SIZE_MIN);
	log_event(LOG_DEBUG, "tools",
		  "op=mount_hot_end files_read=%" PRIu64 " large=%" PRIu64
		  " large_size=%" PRIu64,
		  sum.count, sum.large_count, sum.large_size);
	if (is_worth_it(sum.large_size, sum.count) &&
	    job_hot_end(&mount->hot, session))
		job_hot_build(&mount->hot, options, image);
}

void mount_hot_fini(struct mount_hot *mount)
{
	close_files(mount);
	job_hot_fini(&mount->hot);
}
