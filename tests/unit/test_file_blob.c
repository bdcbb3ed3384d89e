/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/file_blob.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/object_source.h"
#include "fetch/range_source.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct answer {
	unsigned count;
	int result;
	uint8_t *data;
	struct error err;
};

static char folder[64];
static int folder_fd = -1;

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_file_blob.XXXXXX");
	cr_assert(mkdtemp(folder));
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(folder_fd >= 0);
	cr_assert_eq(
		io_write_file_atomic(folder_fd, "blob", "0123456789", 10, NULL),
		0);
}

static void tear_down(void)
{
	unlinkat(folder_fd, "blob", 0);
	unlinkat(folder_fd, "fifo", 0);
	close(folder_fd);
	rmdir(folder);
}

TestSuite(file_blob, .init = set_up, .fini = tear_down, .timeout = 20);

static void note_answer(void *arg, int result, uint8_t *data,
			const struct error *err)
{
	struct answer *answer = arg;

	answer->count++;
	answer->result = result;
	answer->data = data;
	if (result < 0)
		answer->err = *err;
}

static struct answer fetch(struct range_source *source, uint64_t off,
			   size_t size)
{
	struct answer answer = { 0 };

	range_source_fetch(source, off, size, clock_ms() + 1000, note_answer,
			   &answer);
	cr_assert_eq(answer.count, 1);
	return answer;
}

Test(file_blob, hands_out_the_bytes_asked_for)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct answer answer;

	cr_assert_eq(file_blob_open(folder_fd, "blob", 10, &source, NULL), 0);
	cr_assert_eq(source->size, 10);
	answer = fetch(source, 3, 4);
	cr_assert_eq(answer.result, 0);
	cr_assert_eq(memcmp(answer.data, "3456", 4), 0);
	free(answer.data);
	answer = fetch(source, 9, 1);
	cr_assert_eq(answer.result, 0);
	cr_assert_eq(answer.data[0], '9');
	free(answer.data);
	range_source_report_bad(source, 0, 10);
}

Test(file_blob, refuses_a_file_of_another_size)
{
	struct range_source *source = NULL;
	struct error err = { 0 };

	cr_assert_eq(file_blob_open(folder_fd, "blob", 11, &source, &err),
		     -EPROTO);
	cr_assert(strstr(err.text, "blob"), "%s", err.text);
	cr_assert_null(source);
}

Test(file_blob, says_that_a_file_is_missing)
{
	struct range_source *source = NULL;
	struct error err = { 0 };

	cr_assert_eq(file_blob_open(folder_fd, "none", 1, &source, &err),
		     -ENOENT);
	cr_assert(strstr(err.text, "none"), "%s", err.text);
}

Test(file_blob, refuses_a_fifo_without_waiting_for_a_writer)
{
	struct range_source *source = NULL;

	cr_assert_eq(mkfifoat(folder_fd, "fifo", 0600), 0);
	cr_assert_eq(file_blob_open(folder_fd, "fifo", 0, &source, NULL),
		     -EPROTO);
}

Test(file_blob, fails_when_the_file_shrinks_underneath)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct answer answer;
	char path[128];

	cr_assert_eq(file_blob_open(folder_fd, "blob", 10, &source, NULL), 0);
	snprintf(path, sizeof(path), "%s/blob", folder);
	cr_assert_eq(truncate(path, 5), 0);
	answer = fetch(source, 3, 4);
	cr_assert_eq(answer.result, -EPROTO);
	cr_assert_null(answer.data);
	cr_assert(strstr(answer.err.text, "shorter"), "%s", answer.err.text);
}

Test(file_blob, opens_an_object_and_says_who_it_is)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct object_identity identity = { 0 };
	struct answer answer;
	char path[128];
	char name[160];

	snprintf(path, sizeof(path), "%s/blob", folder);
	snprintf(name, sizeof(name), "file:%s", path);
	cr_assert_eq(file_blob_open_object(path, &source, &identity, NULL), 0);
	cr_expect_str_eq(identity.name, name);
	cr_expect_eq(identity.size, 10);
	cr_expect(strchr(identity.last_modified, '.'));
	answer = fetch(source, 3, 4);
	cr_assert_eq(answer.result, 0);
	free(answer.data);
	object_identity_fini(&identity);
}

Test(file_blob, gives_no_bytes_of_an_object_that_changed)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct object_identity identity = { 0 };
	struct answer answer;
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/blob", folder);
	cr_assert_eq(file_blob_open_object(path, &source, &identity, NULL), 0);
	stream = fopen(path, "r+");
	fputs("9876543210", stream);
	fclose(stream);
	answer = fetch(source, 3, 4);
	cr_expect_eq(answer.result, -ESTALE);
	cr_expect_null(answer.data);
	cr_expect(strstr(answer.err.text, "was changed"), "%s",
		  answer.err.text);
	object_identity_fini(&identity);
}

Test(file_blob, opens_no_object_that_is_no_file)
{
	struct object_identity identity = { 0 };
	struct range_source *source = NULL;
	struct error err = { 0 };
	char path[128];

	cr_expect_eq(file_blob_open_object(folder, &source, &identity, &err),
		     -ENOTSUP);
	cr_expect(strstr(err.text, "no regular file"), "%s", err.text);
	snprintf(path, sizeof(path), "%s/none", folder);
	cr_expect_eq(file_blob_open_object(path, &source, &identity, &err),
		     -ENOENT);
	snprintf(path, sizeof(path), "%s/blob", folder);
	cr_assert_eq(truncate(path, 0), 0);
	cr_expect_eq(file_blob_open_object(path, &source, &identity, &err),
		     -EPROTO);
	cr_expect(strstr(err.text, "is empty"), "%s", err.text);
}
