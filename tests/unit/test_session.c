/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/session.h"

#include "common/error.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_loader.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tests/support/layout_maker.h"
#include "tests/support/tar_maker.h"
#include "tests/support/temp_dir.h"
#include "tools/command.h"
#include "tools/index_store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = TEMP_DIR_SIZE + 32 };

static char folder[TEMP_DIR_SIZE];
static char cache_dir[PATH_SIZE];
static char index_path[PATH_SIZE];
static char reference[PATH_SIZE + 16];
static struct layout_maker maker;
static struct common_options options;

static void add_image(const char *tag, const char *text)
{
	struct tar_maker tar = TAR_MAKER_INIT;
	struct layout_maker_blob manifest;

	tar_maker_add_file(&tar, "hello", text, strlen(text));
	tar_maker_add_end(&tar);
	layout_maker_add_layer(&maker, "amd64", tar.buffer.data,
			       tar.buffer.size, &manifest);
	layout_maker_name(&maker, &manifest, tag);
	tar_maker_fini(&tar);
}

static void set_up(void)
{
	char path[PATH_SIZE];

	temp_dir_create(folder);
	snprintf(path, sizeof(path), "%s/layout", folder);
	snprintf(cache_dir, sizeof(cache_dir), "%s/cache", folder);
	snprintf(index_path, sizeof(index_path), "%s/image.lzi", folder);
	snprintf(reference, sizeof(reference), "oci:%s:one", path);
	layout_maker_init(&maker, path);
	add_image("one", "hello, world");
	options = (struct common_options){
		.cache_dir = cache_dir,
		.platform = "linux/amd64",
		.quiet = true,
	};
}

static void tear_down(void)
{
	temp_dir_remove(folder);
}

TestSuite(session, .init = set_up, .fini = tear_down);

static struct session *open_session(enum session_need need)
{
	struct session *session = NULL;
	struct error err = { 0 };

	cr_assert_eq(session_open(reference, &options, need, &session, &err), 0,
		     "%s", err.text);
	cr_expect_eq(err.code, 0);
	return session;
}

static void write_index(void)
{
	struct session *session = open_session(SESSION_IMAGE);
	int fd = open(index_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_eq(session_build_index(session, fd, true, false, NULL), 0);
	close(fd);
	session_close(session);
}

Test(session, opens_no_more_than_is_needed)
{
	struct session *session = open_session(SESSION_CACHE);

	cr_expect_not_null(session_cache(session));
	cr_expect_null(session_image(session));
	session_close(session);
	session = open_session(SESSION_IMAGE);
	cr_expect_not_null(session_image(session));
	cr_expect_null(session_index(session));
	cr_expect_null(session_loader(session));
	cr_expect_null(session_http_client(session), "a layout needs none");
	session_close(session);
	session_close(NULL);
}

Test(session, never_builds_what_is_only_looked_for)
{
	struct session *session = open_session(SESSION_IMAGE);

	cr_expect_eq(session_find_index(session, NULL), 0);
	cr_expect_null(session_index(session));
	session_close(session);
	session_close(open_session(SESSION_INDEX));
	session = open_session(SESSION_IMAGE);
	cr_expect_eq(session_find_index(session, NULL), 0);
	cr_expect_not_null(session_index(session));
	session_close(session);
}

Test(session, builds_a_missing_index_once_and_keeps_it_with_its_chunks)
{
	struct chunk_cache_figures figures;
	struct session *session = open_session(SESSION_LOADER);
	uint32_t number;

	cr_expect_not_null(session_loader(session));
	cr_expect_eq(index_file_resolve(session_index(session), "/hello", false,
					&number),
		     0);
	cr_expect_eq(
		chunk_cache_get_figures(session_cache(session), &figures, NULL),
		0);
	cr_expect_eq(figures.count, 1);
	session_close(session);
}

Test(session, builds_anew_what_is_damaged)
{
	struct session *session = open_session(SESSION_INDEX);
	int cache_fd = chunk_cache_dir_fd(session_cache(session));
	int fd = index_store_create(cache_fd, NULL);

	cr_assert_eq(write(fd, "no index", 8), 8);
	cr_assert_eq(index_store_publish(
			     cache_fd, fd,
			     image_manifest_digest(session_image(session)),
			     NULL),
		     0);
	close(fd);
	session_close(session);
	session = open_session(SESSION_IMAGE);
	cr_expect_eq(session_find_index(session, NULL), 0);
	cr_expect_null(session_index(session));
	session_close(session);
	session_close(open_session(SESSION_INDEX));
}

Test(session, uses_the_index_it_is_given)
{
	struct session *session;

	write_index();
	options.index = index_path;
	session = open_session(SESSION_LOADER);
	cr_expect_eq(
		index_store_open(chunk_cache_dir_fd(session_cache(session)),
				 image_manifest_digest(session_image(session)),
				 NULL),
		-ENOENT, "the cache has no copy");
	session_close(session);
}

Test(session, refuses_the_index_of_another_image)
{
	struct session *session = NULL;
	struct error err = { 0 };

	write_index();
	options.index = index_path;
	add_image("two", "something else");
	memcpy(strrchr(reference, ':'), ":two", 4);
	cr_expect_eq(session_open(reference, &options, SESSION_INDEX, &session,
				  &err),
		     -EBADMSG);
	cr_expect_not_null(strstr(err.text, "is not the index of"), "%s",
			   err.text);
	cr_expect_null(session);
}

Test(session, says_what_cannot_be_opened)
{
	struct session *session = NULL;
	struct error err = { 0 };

	cr_expect_lt(session_open("nonsense", &options, SESSION_IMAGE, &session,
				  &err),
		     0);
	cr_expect_not_null(strstr(err.text, "nonsense"), "%s", err.text);
	options.index = "/nowhere/x.lzi";
	cr_expect_eq(session_open(reference, &options, SESSION_INDEX, &session,
				  &err),
		     -ENOENT);
	cr_expect_not_null(strstr(err.text, "/nowhere/x.lzi"));
	options.cache_dir = "/dev/null/cache";
	cr_expect_lt(
		session_open(NULL, &options, SESSION_CACHE, &session, &err), 0);
	cr_expect_not_null(strstr(err.text, "--cache-dir"));
}
