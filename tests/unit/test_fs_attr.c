/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_attr.h"

#include "fs/fs_server.h"
#include "index/index_file.h"

#include <criterion/criterion.h>
#include <sys/sysmacros.h>

static const struct index_inode device = {
	.number = 42,
	.mode = S_IFCHR | 0620,
	.uid = 100000,
	.gid = 4000000000,
	.nlink = 3,
	.rdev_major = 259,
	.rdev_minor = 70000,
	.mtime_s = -1,
	.mtime_ns = 999999999,
	.size = 0,
};

Test(fs_attr, shows_what_the_image_says)
{
	const struct fs_server_options options = { 0 };
	struct stat attr;

	fs_attr_fill(&device, &options, &attr);
	cr_expect_eq(attr.st_ino, 42);
	cr_expect_eq(attr.st_mode, S_IFCHR | 0620);
	cr_expect_eq(attr.st_uid, 100000);
	cr_expect_eq(attr.st_gid, 4000000000);
	cr_expect_eq(attr.st_nlink, 3);
	cr_expect_eq(major(attr.st_rdev), 259);
	cr_expect_eq(minor(attr.st_rdev), 70000);
	cr_expect_eq(attr.st_mtim.tv_sec, -1);
	cr_expect_eq(attr.st_mtim.tv_nsec, 999999999);
	cr_expect_eq(attr.st_ctim.tv_sec, -1);
	cr_expect_eq(attr.st_atim.tv_nsec, 999999999);
}

Test(fs_attr, shows_every_file_as_the_mapped_user)
{
	const struct fs_server_options options = {
		.map_ids = true,
		.uid = 0,
		.gid = 7,
	};
	struct stat attr;

	fs_attr_fill(&device, &options, &attr);
	cr_expect_eq(attr.st_uid, 0);
	cr_expect_eq(attr.st_gid, 7);
}

Test(fs_attr, counts_blocks_rounded_up)
{
	static const struct {
		uint64_t size;
		int64_t blocks;
	} cases[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ 512, 1 },
		{ 513, 2 },
		{ INT64_MAX, INT64_MAX / 512 + 1 },
	};
	const struct fs_server_options options = { 0 };
	struct stat attr;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct index_inode inode = {
			.number = 1,
			.mode = S_IFREG,
			.size = cases[i].size,
		};

		fs_attr_fill(&inode, &options, &attr);
		cr_expect_eq(attr.st_size, (off_t)cases[i].size);
		cr_expect_eq(attr.st_blocks, cases[i].blocks, "size: %ju",
			     (uintmax_t)cases[i].size);
	}
}
