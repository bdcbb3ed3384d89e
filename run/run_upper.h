/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_upper: directories of the job's own below an image that belongs to
 * somebody else.
 *
 * Where a directory of the host is the image, its folders often belong to root
 * or to the owner of /cvmfs: ids that our user namespace does not have, so that
 * nothing can be made in them, not even in memory by overlayfs.  A folder that
 * the upper layer has, too, belongs to the job: on the way to each mount point,
 * these are made before the overlay is mounted.
 *
 * Threads: any.
 */
struct error;

/**
 * run_upper_prepare() - the folders of the image on the way to @path
 * @image_fd: O_PATH of the image's root
 * @upper_fd: of the upper layer, which nothing shows yet
 * @path:     absolute, in the image; its links are followed there
 *
 * Folders keep the image's modes.  What is no folder of the image is left out.
 *
 * Return: 0, or negative errno with @err.
 */
int run_upper_prepare(int image_fd, int upper_fd, const char *path,
		      struct error *err);
