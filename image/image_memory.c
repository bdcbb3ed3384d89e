/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_memory.h"

#include "image/image_ref.h"
#include "image/platform.h"
#include "image/resolve_cache.h"

#include <stdio.h>
#include <string.h>

enum {
	/* of a key in refs/; paths and URLs may be longer */
	KEY_NAME_LEN_MAX = RESOLVE_CACHE_KEY_SIZE - 2 * PLATFORM_TEXT_SIZE,
};

/* A name, and all that decides what is chosen from an index. */
static void format_key(const char *name, const struct platform *platform,
		       char ret[RESOLVE_CACHE_KEY_SIZE])
{
	char text[PLATFORM_TEXT_SIZE];
	char digest_text[DIGEST_TEXT_SIZE];
	struct digest digest;

	if (strlen(name) > KEY_NAME_LEN_MAX) {
		digest_compute(name, strlen(name), &digest);
		digest_format(&digest, digest_text);
		name = digest_text;
	}

	platform_format(platform, text);
	snprintf(ret, RESOLVE_CACHE_KEY_SIZE, "%s|%s~%u", name, text,
		 platform->cpu_level);
}

static bool load(const struct image_memory *memory, const char *name,
		 const struct platform *platform, uint64_t age_s_max,
		 struct digest *ret)
{
	char key[RESOLVE_CACHE_KEY_SIZE];

	if (memory->cache_dir_fd < 0)
		return false;
	format_key(name, platform, key);
	return resolve_cache_load(memory->cache_dir_fd, key, age_s_max, ret) ==
	       RESOLVE_CACHE_HIT;
}

bool image_memory_load(const struct image_memory *memory,
		       const struct image_ref *ref,
		       const struct platform *platform, struct digest *ret)
{
	char digest[DIGEST_TEXT_SIZE];

	if (!ref->has_digest)
		return load(memory, ref->text, platform, memory->tag_ttl_s,
			    ret);
	digest_format(&ref->digest, digest);
	return load(memory, digest, platform, UINT64_MAX, ret);
}

bool image_memory_load_name(const struct image_memory *memory, const char *name,
			    const struct platform *platform, struct digest *ret)
{
	return load(memory, name, platform, memory->tag_ttl_s, ret);
}

void image_memory_store_name(const struct image_memory *memory,
			     const char *name, const struct platform *platform,
			     const struct digest *digest)
{
	char key[RESOLVE_CACHE_KEY_SIZE];

	if (memory->cache_dir_fd < 0)
		return;
	format_key(name, platform, key);
	/* a full disk costs a round trip next time, nothing else */
	(void)resolve_cache_store(memory->cache_dir_fd, key, digest, NULL);
}

void image_memory_store(const struct image_memory *memory,
			const struct image_ref *ref,
			const struct platform *platform,
			const struct digest *top, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];

	if (!ref->has_digest)
		image_memory_store_name(memory, ref->text, platform, digest);
	digest_format(top, text);
	image_memory_store_name(memory, text, platform, digest);
	if (digest_equal(top, digest))
		return;
	digest_format(digest, text);
	image_memory_store_name(memory, text, platform, digest);
}
