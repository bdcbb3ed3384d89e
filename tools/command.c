/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"

#include "common/error.h"

#include <errno.h>
#include <stdarg.h>

#define OPT(member) offsetof(struct common_options, member)

const struct option common_option_table[] = {
	{ "index", 0, OPTION_TEXT, "FILE",
	  "use this index instead of the cache's", "LAZYRUN_INDEX",
	  OPT(index) },
	{ "index-dir", 0, OPTION_TEXT, "DIR",
	  "where to look for the index of a SIF or SquashFS file",
	  "LAZYRUN_INDEX_DIR", OPT(index_dir) },
	{ "federation", 0, OPTION_TEXT, "HOST",
	  "the federation that osdf: names means [osg-htc.org]",
	  "LAZYRUN_FEDERATION", OPT(federation) },
	{ "preferred-caches", 0, OPTION_TEXT, "LIST",
	  "caches of a federation to ask first", "LAZYRUN_PREFERRED_CACHES",
	  OPT(preferred_caches) },
	{ "cache-dir", 0, OPTION_TEXT, "DIR",
	  "where indexes and chunks are kept [~/.cache/lazyrun]",
	  "LAZYRUN_CACHEDIR", OPT(cache_dir) },
	{ "cache-size", 0, OPTION_SIZE, "SIZE",
	  "bound of the cache [a tenth of its file system]",
	  "LAZYRUN_CACHE_SIZE", OPT(cache_size) },
	{ "tag-ttl", 0, OPTION_DURATION, "TIME",
	  "how long a resolved tag is believed [5m]", "LAZYRUN_TAG_TTL",
	  OPT(tag_ttl_ms) },
	{ "read-timeout", 0, OPTION_DURATION, "TIME",
	  "how long a read waits for its bytes before it fails [2m]",
	  "LAZYRUN_READ_TIMEOUT", OPT(read_timeout_ms) },
	{ "lazy-only", 0, OPTION_FLAG, NULL,
	  "never fetch the rest of a layer because reads of it are slow",
	  "LAZYRUN_LAZY_ONLY", OPT(is_lazy_only) },
	{ "platform", 0, OPTION_TEXT, "OS/ARCH",
	  "choose from a multi-platform image [this machine's]",
	  "LAZYRUN_PLATFORM", OPT(platform) },
	{ "local-index", 0, OPTION_FLAG, NULL,
	  "take no index and no profile from the image's registry",
	  "LAZYRUN_LOCAL_INDEX", OPT(local_index) },
	{ "insecure", 0, OPTION_FLAG, NULL,
	  "allow plain http to registries that are not on loopback",
	  "LAZYRUN_INSECURE", OPT(insecure) },
	{ "authfile", 0, OPTION_TEXT, "FILE",
	  "registries' credentials, as docker keeps them "
	  "[~/.docker/config.json and others]",
	  "LAZYRUN_AUTHFILE", OPT(auth_file), .twins = "AUTHFILE" },
	{ "trace", 0, OPTION_TEXT, "FILE",
	  "append what happens when: a line of JSON for each event",
	  "LAZYRUN_TRACE", OPT(trace) },
	{ "quiet", 'q', OPTION_FLAG, NULL, "no progress and no hints",
	  "LAZYRUN_QUIET", OPT(quiet), .twins = "QUIET" },
	{ "verbose", 'v', OPTION_FLAG, NULL, "say what is done",
	  "LAZYRUN_VERBOSE", OPT(verbose), .twins = "VERBOSE" },
	{ "debug", 'd', OPTION_FLAG, NULL, "log everything", "LAZYRUN_DEBUG",
	  OPT(debug), .twins = "DEBUG" },
	{ "json", 0, OPTION_FLAG, NULL,
	  "print JSON where there is something to print", NULL, OPT(json) },
	{ "exit-style", 0, OPTION_TEXT, "STYLE",
	  "statuses of our own failures: docker (125 to 127) or apptainer "
	  "(255) [by the name lazyrun is called by]",
	  "LAZYRUN_EXIT_STYLE", OPT(exit_style) },
	{ "help", 'h', OPTION_FLAG, NULL, "show this help", NULL, OPT(help) },
	{ 0 },
};

const struct option global_option_table[] = {
	{ "config", 'c', OPTION_TEXT, "FILE",
	  "settings from this file, not the user's own", "LAZYRUN_CONFIG",
	  OPT(config), .twins = "CONFIG_FILE" },
	{ "silent", 's', OPTION_FLAG, NULL, "print errors only",
	  "LAZYRUN_SILENT", OPT(silent), .twins = "SILENT" },
	{ "nocolor", 0, OPTION_FLAG, NULL, "changes nothing: there is none",
	  NULL, OPT(ignored) },
	{ 0 },
};

int command_usage_error(struct error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_setv(err, -EINVAL, fmt, args);
	va_end(args);
	return EXIT_USAGE;
}
