/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_image.h"

#include "common/cleanup.h"
#include "index/index_file.h"
#include "run/run_path.h"

#include <fcntl.h>
#include <sys/stat.h>

static bool find_mode(const struct job_image *image, const char *path,
		      mode_t *ret)
{
	struct index_inode inode;
	uint32_t number;

	if (!image->index) {
		autoclose int fd = run_path_open(image->dir_fd, path, O_PATH);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			return false;
		*ret = st.st_mode;
		return true;
	}
	if (index_file_resolve(image->index, path, true, &number) < 0 ||
	    index_file_get_inode(image->index, number, &inode) < 0)
		return false;
	*ret = inode.mode;
	return true;
}

bool job_image_is_executable(const struct job_image *image, const char *path)
{
	mode_t mode = 0;

	return find_mode(image, path, &mode) && S_ISREG(mode) && (mode & 0111);
}
