/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_message.h"

#include "common/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int sockets[2];
static char taken_text[INSTANCE_MESSAGE_TEXT_MAX + 1];

static void set_up(void)
{
	cr_assert_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets),
		0);
}

TestSuite(instance_message, .init = set_up, .timeout = 30);

static const struct instance_request request = {
	.magic = INSTANCE_MESSAGE_MAGIC,
	.verb = INSTANCE_TELL,
};

/* What the other end does with a request. */
struct other {
	struct instance_answer head;
	const char *text;
	uint32_t size; /* of head */
	int fd;
	bool hangs_up;
};

static void *be_other(void *arg)
{
	struct other *other = arg;
	struct instance_request asked = { 0 };
	int asked_fd;

	while (instance_message_take(sockets[1], &asked, taken_text,
				     &asked_fd) == -EAGAIN)
		continue;
	if (!other->hangs_up)
		(void)instance_message_send(
			sockets[1], &other->head, other->size, other->text,
			other->text ? (uint32_t)strlen(other->text) : 0,
			other->fd);
	shutdown(sockets[1], SHUT_WR);
	return NULL;
}

static int ask(struct other *other, int *ret_fd, char **ret_text)
{
	struct instance_answer answer;
	pthread_t thread;
	int r;

	cr_assert_eq(pthread_create(&thread, NULL, be_other, other), 0);
	r = instance_message_ask(sockets[0], &request, &answer, ret_fd,
				 ret_text);
	pthread_join(thread, NULL);
	return r;
}

Test(instance_message, brings_text_and_descriptor)
{
	struct other other = {
		.head = { .magic = INSTANCE_MESSAGE_MAGIC, .text_size = 5 },
		.size = sizeof(struct instance_answer),
		.text = "hello",
		.fd = STDIN_FILENO,
	};
	autofree char *text = NULL;
	autoclose int fd = -1;
	struct stat a;
	struct stat b;

	cr_assert_eq(ask(&other, &fd, &text), 0);
	cr_expect_str_eq(text, "hello");
	cr_assert(fd >= 0);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	fstat(fd, &a);
	fstat(STDIN_FILENO, &b);
	cr_expect_eq(a.st_ino, b.st_ino);
}

Test(instance_message, passes_a_refusal_on)
{
	struct other other = {
		.head = { .magic = INSTANCE_MESSAGE_MAGIC, .code = -ENOTSUP },
		.size = sizeof(struct instance_answer),
		.fd = -1,
	};
	int fd;

	cr_expect_eq(ask(&other, &fd, NULL), -ENOTSUP);
	cr_expect_eq(fd, -1);
}

Test(instance_message, refuses_what_it_does_not_know)
{
	static const struct {
		const char *label;
		struct other other;
		int result;
	} cases[] = {
		{ "another version",
		  { .head = { .magic = 1 },
		    .size = sizeof(struct instance_answer),
		    .fd = -1 },
		  -EPROTO },
		{ "cut short",
		  { .head = { .magic = INSTANCE_MESSAGE_MAGIC },
		    .size = sizeof(struct instance_answer) - 4,
		    .fd = -1 },
		  -EPROTO },
		{ "a text of another size",
		  { .head = { .magic = INSTANCE_MESSAGE_MAGIC, .text_size = 9 },
		    .size = sizeof(struct instance_answer),
		    .text = "short",
		    .fd = -1 },
		  -EPROTO },
		{ "hangs up", { .hangs_up = true }, -ECONNRESET },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct other other = cases[i].other;
		int fd;

		set_up();
		cr_expect_eq(ask(&other, &fd, NULL), cases[i].result,
			     "case: %s", cases[i].label);
	}
}

Test(instance_message, a_request_of_another_version_is_refused)
{
	struct instance_request bad = request;
	struct instance_request taken;
	int fd = -1;

	bad.magic++;
	cr_assert_eq(send(sockets[0], &bad, sizeof(bad), 0), sizeof(bad));
	cr_expect_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     -EPROTO);
	cr_assert_eq(send(sockets[0], &bad, 3, 0), 3);
	cr_expect_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     -EPROTO);
	cr_expect_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     -EAGAIN);
	close(sockets[0]);
	cr_expect_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     -ECONNRESET);
}

Test(instance_message, what_needs_no_answer_brings_its_descriptor)
{
	struct instance_request taken;
	struct stat sent;
	struct stat came;
	int pipe_fds[2];
	int fd = -1;

	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(
		instance_message_tell(sockets[0], INSTANCE_MARK, pipe_fds[0]),
		0);
	cr_assert_eq(instance_message_tell(sockets[0], INSTANCE_FAREWELL, -1),
		     0);
	cr_assert_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     0);
	cr_expect_eq(taken.verb, INSTANCE_MARK);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(fstat(pipe_fds[0], &sent), 0);
	cr_assert_eq(fstat(fd, &came), 0);
	cr_expect_eq(sent.st_ino, came.st_ino);
	cr_assert_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     0);
	cr_expect_eq(taken.verb, INSTANCE_FAREWELL);
	cr_expect_eq(fd, -1);
}

Test(instance_message, a_request_brings_its_text)
{
	static const char text[] = "sh\0-c";
	struct instance_request sent = {
		.magic = INSTANCE_MESSAGE_MAGIC,
		.verb = INSTANCE_COMMAND,
		.text_size = sizeof(text),
	};
	struct instance_request taken;
	int fd = -1;

	cr_assert_eq(instance_message_send(sockets[0], &sent, sizeof(sent),
					   text, sizeof(text), -1),
		     0);
	cr_assert_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     0);
	cr_assert_eq(taken.text_size, sizeof(text));
	cr_expect_arr_eq(taken_text, text, sizeof(text));
	/* a size that is not the packet's */
	sent.text_size++;
	cr_assert_eq(instance_message_send(sockets[0], &sent, sizeof(sent),
					   text, sizeof(text), -1),
		     0);
	cr_expect_eq(instance_message_take(sockets[1], &taken, taken_text, &fd),
		     -EPROTO);
}

Test(instance_message, an_instance_that_does_not_answer_is_given_up)
{
	struct instance_answer answer;
	int fd;

	cr_expect_eq(
		instance_message_ask(sockets[0], &request, &answer, &fd, NULL),
		-ETIMEDOUT);
}
