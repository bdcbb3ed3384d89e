/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_memory.h"

#include "common/digest.h"
#include "image/image_ref.h"
#include "image/platform.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[TEMP_DIR_SIZE];
static struct image_memory memory;
static struct platform amd64;
static struct platform arm64;
static struct digest top;
static struct digest manifest;

static void set_up(void)
{
	temp_dir_create(folder);
	memory = (struct image_memory){
		.cache_dir_fd =
			open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.tag_ttl_s = 60,
	};
	cr_assert_geq(memory.cache_dir_fd, 0);
	cr_assert_eq(platform_parse("linux/amd64", &amd64, NULL), 0);
	cr_assert_eq(platform_parse("linux/arm64", &arm64, NULL), 0);
	digest_compute("index", 5, &top);
	digest_compute("manifest", 8, &manifest);
}

static void tear_down(void)
{
	close(memory.cache_dir_fd);
	temp_dir_remove(folder);
}

TestSuite(image_memory, .init = set_up, .fini = tear_down);

static bool knows(const char *text, const struct platform *platform)
{
	struct image_ref ref = { 0 };
	struct digest found;
	bool is_known;

	cr_assert_eq(image_ref_parse(text, &ref, NULL), 0);
	is_known = image_memory_load(&memory, &ref, platform, &found);
	if (is_known)
		cr_expect(digest_equal(&found, &manifest));
	image_ref_fini(&ref);
	return is_known;
}

static void store(const char *text)
{
	struct image_ref ref = { 0 };

	cr_assert_eq(image_ref_parse(text, &ref, NULL), 0);
	image_memory_store(&memory, &ref, &amd64, &top, &manifest);
	image_ref_fini(&ref);
}

static bool knows_digest(const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE + 32] = "docker://h.example/n@";

	digest_format(digest, text + strlen(text));
	return knows(text, &amd64);
}

Test(image_memory, knows_a_reference_by_platform)
{
	cr_expect_not(knows("docker://h.example/n:t", &amd64));
	store("docker://h.example/n:t");
	cr_expect(knows("docker://h.example/n:t", &amd64));
	cr_expect_not(knows("docker://h.example/n:t", &arm64));
	cr_expect_not(knows("docker://h.example/n:other", &amd64));
}

Test(image_memory, knows_both_digests_for_ever)
{
	store("docker://h.example/n:t");
	memory.tag_ttl_s = 0;
	cr_expect_not(knows("docker://h.example/n:t", &amd64));
	cr_expect(knows_digest(&top));
	cr_expect(knows_digest(&manifest));
}

Test(image_memory, remembers_nothing_without_a_cache)
{
	int fd = memory.cache_dir_fd;

	store("docker://h.example/n:t");
	memory.cache_dir_fd = -1;
	cr_expect_not(knows("docker://h.example/n:t", &amd64));
	store("docker://h.example/n:other");
	memory.cache_dir_fd = fd;
	cr_expect_not(knows("docker://h.example/n:other", &amd64));
}

Test(image_memory, tells_names_apart_that_are_longer_than_a_key)
{
	char name[5000];
	struct digest found;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	image_memory_store_name(&memory, name, &amd64, &manifest);
	cr_expect(image_memory_load_name(&memory, name, &amd64, &found));
	cr_expect(digest_equal(&found, &manifest));
	name[sizeof(name) - 2] = 'y';
	cr_expect_not(image_memory_load_name(&memory, name, &amd64, &found));
}
