/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_driver.h"

#include "common/buffer.h"
#include "common/io.h"
#include "common/le.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_64 "/usr/lib/x86_64-linux-gnu"

static void require(int condition)
{
	if (!condition)
		abort();
}

static void place(const struct fake_driver *driver, const char *path,
		  char ret[PATH_MAX])
{
	char *slash;

	require(path[0] == '/');
	require(snprintf(ret, PATH_MAX, "%s%s", driver->root, path) < PATH_MAX);
	slash = strrchr(ret, '/');
	*slash = '\0';
	require(io_mkdir_all(ret, 0755, NULL) == 0);
	*slash = '/';
}

static void write_bytes(const struct fake_driver *driver, const char *path,
			const void *data, size_t size)
{
	char whole[PATH_MAX];
	int fd;

	place(driver, path, whole);
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	require(fd >= 0 && io_write_full(fd, data, size) == 0);
	require(fchmod(fd, 0644) == 0);
	close(fd);
}

void fake_driver_create(struct fake_driver *driver)
{
	*driver = (struct fake_driver){ .count = 0 };
	temp_dir_create(driver->root);
	require(chmod(driver->root, 0755) == 0);
}

void fake_driver_destroy(struct fake_driver *driver)
{
	temp_dir_remove(driver->root);
	for (size_t i = 0; i < driver->kept_count; i++)
		free(driver->kept[i]);
	driver->kept_count = 0;
}

void fake_driver_write(const struct fake_driver *driver, const char *path,
		       const char *text)
{
	write_bytes(driver, path, text, strlen(text));
}

void fake_driver_copy(const struct fake_driver *driver, const char *from,
		      const char *path)
{
	struct buffer bytes = BUFFER_INIT(16 << 20);

	require(io_read_file(AT_FDCWD, from, &bytes, NULL) == 0);
	write_bytes(driver, path, bytes.data, bytes.size);
	buffer_fini(&bytes);
}

void fake_driver_link(const struct fake_driver *driver, const char *path,
		      const char *target)
{
	char whole[PATH_MAX];

	place(driver, path, whole);
	unlink(whole);
	require(symlink(target, whole) == 0);
}

void fake_driver_remove(const struct fake_driver *driver, const char *path)
{
	char whole[PATH_MAX];

	place(driver, path, whole);
	require(unlink(whole) == 0);
}

uint16_t fake_driver_own_machine(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr header;

	require(fd >= 0 && io_pread_full(fd, 0, sizeof(header), &header) == 0);
	close(fd);
	return header.e_machine;
}

/* One segment with everything, and the dynamic section in it. */
struct stub {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	Elf64_Dyn dynamic[3];
	char strings[256];
};

void fake_driver_library(const struct fake_driver *driver, const char *path,
			 const char *soname, uint16_t machine)
{
	struct stub stub = {
		.header = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
				     ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN,
			.e_machine = machine,
			.e_version = EV_CURRENT,
			.e_phoff = offsetof(struct stub, segments),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
		},
		.segments = {
			{ .p_type = PT_LOAD, .p_filesz = sizeof(stub),
			  .p_memsz = sizeof(stub) },
			{ .p_type = PT_DYNAMIC,
			  .p_offset = offsetof(struct stub, dynamic),
			  .p_vaddr = offsetof(struct stub, dynamic),
			  .p_filesz = sizeof(stub.dynamic) },
		},
		.dynamic = {
			{ DT_STRTAB, { offsetof(struct stub, strings) } },
			{ soname ? DT_SONAME : DT_NULL, { 1 } },
			{ DT_NULL, { 0 } },
		},
	};

	if (soname)
		snprintf(stub.strings + 1, sizeof(stub.strings) - 1, "%s",
			 soname);
	write_bytes(driver, path, &stub, sizeof(stub));
}

void fake_driver_add_entry(struct fake_driver *driver, const char *name,
			   const char *path)
{
	require(driver->count < FAKE_DRIVER_CACHE_MAX);
	driver->names[driver->count] = name;
	driver->paths[driver->count++] = path;
}

void fake_driver_install(struct fake_driver *driver, const char *path,
			 const char *soname)
{
	const char *name = strrchr(path, '/') + 1;
	char link[PATH_MAX];
	char *kept;

	fake_driver_library(driver, path, soname, fake_driver_own_machine());
	if (strcmp(name, soname) == 0) {
		fake_driver_add_entry(driver, soname, path);
		return;
	}
	snprintf(link, sizeof(link), "%.*s%s", (int)(name - path), path,
		 soname);
	fake_driver_link(driver, link, name);
	kept = strdup(link);
	require(kept != NULL && driver->kept_count < FAKE_DRIVER_CACHE_MAX);
	driver->kept[driver->kept_count++] = kept;
	fake_driver_add_entry(driver, soname, kept);
}

void fake_driver_write_cache(const struct fake_driver *driver)
{
	static uint8_t data[1 << 16];
	size_t entries = 48;
	size_t strings = entries + driver->count * 24;

	memset(data, 0, sizeof(data));
	memcpy(data, "glibc-ld.so.cache1.1", 20);
	le_store32(data + 20, (uint32_t)driver->count);
	data[28] = 2;
	for (size_t i = 0; i < driver->count; i++) {
		uint8_t *entry = data + entries + i * 24;

		le_store32(entry, 0x0303);
		le_store32(entry + 4, (uint32_t)strings);
		strings += (size_t)snprintf((char *)data + strings, PATH_MAX,
					    "%s", driver->names[i]) +
			   1;
		le_store32(entry + 8, (uint32_t)strings);
		strings += (size_t)snprintf((char *)data + strings, PATH_MAX,
					    "%s", driver->paths[i]) +
			   1;
		require(strings < sizeof(data) - 2 * PATH_MAX);
	}
	write_bytes(driver, "/etc/ld.so.cache", data, strings);
}

void fake_driver_add_gpu(const struct fake_driver *driver, unsigned minor,
			 const char *bus, const char *uuid)
{
	char path[PATH_MAX];
	char text[FAKE_DRIVER_FILE_MAX];

	snprintf(path, sizeof(path), "/proc/driver/nvidia/gpus/%s/information",
		 bus);
	snprintf(text, sizeof(text),
		 "Model: \t\t NVIDIA Test 100\nIRQ:   \t\t 16\n"
		 "GPU UUID: \t %s\nBus Location: \t %s\n"
		 "Device Minor: \t %u\n",
		 uuid, bus, minor);
	fake_driver_write(driver, path, text);
	snprintf(path, sizeof(path), "/dev/nvidia%u", minor);
	fake_driver_write(driver, path, "a device\n");
	snprintf(path, sizeof(path), "/dev/dri/renderD%u", 128 + minor);
	fake_driver_write(driver, path, "a render node\n");
	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/drm/renderD%u/dev", bus, 128 + minor);
	fake_driver_write(driver, path, "226:128\n");
}

void fake_driver_add_slice(const struct fake_driver *driver, unsigned gpu,
			   unsigned gpu_instance, unsigned compute_instance,
			   unsigned gpu_cap, unsigned compute_cap)
{
	const unsigned caps[] = { gpu_cap, compute_cap };
	char path[PATH_MAX];
	char text[64];

	for (size_t i = 0; i < 2; i++) {
		int n = snprintf(path, sizeof(path),
				 "/proc/driver/nvidia/capabilities/gpu%u/mig/"
				 "gi%u",
				 gpu, gpu_instance);

		if (i == 1)
			n += snprintf(path + n, sizeof(path) - (size_t)n,
				      "/ci%u", compute_instance);
		snprintf(path + n, sizeof(path) - (size_t)n, "/access");
		snprintf(text, sizeof(text),
			 "DeviceFileMinor: %u\nDeviceFileMode: 292\n", caps[i]);
		fake_driver_write(driver, path, text);
		snprintf(path, sizeof(path), "/dev/nvidia-caps/nvidia-cap%u",
			 caps[i]);
		fake_driver_write(driver, path, "a capability\n");
	}
}

static void add_libraries(struct fake_driver *driver)
{
	static const struct {
		const char *path;
		const char *soname;
	} libraries[] = {
		{ DIR_64 "/libcuda.so.550.54.14", "libcuda.so.1" },
		{ DIR_64 "/libnvidia-ml.so.550.54.14", "libnvidia-ml.so.1" },
		{ DIR_64 "/libnvidia-ptxjitcompiler.so.550.54.14",
		  "libnvidia-ptxjitcompiler.so.1" },
		{ DIR_64 "/libnvidia-glcore.so.550.54.14",
		  "libnvidia-glcore.so.550.54.14" },
		{ DIR_64 "/libGLX_nvidia.so.550.54.14", "libGLX_nvidia.so.0" },
		{ DIR_64 "/libnvidia-egl-wayland.so.1.1.13",
		  "libnvidia-egl-wayland.so.1" },
		{ DIR_64 "/libGL.so.1.7.0", "libGL.so.1" },
		{ DIR_64 "/libEGL.so.1.1.0", "libEGL.so.1" },
		{ DIR_64 "/libOpenCL.so.1.0.0", "libOpenCL.so.1" },
		{ "/usr/lib/old/libnvoptix.so.470.10.1", "libnvoptix.so.1" },
		{ DIR_64 "/libm.so.6", "libm.so.6" },
	};

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
		fake_driver_install(driver, libraries[i].path,
				    libraries[i].soname);
	fake_driver_library(driver, "/usr/lib32/libcuda.so.1", "libcuda.so.1",
			    EM_386);
	fake_driver_add_entry(driver, "libcuda.so.1",
			      "/usr/lib32/libcuda.so.1");
	fake_driver_write_cache(driver);
}

void fake_driver_populate(struct fake_driver *driver)
{
	static const char *const nodes[] = {
		"/dev/nvidiactl",
		"/dev/nvidia-uvm",
		"/dev/nvidia-uvm-tools",
		"/dev/nvidia-modeset",
	};

	add_libraries(driver);
	fake_driver_write(driver, "/sys/module/nvidia/version",
			  FAKE_DRIVER_VERSION "\n");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		fake_driver_write(driver, nodes[i], "a device\n");
	fake_driver_add_gpu(driver, 0, "0000:01:00.0", FAKE_DRIVER_UUID_0);
	fake_driver_add_gpu(driver, 1, "0000:81:00.0", FAKE_DRIVER_UUID_1);
	fake_driver_write(driver, "/opt/nvidia/nvidia-smi", "#!/bin/sh\n");
	fake_driver_link(driver, "/usr/bin/nvidia-smi",
			 "/etc/alternatives/nvidia-smi");
	fake_driver_link(driver, "/etc/alternatives/nvidia-smi",
			 "/opt/nvidia/nvidia-smi");
	fake_driver_write(driver, "/usr/share/nvidia/nvoptix.bin", "data\n");
	fake_driver_write(driver, "/var/run/nvidia-persistenced/socket", "");
	fake_driver_write(driver, "/proc/driver/nvidia/params",
			  "ResmanDebugLevel: 4294967295\n"
			  "ModifyDeviceFiles: 1\nDeviceFileUID: 0\n");
}
