/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/elf_library.h"

#include "common/cleanup.h"
#include "tests/support/fake_driver.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct fake_driver driver;

static void set_up(void)
{
	fake_driver_create(&driver);
}

static void tear_down(void)
{
	fake_driver_destroy(&driver);
}

TestSuite(elf_library, .init = set_up, .fini = tear_down);

static int read_at(const char *path, struct elf_library *ret)
{
	char whole[PATH_MAX];
	autoclose int fd = -1;

	snprintf(whole, sizeof(whole), "%s%s", driver.root, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	return elf_library_read(fd, ret);
}

Test(elf_library, knows_machines_and_names)
{
	struct elf_library own;
	struct elf_library other;
	autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	cr_assert_eq(elf_library_read(fd, &own), 0);
	fake_driver_library(&driver, "/libx.so.1.2", "libx.so.1",
			    fake_driver_own_machine());
	cr_assert_eq(read_at("/libx.so.1.2", &other), 0);
	cr_expect_str_eq(other.soname, "libx.so.1");
	cr_expect(elf_library_is_same_kind(&own, &other));
	fake_driver_library(&driver, "/liby.so", NULL, EM_S390);
	cr_assert_eq(read_at("/liby.so", &other), 0);
	cr_expect_str_eq(other.soname, "");
	cr_expect_not(elf_library_is_same_kind(&own, &other));
	fake_driver_write(&driver, "/script",
			  "#!/bin/sh\n# of more bytes than "
			  "an ELF header has, 64 of them");
	cr_expect_eq(read_at("/script", &other), -ENOEXEC);
	fake_driver_write(&driver, "/empty", "");
	cr_expect_eq(read_at("/empty", &other), -ENOEXEC);
}

Test(elf_library, reads_a_real_library)
{
	static const char *const paths[] = {
		"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6",
		"/lib/aarch64-linux-gnu/libm.so.6"
	};
	struct elf_library library;

	for (size_t i = 0; i < 3; i++) {
		autoclose int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		cr_expect_eq(elf_library_read(fd, &library), 0);
		cr_expect_str_eq(library.soname, "libm.so.6");
	}
}

/* Whatever is cut or changed, it ends, and any name has an end. */
Test(elf_library, survives_damage)
{
	char whole[PATH_MAX];
	uint8_t data[4096];
	struct elf_library library;
	ssize_t size;
	autoclose int fd = -1;

	fake_driver_library(&driver, "/libx.so.1", "libx.so.1",
			    fake_driver_own_machine());
	snprintf(whole, sizeof(whole), "%s/libx.so.1", driver.root);
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	size = read(fd, data, sizeof(data));
	cr_assert_gt(size, 64);
	for (size_t cut = 0; cut < (size_t)size; cut++) {
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, data, cut);
		(void)elf_library_parse(copy, cut, &library);
		free(copy);
	}
	for (size_t i = 16; i < (size_t)size; i++) {
		uint8_t kept = data[i];

		data[i] = 0xff;
		if (elf_library_parse(data, (size_t)size, &library) == 0)
			cr_expect(memchr(library.soname, '\0',
					 sizeof(library.soname)));
		data[i] = kept;
	}
}
