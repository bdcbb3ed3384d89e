/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: runs a fuzz target over the files of a corpus folder, so that every
 * build without libFuzzer checks them as an ordinary test.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;
	ssize_t size;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	data = malloc((size_t)st.st_size + 1);
	size = data ? read(fd, data, (size_t)st.st_size) : -1;
	close(fd);
	if (size >= 0)
		LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return size >= 0;
}

int main(int argc, char **argv)
{
	DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	int count = 0;

	if (!folder) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(folder)))
		count += replay_file(dirfd(folder), entry->d_name);
	closedir(folder);
	printf("%d inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
