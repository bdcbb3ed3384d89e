/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/object_index_search.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/object_source.h"
#include "image/image_ref.h"
#include "tests/support/fake_http.h"
#include "tests/support/temp_dir.h"
#include "tools/object_index.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char folder[TEMP_DIR_SIZE];
static int folder_fd;
static struct fake_http *server;
static struct http_client *client;
static struct image_ref ref;
static struct object_index_search *search;
static const char *body; /* NULL: there is no index */
static int refusal;	 /* the status then */
static bool is_let_go;	 /* the answer waits for it; atomic */

static void serve(void *arg, const struct fake_request *request,
		  struct fake_answer *ret)
{
	(void)arg;
	cr_expect_str_eq(request->path, "/x.sif.lzi");
	while (!__atomic_load_n(&is_let_go, __ATOMIC_ACQUIRE))
		usleep(1000);
	if (!body) {
		fake_answer_set_text(ret, refusal, "no");
		return;
	}
	ret->status = 200;
	ret->body = body;
	ret->size = strlen(body);
}

static void set_up(void)
{
	const struct http_client_options options = { 0 };
	char url[64];

	temp_dir_create(folder);
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
	server = fake_http_start(serve, NULL);
	cr_assert(server);
	cr_assert_eq(http_client_create(&options, &client, NULL), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/x.sif",
		 fake_http_port(server));
	cr_assert_eq(image_ref_parse(url, &ref, NULL), 0);
	body = NULL;
	refusal = 404;
	is_let_go = false;
}

static void tear_down(void)
{
	object_index_search_destroy(search);
	image_ref_fini(&ref);
	http_client_destroy(client);
	fake_http_stop(server);
	close(folder_fd);
	temp_dir_remove(folder);
}

TestSuite(object_index_search, .init = set_up, .fini = tear_down,
	  .timeout = 30);

static void begin(void)
{
	const struct object_source_options options = {
		.client = client,
		.cache_dir_fd = folder_fd,
	};

	cr_assert_eq(object_index_search_start(&ref, &options, folder_fd,
					       &search, NULL),
		     0);
}

static void let_go(void)
{
	__atomic_store_n(&is_let_go, true, __ATOMIC_RELEASE);
}

Test(object_index_search, starts_without_waiting_for_the_answer)
{
	struct digest digest;

	begin(); /* comes back although nothing was answered */
	let_go();
	cr_expect_eq(object_index_search_end(search, &digest, NULL),
		     OBJECT_INDEX_ABSENT);
	cr_expect_eq(object_index_recall(&ref, folder_fd, 60, &digest),
		     OBJECT_INDEX_ABSENT, "remembered");
}

Test(object_index_search, says_what_is_no_index)
{
	struct error err = { 0 };
	struct digest digest;

	body = "this is none";
	begin();
	let_go();
	cr_expect_eq(object_index_search_end(search, &digest, &err), -EBADMSG);
	cr_expect(strstr(err.text, "x.sif.lzi"), "%s", err.text);
}

Test(object_index_search, says_why_nobody_could_say)
{
	struct error err = { 0 };
	struct digest digest;

	refusal = 501;
	begin();
	let_go();
	cr_expect_eq(object_index_search_end(search, &digest, &err),
		     OBJECT_INDEX_UNKNOWN);
	cr_expect_lt(err.code, 0);
	cr_expect(strstr(err.text, "501"), "%s", err.text);
	cr_expect_eq(object_index_recall(&ref, folder_fd, 60, &digest), -ENOENT,
		     "not remembered");
}

Test(object_index_search, takes_the_refusal_of_a_web_server_for_none)
{
	struct digest digest;

	refusal = 403;
	begin();
	let_go();
	cr_expect_eq(object_index_search_end(search, &digest, NULL),
		     OBJECT_INDEX_ABSENT);
	cr_expect_eq(object_index_recall(&ref, folder_fd, 60, &digest), -ENOENT,
		     "not remembered");
}

Test(object_index_search, may_be_left_without_its_answer)
{
	begin();
	let_go();
	object_index_search_destroy(search);
	search = NULL;
}

Test(object_index_search, comes_back_where_there_is_no_server)
{
	struct digest digest;

	fake_http_stop(server);
	begin();
	cr_expect_eq(object_index_search_end(search, &digest, NULL),
		     OBJECT_INDEX_UNKNOWN, "and is not remembered");
	cr_expect_eq(object_index_recall(&ref, folder_fd, 60, &digest),
		     -ENOENT);
	server = fake_http_start(serve, NULL);
}
