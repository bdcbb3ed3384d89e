/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: what a program's start asked of the file system, asked again, without
 * the program: the file system's part of a start.
 *
 *	replay RECORDING
 *
 * RECORDING is made by bench/replay.py from strace's output, a call a line:
 *
 *	o FD FLAGS PATH    openat; FD is the recorded number, -1 when it failed
 *	c FD               close
 *	r FD SIZE          read
 *	p FD SIZE OFF      pread64
 *	e FD OFF WHENCE    lseek
 *	f FD               fstat
 *	i FD               ioctl(TCGETS), as isatty() sends it
 *	d FD               getdents64
 *	m FD SIZE OFF      mmap, and a page read every 256 KiB
 *	s PATH / l PATH    stat, lstat
 *	a PATH / k PATH    access, readlink
 *
 * Prints the calls made and the microseconds they took, parsing not counted.
 * Calls that fail count: most of an interpreter's do.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	CALLS_MAX = 1 << 16,
	FDS_MAX = 1024,
	LINE_SIZE_MAX = 8192,
	BUFFER_SIZE = 1 << 20,
	TOUCH_STEP = 256 << 10,
};

struct call {
	char op;
	int fd; /* as recorded */
	int flags;
	uint64_t size;
	uint64_t off;
	char *path;
};

static struct call calls[CALLS_MAX];
static int fds[FDS_MAX];
static char buffer[BUFFER_SIZE];

static int parse(char *line, struct call *ret)
{
	int used = 0;
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	*ret = (struct call){ .op = line[0], .fd = -1 };
	switch (line[0]) {
	case 'o':
		n = sscanf(line, "o %d %i %n", &ret->fd, &ret->flags, &used);
		ret->path = n == 2 ? strdup(line + used) : NULL;
		return ret->path ? 0 : -EINVAL;
	case 'c':
	case 'f':
	case 'i':
	case 'd':
		return sscanf(line + 1, "%d", &ret->fd) == 1 ? 0 : -EINVAL;
	case 'r':
	case 'p':
	case 'm':
	case 'e':
		n = sscanf(line + 1, "%d %" SCNu64 " %" SCNu64, &ret->fd,
			   &ret->size, &ret->off);
		return n >= 2 ? 0 : -EINVAL;
	case 's':
	case 'l':
	case 'a':
	case 'k':
		ret->path = strdup(line + 2);
		return ret->path ? 0 : -ENOMEM;
	default:
		return -EINVAL;
	}
}

static size_t load(const char *path)
{
	char line[LINE_SIZE_MAX];
	size_t count = 0;
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		exit(1);
	}
	while (count < CALLS_MAX && fgets(line, sizeof(line), file)) {
		if (parse(line, &calls[count]) < 0) {
			fprintf(stderr, "%s: not a call: %s\n", path, line);
			exit(1);
		}
		count++;
	}
	fclose(file);
	return count;
}

static int get_fd(int recorded)
{
	return recorded >= 0 && recorded < FDS_MAX ? fds[recorded] : -1;
}

static void open_file(const struct call *call)
{
	int fd = openat(AT_FDCWD, call->path,
			(call->flags & ~O_CREAT) | O_CLOEXEC);

	if (call->fd >= 0 && call->fd < FDS_MAX)
		fds[call->fd] = fd;
	else if (fd >= 0)
		close(fd);
}

static unsigned touch(const struct call *call)
{
	unsigned sum = 0;
	const uint8_t *map = mmap(NULL, call->size, PROT_READ, MAP_PRIVATE,
				  get_fd(call->fd), (off_t)call->off);
	struct stat st;
	uint64_t end;

	if (map == MAP_FAILED || fstat(get_fd(call->fd), &st) < 0)
		return 0;
	/* no page behind the end of the file */
	end = call->off + call->size < (uint64_t)st.st_size
		      ? call->size
		      : (uint64_t)st.st_size - call->off;
	for (uint64_t off = 0; off < end; off += TOUCH_STEP)
		sum += map[off];
	munmap((void *)map, call->size);
	return sum;
}

/* Failures are part of the recording: results are not looked at. */
static long run(const struct call *call)
{
	struct termios terminal;
	struct stat st;
	int fd = get_fd(call->fd);
	size_t size = call->size < BUFFER_SIZE ? call->size : BUFFER_SIZE;

	switch (call->op) {
	case 'o':
		open_file(call);
		return 0;
	case 'c':
		return fd < 0 ? -1 : close(fd);
	case 'f':
		return fstat(fd, &st);
	case 'i':
		return ioctl(fd, TCGETS, &terminal);
	case 'd':
		return syscall(SYS_getdents64, fd, buffer, 32768);
	case 'r':
		return read(fd, buffer, size);
	case 'p':
		return pread(fd, buffer, size, (off_t)call->off);
	case 'e':
		return lseek(fd, (off_t)call->size, (int)call->off);
	case 'm':
		return touch(call);
	case 's':
		return stat(call->path, &st);
	case 'l':
		return lstat(call->path, &st);
	case 'a':
		return access(call->path, F_OK);
	default:
		return readlink(call->path, buffer, 4096);
	}
}

int main(int argc, char *argv[])
{
	struct timespec start;
	struct timespec end;
	size_t count;
	long sum = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: replay RECORDING\n");
		return 2;
	}
	count = load(argv[1]);
	memset(fds, -1, sizeof(fds));
	memset(buffer, 1, sizeof(buffer)); /* its pages are not measured */
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (size_t i = 0; i < count; i++)
		sum += run(&calls[i]);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%zu %" PRId64 "\n", count,
	       (int64_t)(end.tv_sec - start.tv_sec) * 1000000 +
		       (end.tv_nsec - start.tv_nsec) / 1000);
	return sum == 1; /* so that no call is left out by the compiler */
}
