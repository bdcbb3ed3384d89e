/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: a read-only registry over OCI layouts, in the foreground until
 * SIGTERM, SIGINT or SIGHUP.  The main thread waits for these by sigwait();
 * the server's threads have them blocked.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "image/image_name.h"
#include "image/oci_layout.h"
#include "tools/command.h"
#include "tools/registry_catalog.h"
#include "tools/registry_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_PORT = 5000,
	IMAGES_SHOWN_MAX = 32,
	ADDRESS_SIZE = 64,
	HOST_SIZE = ADDRESS_SIZE + 16, /* with brackets and port */
};

struct serve_options {
	struct common_options common;
	const char *listen;
	const char *log;
	uint64_t delay_ms;
	uint64_t rate;
};

static const struct option serve_option_table[] = {
	{ "listen", 0, OPTION_TEXT, "ADDR[:PORT]",
	  "where to listen; port 0: any that is free [127.0.0.1:5000]", NULL,
	  offsetof(struct serve_options, listen) },
	{ "log", 0, OPTION_TEXT, "FILE",
	  "append a line for each request; - is stderr", NULL,
	  offsetof(struct serve_options, log) },
	{ "delay", 0, OPTION_DURATION, "TIME",
	  "wait before each answer, to try a distant registry [0]", NULL,
	  offsetof(struct serve_options, delay_ms) },
	{ "rate", 0, OPTION_SIZE, "SIZE",
	  "bytes a second of each blob answer, to try a slow one [no bound]",
	  NULL, offsetof(struct serve_options, rate) },
	{ 0 },
};

static bool parse_port(const char *text, uint16_t *ret)
{
	unsigned long port;

	if (!*text || strlen(text) > 5 ||
	    strspn(text, "0123456789") != strlen(text))
		return false;
	port = strtoul(text, NULL, 10);
	if (port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* "127.0.0.1", "0.0.0.0:80", "::1", "[::1]:80"; -EINVAL */
static int parse_listen(const char *text, char ret_address[ADDRESS_SIZE],
			uint16_t *ret_port)
{
	const char *start = text;
	const char *end = text + strlen(text);
	const char *colon = strchr(text, ':');
	const char *rest = end;

	if (text[0] == '[') {
		start++;
		end = strchr(text, ']');
		if (!end)
			return -EINVAL;
		rest = end + 1;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
		rest = colon;
	}
	if (end == start || end - start >= ADDRESS_SIZE)
		return -EINVAL;
	if (*rest && (*rest != ':' || !parse_port(rest + 1, ret_port)))
		return -EINVAL;
	memcpy(ret_address, start, (size_t)(end - start));
	ret_address[end - start] = '\0';
	return 0;
}

static int open_log(const char *path, struct error *err)
{
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0644);
	return fd < 0 ? error_set_errno(err, -errno, "cannot open log %s", path)
		      : fd;
}

static void format_host(const char *address, uint16_t port, char ret[HOST_SIZE])
{
	bool is_ipv6 = strchr(address, ':') != NULL;

	snprintf(ret, HOST_SIZE, "%s%s%s:%u", is_ipv6 ? "[" : "", address,
		 is_ipv6 ? "]" : "", port);
}

/* References ready to be used; returns how many were not shown. */
static size_t print_tags(const char *host, const char *name, const char *path,
			 size_t *left)
{
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	CLEANUP(oci_layout_closep) struct oci_layout *layout = NULL;
	size_t hidden = 0;

	if (oci_layout_open(path, &layout, NULL) < 0 ||
	    oci_layout_load_index(layout, &index, NULL) < 0)
		return 0;
	for (uint32_t i = 0; i < index.count; i++) {
		if (!image_name_is_tag(index.entries[i].tag))
			continue;
		if (*left == 0) {
			hidden++;
			continue;
		}
		printf("  docker://%s/%s:%s\n", host, name,
		       index.entries[i].tag);
		--*left;
	}
	return hidden;
}

static void print_images(const char *host,
			 const struct registry_catalog *catalog)
{
	size_t left = IMAGES_SHOWN_MAX;
	size_t hidden = 0;

	for (size_t i = 0; i < registry_catalog_count(catalog); i++) {
		const char *name = registry_catalog_name(catalog, i);

		hidden +=
			print_tags(host, name,
				   registry_catalog_find(catalog, name), &left);
	}
	if (hidden)
		printf("  ... and %zu more\n", hidden);
	if (registry_catalog_skipped(catalog))
		printf("  (%zu layouts are left out: a name in a registry has "
		       "a-z, 0-9, '.', '_' and '-')\n",
		       registry_catalog_skipped(catalog));
}

static void warn_if_public(const char *address)
{
	if (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0)
		return;
	log_event(LOG_WARN, "serve",
		  "address=\"%s\" text=\"whoever reaches this address can read "
		  "the images: there is no encryption and there are no users\"",
		  address);
}

static void wait_for_end(const sigset_t *signals)
{
	int signal_number = 0;

	while (sigwait(signals, &signal_number) != 0)
		;
}

static int serve(const struct serve_options *options,
		 struct registry_server_options *server_options,
		 char **operands, struct error *err)
{
	CLEANUP(registry_server_stopp) struct registry_server *server = NULL;
	char host[HOST_SIZE];
	sigset_t signals;
	int r;

	/* before threads exist, and before the line that says "ready" */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = registry_server_start(server_options, &server, err);
	if (r == -EADDRINUSE)
		return error_set(err, r,
				 "port %u of %s is in use; choose another with "
				 "--listen ADDR:PORT (0: any that is free)",
				 server_options->port, server_options->address);
	if (r < 0)
		return r;
	warn_if_public(server_options->address);
	format_host(server_options->address, registry_server_port(server),
		    host);
	printf("serving %s%s on http://%s\n", operands[0],
	       operands[1] ? " ..." : "", host);
	if (!options->common.quiet)
		print_images(host, registry_server_catalog(server));
	fflush(stdout);
	wait_for_end(&signals);
	return 0;
}

static int serve_main(void *values, char **operands, int count,
		      struct error *err)
{
	const struct serve_options *options = values;
	char address[ADDRESS_SIZE] = "127.0.0.1";
	uint16_t port = DEFAULT_PORT;
	struct registry_server_options server_options = {
		.roots = (const char *const *)operands,
		.root_count = (size_t)count,
		.address = address,
		.log_fd = -1,
		.rate = options->rate,
	};
	autoclose int log_fd = -1;

	if (options->listen &&
	    parse_listen(options->listen, address, &port) < 0)
		return command_usage_error(err,
					   "\"%.80s\" is not ADDR[:PORT]; "
					   "write 127.0.0.1:5000 or [::1]:5000",
					   options->listen);
	if (options->delay_ms > REGISTRY_SERVER_DELAY_MS_MAX)
		return command_usage_error(err, "--delay is at most %d s",
					   REGISTRY_SERVER_DELAY_MS_MAX / 1000);
	if (options->log) {
		log_fd = open_log(options->log, err);
		if (log_fd < 0)
			return log_fd;
	}
	server_options.port = port;
	server_options.log_fd = log_fd;
	server_options.delay_ms = (unsigned)options->delay_ms;
	return serve(options, &server_options, operands, err);
}

const struct command cmd_serve = {
	.name = "serve",
	.operands = "DIR [DIR...]",
	.summary = "hand out images as a read-only registry",
	.details =
		"DIR is an OCI layout, served under the directory's name, "
		"or holds layouts,\nserved under their paths. Anything that "
		"speaks to registries can read them.\nLayouts are looked for "
		"at the start; tags added to them later are seen.",
	.options = serve_option_table,
	.values_size = sizeof(struct serve_options),
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = EXIT_FAILED,
	.main = serve_main,
};
