/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_key.h"

#include "common/digest.h"
#include "common/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What two processes must have in common beside the image. */
static const char *const places[] = {
	"/proc/self/ns/mnt",
	"/proc/self/ns/user",
	"/",
};

enum { PLACE_COUNT = sizeof(places) / sizeof(*places) };

static void format_start(const struct digest *digest, char *ret, size_t size)
{
	char hex[DIGEST_HEX_SIZE];

	digest_format_hex(digest, hex);
	memcpy(ret, hex, size - 1);
	ret[size - 1] = '\0';
}

int instance_key_format(const struct digest *image, char ret[INSTANCE_KEY_SIZE],
			struct error *err)
{
	char text[512];
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;
	int n;

	digest_format_hex(image, hex);
	n = snprintf(text, sizeof(text), "%s %s %u %u", LAZYRUN_VERSION, hex,
		     (unsigned)geteuid(), (unsigned)getegid());
	for (int i = 0; i < PLACE_COUNT; i++) {
		struct stat st;

		if (stat(places[i], &st) < 0)
			return error_set_errno(err, -errno, "cannot read %s",
					       places[i]);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      " %" PRIu64 ":%" PRIu64, (uint64_t)st.st_dev,
			      (uint64_t)st.st_ino);
	}
	digest_compute(text, (size_t)n, &digest);
	format_start(&digest, ret, INSTANCE_KEY_SIZE);
	return 0;
}

void instance_key_format_node(char ret[INSTANCE_NODE_SIZE])
{
	struct digest digest;
	struct utsname name;

	if (uname(&name) < 0)
		name.nodename[0] = '\0';
	digest_compute(name.nodename, strlen(name.nodename), &digest);
	format_start(&digest, ret, INSTANCE_NODE_SIZE);
}
