/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * beside: index and profile that are kept beside an image in its registry, and
 * the way to the cache and back (image/image_artifact.h).
 *
 * Whoever may push to a repository may push an index there, and so decide what
 * files an image seems to have, even one that is named by digest: an index is
 * looked for only where that is allowed (--local-index forbids it).
 *
 * Threads: one at a time.
 */
#include <stdbool.h>

struct error;
struct image;

/* What beside_fetch() has brought into the cache. */
struct beside_found {
	bool has_index;
	bool has_profile;
};

/**
 * beside_fetch() - bring what there is into the cache
 * @cache_dir_fd: an index there is replaced; a profile is merged
 *
 * Return: 0, also when there is nothing; else, with @err: -ENOTSUP (the image
 * is in no registry), -EBADMSG (other bytes than their digest says, or an index
 * or profile of another image), -ENOTSUP (another version), and as
 * image_artifact_list().
 */
int beside_fetch(struct image *image, int cache_dir_fd,
		 struct beside_found *ret, struct error *err);

/** beside_push_index() - publish a packed index in a file; as
 * image_artifact_push(), or -EIO (cannot be mapped) */
int beside_push_index(struct image *image, int fd, struct error *err);

/** beside_push_profile() - publish the cache's; -ENOENT without one */
int beside_push_profile(struct image *image, int cache_dir_fd,
			struct error *err);
