/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/elf_library.h"

#include "common/cleanup.h"
#include "common/le.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Libraries have about ten program headers and forty dynamic entries. */
enum { SEGMENTS_MAX = 64, DYNAMIC_MAX = 512 };

struct image {
	const uint8_t *data;
	size_t size;
	Elf64_Phdr segments[SEGMENTS_MAX];
	unsigned segment_count;
};

static bool load_segments(struct image *image)
{
	Elf64_Ehdr header;

	if (image->size < sizeof(header))
		return false;
	memcpy(&header, image->data, sizeof(header));
	if (header.e_phentsize != sizeof(Elf64_Phdr) ||
	    header.e_phnum > SEGMENTS_MAX ||
	    !le_range_fits(header.e_phoff,
			   (uint64_t)header.e_phnum * sizeof(Elf64_Phdr),
			   image->size))
		return false;
	memcpy(image->segments, image->data + header.e_phoff,
	       header.e_phnum * sizeof(Elf64_Phdr));
	image->segment_count = header.e_phnum;
	return true;
}

/* The file's offset of an address, and how many bytes follow in its segment. */
static bool find_address(const struct image *image, uint64_t address,
			 uint64_t *ret_off, uint64_t *ret_size)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
		    address - segment->p_vaddr >= segment->p_filesz ||
		    !le_range_fits(segment->p_offset, segment->p_filesz,
				   image->size))
			continue;
		*ret_off = segment->p_offset + (address - segment->p_vaddr);
		*ret_size = segment->p_filesz - (address - segment->p_vaddr);
		return true;
	}
	return false;
}

struct names {
	uint64_t table; /* DT_STRTAB, an address */
	uint64_t off;	/* DT_SONAME within it */
	bool has_name;
};

static bool read_dynamic(const struct image *image, const Elf64_Phdr *segment,
			 struct names *ret)
{
	uint64_t count = segment->p_filesz / sizeof(Elf64_Dyn);

	if (!le_range_fits(segment->p_offset, segment->p_filesz, image->size))
		return false;
	for (uint64_t i = 0; i < count && i < DYNAMIC_MAX; i++) {
		Elf64_Dyn entry;

		memcpy(&entry,
		       image->data + segment->p_offset + i * sizeof(entry),
		       sizeof(entry));
		if (entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_STRTAB)
			ret->table = entry.d_un.d_ptr;
		if (entry.d_tag == DT_SONAME) {
			ret->off = entry.d_un.d_val;
			ret->has_name = true;
		}
	}
	return ret->has_name && ret->table != 0;
}

static void read_soname(struct image *image, struct elf_library *ret)
{
	struct names names = { 0 };
	uint64_t off;
	uint64_t size;
	const char *name;
	size_t len;

	if (!load_segments(image))
		return;
	for (unsigned i = 0; i < image->segment_count; i++)
		if (image->segments[i].p_type == PT_DYNAMIC &&
		    !read_dynamic(image, &image->segments[i], &names))
			return;
	if (!names.has_name || !find_address(image, names.table, &off, &size) ||
	    names.off >= size)
		return;
	name = (const char *)image->data + off + names.off;
	len = strnlen(name, (size_t)(size - names.off));
	if (len == size - names.off || len >= sizeof(ret->soname) ||
	    memchr(name, '/', len))
		return;
	memcpy(ret->soname, name, len + 1);
}

int elf_library_parse(const uint8_t *data, size_t size, struct elf_library *ret)
{
	struct image image = { .data = data, .size = size };
	uint16_t one = 1;
	bool is_little = *(uint8_t *)&one == 1;

	if (size < sizeof(Elf32_Ehdr) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	*ret = (struct elf_library){
		.class = data[EI_CLASS],
		.data = data[EI_DATA],
	};
	ret->machine = ret->data == ELFDATA2MSB
			       ? (uint16_t)(data[18] << 8 | data[19])
			       : le_load16(data + 18);
	if (ret->class == ELFCLASS64 &&
	    ret->data == (is_little ? ELFDATA2LSB : ELFDATA2MSB))
		read_soname(&image, ret);
	return 0;
}

int elf_library_read(int fd, struct elf_library *ret)
{
	struct stat st;
	void *data;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf32_Ehdr))
		return -ENOEXEC;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	r = elf_library_parse(data, (size_t)st.st_size, ret);
	munmap(data, (size_t)st.st_size);
	return r;
}

bool elf_library_is_same_kind(const struct elf_library *a,
			      const struct elf_library *b)
{
	return a->class == b->class && a->data == b->data &&
	       a->machine == b->machine;
}
