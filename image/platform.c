/* SPDX-License-Identifier: Apache-2.0 */
#include "image/platform.h"

#include "common/cpu.h"
#include "common/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { VARIANTS_MAX = 4 };

static const struct family {
	const char *architecture;
	const char *variants[VARIANTS_MAX + 1]; /* best first, NULL-ended */
	size_t plain_start; /* the best one without a wanted variant */
} families[] = {
	{ "amd64", { "v4", "v3", "v2", "v1" }, 3 },
	{ "arm", { "v8", "v7", "v6", "v5" }, 1 },
	{ "arm64", { "v9", "v8" }, 1 },
};

static const struct machine {
	const char *machine; /* uname -m */
	const char *architecture;
	const char *variant;
} machines[] = {
	{ "x86_64", "amd64", "" },
	{ "aarch64", "arm64", "v8" },
	{ "armv8l", "arm", "v8" },
	{ "armv7l", "arm", "v7" },
	{ "armv6l", "arm", "v6" },
	{ "armv5tel", "arm", "v5" },
	{ "i386", "386", "" },
	{ "i486", "386", "" },
	{ "i586", "386", "" },
	{ "i686", "386", "" },
	{ "loongarch64", "loong64", "" },
};

static unsigned get_cpu_level(void)
{
#if defined(__x86_64__)
	return cpu_get_level();
#else
	return 0;
#endif
}

void platform_get_host(struct platform *ret)
{
	struct platform platform = { .os = "linux" };
	struct utsname name = { .machine = "" };
	const struct machine *found = NULL;

	uname(&name);
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (strcmp(name.machine, machines[i].machine) == 0)
			found = &machines[i];
	/* ppc64le, s390x, riscv64: Go's name is the kernel's */
	snprintf(platform.architecture, sizeof(platform.architecture), "%.15s",
		 found ? found->architecture : name.machine);
	snprintf(platform.variant, sizeof(platform.variant), "%s",
		 found ? found->variant : "");
	if (strcmp(platform.architecture, "amd64") == 0)
		platform.cpu_level = get_cpu_level();
	*ret = platform;
}

/* One part of os/architecture/variant: letters, digits, '.', '_' and '-'. */
static bool take_part(const char **text, char *ret, size_t ret_size)
{
	size_t len = strcspn(*text, "/");

	if (len == 0 || len >= ret_size)
		return false;
	if (strspn(*text, "abcdefghijklmnopqrstuvwxyz0123456789._-") < len)
		return false;
	memcpy(ret, *text, len);
	ret[len] = '\0';
	*text += len;
	return true;
}

int platform_parse(const char *text, struct platform *ret, struct error *err)
{
	struct platform platform = { 0 };
	const char *rest = text;
	bool good;

	good = take_part(&rest, platform.os, sizeof(platform.os)) &&
	       *rest++ == '/' &&
	       take_part(&rest, platform.architecture,
			 sizeof(platform.architecture));
	if (good && *rest == '/') {
		rest++;
		good = take_part(&rest, platform.variant,
				 sizeof(platform.variant));
	}
	if (!good || *rest)
		return error_set(err, -EINVAL,
				 "\"%.64s\" is not a platform; write it as "
				 "linux/amd64 or linux/arm64/v8",
				 text);
	*ret = platform;
	return 0;
}

void platform_format(const struct platform *platform,
		     char ret[PLATFORM_TEXT_SIZE])
{
	snprintf(ret, PLATFORM_TEXT_SIZE, "%s/%s%s%s", platform->os,
		 platform->architecture, platform->variant[0] ? "/" : "",
		 platform->variant);
}

static const struct family *find_family(const char *architecture)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strcmp(architecture, families[i].architecture) == 0)
			return &families[i];
	return NULL;
}

static const char *plain_variant(const struct platform *wanted,
				 const struct family *family, size_t position)
{
	size_t start;

	if (position == 0)
		return "";
	if (!family)
		return NULL;
	start = family->plain_start;
	if (wanted->cpu_level >= 1 && wanted->cpu_level <= VARIANTS_MAX)
		start = VARIANTS_MAX - wanted->cpu_level;
	position += start - 1;
	return position < VARIANTS_MAX ? family->variants[position] : NULL;
}

/* The wanted one, those below it in its family, then none. */
static const char *lesser_variant(const char *wanted,
				  const struct family *family, size_t position)
{
	const char *const lone[] = { wanted, NULL };
	const char *const *variants = family ? family->variants : lone;

	while (*variants && strcmp(*variants, wanted) != 0)
		variants++;
	if (!*variants)
		variants = lone;
	while (position > 0 && *variants) {
		variants++;
		position--;
	}
	if (*variants)
		return *variants;
	return position == 0 ? "" : NULL;
}

const char *platform_variant(const struct platform *wanted, size_t position)
{
	const struct family *family = find_family(wanted->architecture);

	if (!wanted->variant[0])
		return plain_variant(wanted, family, position);
	return lesser_variant(wanted->variant, family, position);
}
