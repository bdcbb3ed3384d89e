/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_dir.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define FOLDER "instances"

enum {
	FILE_SIZE = INSTANCE_NODE_SIZE + INSTANCE_KEY_SIZE + INSTANCE_NAME_SIZE,
	LOG_FILE_SIZE = FILE_SIZE + sizeof(".log"),
	LOCK_TIMEOUT_MS = 5000, /* it is held for microseconds */
	BACKLOG = 1024,		/* a node full of jobs that start at once */
};

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

int instance_dir_check_name(const char *name, struct error *err)
{
	size_t len = strlen(name);

	bool is_log = len >= 4 && strcmp(name + len - 4, ".log") == 0;

	if (len > 0 && len < INSTANCE_NAME_SIZE && name[0] != '.' && !is_log &&
	    strspn(name, name_letters) == len)
		return 0;
	return error_set(err, -EINVAL,
			 "\"%.80s\" cannot name an instance: take letters, "
			 "digits, '.', '_' and '-', %d at most",
			 name, INSTANCE_NAME_SIZE - 1);
}

bool instance_dir_may_have_any(const char *cache_path)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/" FOLDER, cache_path);

	return n > 0 && (size_t)n < sizeof(path) && access(path, X_OK) == 0;
}

int instance_dir_open(int cache_dir_fd, struct error *err)
{
	autoclose int fd = -1;
	struct stat st;

	if (mkdirat(cache_dir_fd, FOLDER, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, -errno,
				       "cannot make " FOLDER "/ in the cache");
	fd = openat(cache_dir_fd, FOLDER,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, -errno,
				       "cannot open " FOLDER "/ in the cache");
	if (st.st_uid != geteuid() || st.st_mode & 077)
		return error_set(err, -EPERM,
				 FOLDER "/ in the cache must belong to you "
					"alone (mode 0700)");
	return STEAL_FD(fd);
}

static void format_file(const struct instance_entry *entry, char ret[FILE_SIZE])
{
	char node[INSTANCE_NODE_SIZE];

	instance_key_format_node(node);
	snprintf(ret, FILE_SIZE, "%s-%s-%s", node, entry->key, entry->name);
}

void instance_dir_format_log(const char *dir_path,
			     const struct instance_entry *entry, char *ret,
			     size_t size)
{
	char file[FILE_SIZE];

	format_file(entry, file);
	snprintf(ret, size, "%s/" FOLDER "/%s.log", dir_path, file);
}

/* Whether @file is one of this node's sockets. */
static bool parse_file(const char *file, const char *node,
		       struct instance_entry *ret)
{
	const char *key = file + INSTANCE_NODE_SIZE;
	const char *name = key + INSTANCE_KEY_SIZE;
	size_t len = strlen(file);

	if (len <= INSTANCE_NODE_SIZE + INSTANCE_KEY_SIZE || len >= FILE_SIZE ||
	    memcmp(file, node, INSTANCE_NODE_SIZE - 1) != 0 || key[-1] != '-' ||
	    name[-1] != '-')
		return false;
	if (len > 4 && strcmp(file + len - 4, ".log") == 0)
		return false;
	memcpy(ret->key, key, INSTANCE_KEY_SIZE - 1);
	ret->key[INSTANCE_KEY_SIZE - 1] = '\0';
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	return instance_dir_check_name(ret->name, NULL) == 0;
}

static int append(struct instance_entry **entries, size_t *count,
		  const struct instance_entry *entry)
{
	struct instance_entry *grown;

	if (*count >= INSTANCE_COUNT_MAX)
		return -EMFILE;
	if ((*count & (*count - 1)) == 0) { /* doubled at powers of two */
		grown = realloc(*entries,
				(*count ? *count * 2 : 1) * sizeof(**entries));
		if (!grown)
			return -ENOMEM;
		*entries = grown;
	}
	(*entries)[(*count)++] = *entry;
	return 0;
}

int instance_dir_list(int dir_fd, struct instance_entry **ret)
{
	autofree struct instance_entry *entries = NULL;
	char node[INSTANCE_NODE_SIZE];
	struct instance_entry entry;
	struct dirent *found;
	size_t count = 0;
	int r = 0;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	instance_key_format_node(node);
	while (r == 0 && (found = readdir(dir)))
		if (parse_file(found->d_name, node, &entry))
			r = append(&entries, &count, &entry);
	closedir(dir);
	if (r < 0)
		return r;
	*ret = STEAL_PTR(entries);
	return (int)count;
}

/* Paths of sockets are short; through the descriptor any folder will do. */
static socklen_t format_address(int dir_fd, const char *file,
				struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof(ret->sun_path),
		     "/proc/self/fd/%d/%s", dir_fd, file);
	if (n < 0 || (size_t)n >= sizeof(ret->sun_path))
		return 0;
	return (socklen_t)sizeof(*ret);
}

static bool is_own(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.uid == geteuid();
}

static int try_connect(int dir_fd, const char *file)
{
	autoclose int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t size;

	if (fd < 0)
		return -errno;
	size = format_address(dir_fd, file, &address);
	if (size == 0)
		return -ENAMETOOLONG;
	if (connect(fd, (struct sockaddr *)&address, size) < 0)
		return -errno;
	return is_own(fd) ? STEAL_FD(fd) : -EPERM;
}

static int lock(int dir_fd)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int64_t deadline_ms = clock_ms() + LOCK_TIMEOUT_MS;

	while (flock(dir_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_ms() > deadline_ms)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Under the lock nobody publishes: what is dead now is so. */
static void remove_dead(int dir_fd, const struct instance_entry *entry,
			const char *file)
{
	int fd;

	if (lock(dir_fd) < 0)
		return;
	fd = try_connect(dir_fd, file);
	if (fd == -ECONNREFUSED)
		instance_dir_remove(dir_fd, entry, true);
	else if (fd >= 0)
		close(fd);
	flock(dir_fd, LOCK_UN);
}

int instance_dir_connect(int dir_fd, const struct instance_entry *entry)
{
	char file[FILE_SIZE];
	int fd;

	format_file(entry, file);
	fd = try_connect(dir_fd, file);
	if (fd == -ECONNREFUSED)
		remove_dead(dir_fd, entry, file);
	return fd;
}

/* Of the same name, or with @is_exclusive of the same key; the lock is held. */
static int check_free(int dir_fd, const struct instance_entry *entry,
		      bool is_exclusive, struct error *err)
{
	autofree struct instance_entry *entries = NULL;
	int count = instance_dir_list(dir_fd, &entries);

	if (count < 0)
		return error_set_errno(err, count, "cannot list the instances");
	if (count >= INSTANCE_COUNT_MAX)
		return error_set(err, -EMFILE,
				 "there are %d instances on this node: stop "
				 "some with `lazyrun instance stop`",
				 count);
	for (int i = 0; i < count; i++) {
		bool is_same = strcmp(entries[i].name, entry->name) == 0 ||
			       (is_exclusive &&
				strcmp(entries[i].key, entry->key) == 0);
		char file[FILE_SIZE];
		int fd;

		if (!is_same)
			continue;
		format_file(&entries[i], file);
		fd = try_connect(dir_fd, file);
		if (fd >= 0)
			close(fd);
		if (fd != -ECONNREFUSED)
			return error_set(err, -EEXIST,
					 "the instance %s runs already",
					 entries[i].name);
		instance_dir_remove(dir_fd, &entries[i], true);
	}
	return 0;
}

static int listen_at(int dir_fd, const char *file)
{
	autoclose int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	char temporary[32];
	socklen_t size;

	if (fd < 0)
		return -errno;
	snprintf(temporary, sizeof(temporary), "new-%d", (int)getpid());
	unlinkat(dir_fd, temporary, 0);
	size = format_address(dir_fd, temporary, &address);
	if (size == 0)
		return -ENAMETOOLONG;
	if (bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    renameat(dir_fd, temporary, dir_fd, file) < 0) {
		int r = -errno;

		unlinkat(dir_fd, temporary, 0);
		return r;
	}
	return STEAL_FD(fd);
}

int instance_dir_publish(int dir_fd, const struct instance_entry *entry,
			 bool is_exclusive, struct error *err)
{
	char file[FILE_SIZE];
	int fd = -1;
	int r;

	format_file(entry, file);
	r = lock(dir_fd);
	if (r < 0)
		return error_set_errno(err, r, "cannot lock the instances");
	r = check_free(dir_fd, entry, is_exclusive, err);
	if (r == 0) {
		fd = listen_at(dir_fd, file);
		if (fd < 0)
			r = error_set_errno(err, fd,
					    "cannot listen in the cache");
	}
	flock(dir_fd, LOCK_UN);
	return r < 0 ? r : fd;
}

int instance_dir_open_log(int dir_fd, const struct instance_entry *entry)
{
	char file[FILE_SIZE];
	char log[LOG_FILE_SIZE];
	int fd;

	format_file(entry, file);
	snprintf(log, sizeof(log), "%s.log", file);
	fd = openat(dir_fd, log,
		    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW |
			    O_CLOEXEC,
		    0600);
	return fd < 0 ? -errno : fd;
}

void instance_dir_remove(int dir_fd, const struct instance_entry *entry,
			 bool with_log)
{
	char file[FILE_SIZE];
	char log[LOG_FILE_SIZE];
	struct stat st;

	format_file(entry, file);
	unlinkat(dir_fd, file, 0);
	snprintf(log, sizeof(log), "%s.log", file);
	if (with_log || (fstatat(dir_fd, log, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			 st.st_size == 0))
		unlinkat(dir_fd, log, 0);
}
