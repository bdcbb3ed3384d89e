/* SPDX-License-Identifier: Apache-2.0 */
#include "index/tar_scout.h"

#include <string.h>

/* Offsets and sizes within a ustar header. */
enum {
	NAME_SIZE = 100,
	SIZE_OFF = 124,
	SIZE_SIZE = 12,
	CHECKSUM_OFF = 148,
	CHECKSUM_SIZE = 8,
	TYPE_OFF = 156,
	PREFIX_OFF = 345,
	PREFIX_SIZE = 155,
};

static const char *const cold_folders[] = {
	"usr/share/", "usr/include/", "usr/src/", "var/", "boot/",
};

/* Anywhere in a path: Python packages and others carry their tests along. */
static const char *const cold_parts[] = { "/tests/", "/test/" };

static const char *const cold_endings[] = {
	".h",	 ".hpp", ".c",	 ".cc",	 ".cpp",  ".f",	  ".f90",
	".pyi",	 ".pxd", ".pyx", ".a",	 ".html", ".js",  ".css",
	".json", ".xml", ".svg", ".png", ".ttf",  ".afm", ".csv",
	".npz",	 ".txt", ".md",	 ".rst", ".gz",	  ".po",  ".mo",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

void tar_scout_init(struct tar_scout *scout)
{
	*scout = (struct tar_scout){ 0 };
}

static bool ends_with(const char *path, const char *ending)
{
	size_t path_len = strlen(path);
	size_t len = strlen(ending);

	return path_len >= len && strcmp(path + path_len - len, ending) == 0;
}

bool tar_scout_is_cold_path(const char *path)
{
	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	for (size_t i = 0; i < COUNT(cold_folders); i++)
		if (strncmp(path, cold_folders[i], strlen(cold_folders[i])) ==
		    0)
			return true;
	for (size_t i = 0; i < COUNT(cold_parts); i++)
		if (strstr(path, cold_parts[i]))
			return true;
	for (size_t i = 0; i < COUNT(cold_endings); i++)
		if (ends_with(path, cold_endings[i]))
			return true;
	return false;
}

/* An octal field, or the base-256 form of GNU tar and star; sizes beyond
 * 2^63 - 1 are no size. */
static bool parse_number(const uint8_t *field, size_t size, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] == 0x80) {
		for (i = 1; i < size; i++) {
			if (value >> 55)
				return false;
			value = value << 8 | field[i];
		}
		*ret = value;
		return true;
	}
	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	if (i < size && field[i] != ' ' && field[i] != 0)
		return false;
	*ret = value;
	return true;
}

static bool has_valid_checksum(const uint8_t *header)
{
	uint64_t expected;
	uint64_t sum = 0;

	if (!parse_number(header + CHECKSUM_OFF, CHECKSUM_SIZE, &expected))
		return false;
	for (size_t i = 0; i < TAR_SCOUT_BLOCK_SIZE; i++)
		sum += i >= CHECKSUM_OFF && i < CHECKSUM_OFF + CHECKSUM_SIZE
			       ? ' '
			       : header[i];
	return sum == expected;
}

static void copy_path(const uint8_t *header, char ret[TAR_SCOUT_PATH_SIZE])
{
	size_t prefix_len =
		strnlen((const char *)header + PREFIX_OFF, PREFIX_SIZE);
	size_t len = 0;

	if (prefix_len && memcmp(header + 257, "ustar\0", 6) == 0) {
		memcpy(ret, header + PREFIX_OFF, prefix_len);
		len = prefix_len;
		ret[len++] = '/';
	}
	memcpy(ret + len, header, NAME_SIZE);
	ret[len + NAME_SIZE] = '\0';
}

/* Archives have a folder's files together, and most have them by name: a
 * __pycache__ comes before almost all sources that it is made from. */
static void enter_path(struct tar_scout *scout, const char *path)
{
	static const char cache[] = "/__pycache__/";
	const char *found = strstr(path, cache);
	size_t common = 0;
	uint16_t len;

	while (path[common] && path[common] == scout->path[common])
		common++;
	while (scout->compiled_count &&
	       scout->compiled[scout->compiled_count - 1] > common)
		scout->compiled_count--;
	memcpy(scout->path, path, strlen(path) + 1);
	if (!found)
		return;
	len = (uint16_t)(found - path + 1);
	if (scout->compiled_count < TAR_SCOUT_DEPTH_MAX &&
	    (scout->compiled_count == 0 ||
	     scout->compiled[scout->compiled_count - 1] < len))
		scout->compiled[scout->compiled_count++] = len;
}

static bool is_compiled_source(const struct tar_scout *scout)
{
	const char *slash = strrchr(scout->path, '/');
	size_t len = slash ? (size_t)(slash - scout->path) + 1 : 0;

	if (!ends_with(scout->path, ".py"))
		return false;
	for (size_t i = 0; i < scout->compiled_count; i++)
		if (scout->compiled[i] == len)
			return true;
	return false;
}

/* A whole header: how much data follows, and of which kind. */
static void begin_entry(struct tar_scout *scout)
{
	static const uint8_t end_marker[TAR_SCOUT_BLOCK_SIZE];
	const uint8_t *header = scout->header;
	uint8_t type = header[TYPE_OFF];
	char path[TAR_SCOUT_PATH_SIZE];
	uint64_t size;

	scout->header_size = 0;
	if (memcmp(header, end_marker, sizeof(end_marker)) == 0)
		return;
	if (!has_valid_checksum(header) ||
	    !parse_number(header + SIZE_OFF, SIZE_SIZE, &size) ||
	    size > INT64_MAX - TAR_SCOUT_BLOCK_SIZE) {
		scout->is_lost = true;
		return;
	}
	if (type >= '1' && type <= '6')
		size = 0; /* links, devices, directories have no data */
	scout->data_left = (size + TAR_SCOUT_BLOCK_SIZE - 1) /
			   TAR_SCOUT_BLOCK_SIZE * TAR_SCOUT_BLOCK_SIZE;
	scout->data_size = scout->data_left;
	if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
		scout->is_cold = true; /* more of the header, no file's data */
		return;
	}
	copy_path(header, path);
	enter_path(scout, path);
	scout->is_cold =
		tar_scout_is_cold_path(path) || is_compiled_source(scout);
}

size_t tar_scout_feed(struct tar_scout *scout, const uint8_t *data, size_t size)
{
	size_t hot_size = 0;
	size_t n;

	for (; size && !scout->is_lost; data += n, size -= n) {
		if (scout->data_left) {
			n = size < scout->data_left ? size
						    : (size_t)scout->data_left;
			scout->data_left -= n;
			hot_size += scout->is_cold ? 0 : n;
			continue;
		}
		n = TAR_SCOUT_BLOCK_SIZE - scout->header_size;
		if (n > size)
			n = size;
		memcpy(scout->header + scout->header_size, data, n);
		scout->header_size += n;
		if (scout->header_size == TAR_SCOUT_BLOCK_SIZE)
			begin_entry(scout);
	}
	return hot_size + size;
}
