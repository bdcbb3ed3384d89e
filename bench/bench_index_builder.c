/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_index_builder: layers' files into an index, timed.
 *
 *	bench_index_builder [-j LAYERS] [-p] [-z] OUT BLOB...
 *
 * Each BLOB is a file named by its SHA-256 in hex, as in blobs/sha256 of an
 * OCI layout, lowest layer first.  -p packs the sections, -z inflates by zlib.
 * Compare with `igzip -dc BLOB >/dev/null`.
 */
#include "common/byte_stream.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/error.h"
#include "index/index_builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_stream {
	struct byte_stream stream;
	int fd;
};

static ssize_t file_stream_read(struct byte_stream *stream, void *ret_data,
				size_t size, struct error *err)
{
	const struct file_stream *file = (struct file_stream *)stream;
	ssize_t n = read(file->fd, ret_data, size);

	return n < 0 ? error_set_errno(err, -errno, "cannot read") : n;
}

static void file_stream_destroy(struct byte_stream *stream)
{
	struct file_stream *file = (struct file_stream *)stream;

	close(file->fd);
	free(file);
}

static const struct byte_stream_ops file_stream_ops = {
	.read = file_stream_read,
	.destroy = file_stream_destroy,
};

static int open_layer(void *arg, uint32_t number, struct byte_stream **ret,
		      struct error *err)
{
	char **paths = arg;
	struct file_stream *file = calloc(1, sizeof(*file));

	if (!file)
		return error_set(err, -ENOMEM, "out of memory");
	file->stream.ops = &file_stream_ops;
	file->fd = open(paths[number], O_RDONLY | O_CLOEXEC);
	if (file->fd < 0) {
		free(file);
		return error_set_errno(err, -errno, "cannot open %s",
				       paths[number]);
	}
	*ret = &file->stream;
	return 0;
}

static int describe(const char *path, struct index_builder_layer *ret,
		    struct error *err)
{
	const char *slash = strrchr(path, '/');
	char text[DIGEST_TEXT_SIZE + 1];
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set_errno(err, -errno, "cannot stat %s", path);
	ret->size = (uint64_t)st.st_size;
	snprintf(text, sizeof(text), "sha256:%s", slash ? slash + 1 : path);
	return digest_parse(text, &ret->digest, err);
}

static int build(const char *out, char **paths, uint32_t count,
		 struct index_builder_options *options, struct error *err)
{
	struct index_builder_layer *layers = calloc(count, sizeof(*layers));
	struct index_builder_image image = {
		.manifest = "{}",
		.manifest_size = 2,
		.config = "{}",
		.config_size = 2,
		.layers = layers,
		.layer_count = count,
	};
	int fd;
	int r = 0;

	digest_compute(image.manifest, image.manifest_size,
		       &image.manifest_digest);
	fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		r = error_set_errno(err, -errno, "cannot create %s", out);
	if (!layers)
		r = error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = describe(paths[i], &layers[i], err);
	options->arg = paths;
	if (r == 0)
		r = index_builder_build(fd, &image, options, err);
	if (fd >= 0)
		close(fd);
	free(layers);
	return r;
}

int main(int argc, char **argv)
{
	struct index_builder_options options = { .open_layer = open_layer };
	struct error err = { 0 };
	struct rusage usage;
	int64_t start_us;
	int option;

	while ((option = getopt(argc, argv, "j:pz")) != -1) {
		if (option == 'j')
			options.layers_at_once =
				(unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'p')
			options.is_packed = true;
		else if (option == 'z')
			options.use_zlib = true;
		else
			return 2;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: %s [-j LAYERS] [-p] [-z] OUT BLOB...\n",
			argv[0]);
		return 2;
	}
	start_us = clock_us();
	if (build(argv[optind], argv + optind + 1,
		  (uint32_t)(argc - optind - 1), &options, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("wall_s=%.3f user_s=%.2f sys_s=%.2f rss_mib=%ld\n",
	       (double)(clock_us() - start_us) / 1e6,
	       (double)usage.ru_utime.tv_sec +
		       (double)usage.ru_utime.tv_usec / 1e6,
	       (double)usage.ru_stime.tv_sec +
		       (double)usage.ru_stime.tv_usec / 1e6,
	       usage.ru_maxrss >> 10);
	return 0;
}
