/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout: struct fixed, then strings with their NUL in the order of the
 * decoder.  A string that may be absent is preceded by one byte, 0 or 1.
 */
#include "run/run_spec.h"

#include "common/buffer.h"
#include "common/error.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum flag {
	CWD_IS_REQUIRED = 1 << 0,
	HAS_MINIMAL_DEV = 1 << 1,
	IS_WRITABLE = 1 << 2,
	BIND_IS_READ_ONLY = 1 << 3,
	BIND_IS_OPTIONAL = 1 << 4,
	BIND_IS_STANDARD = 1 << 5,
	BIND_IS_OWN = 1 << 6,
	FILE_IS_MASK = 1 << 7,
	HOT_TREE_IS_WHOLE = 1 << 8,
	HAS_DEFAULT_UMASK = 1 << 9,
	HAS_ENVIRONMENT = 1 << 10,
	EVALUATES_FORCED = 1 << 11,
	HAS_BASE_LIBRARY = 1 << 12,
	HAS_PROMPT = 1 << 13,
	EVALUATES_ARGV = 1 << 14,
	WRITES_IMAGE = 1 << 15,
};

struct fixed {
	uint64_t writable_size;
	uint32_t flags;
	uint32_t omitted;
	uint32_t argv_count;
	uint32_t envp_count;
	uint32_t bind_count;
	uint32_t link_count;
	uint32_t file_count;
};

static uint32_t count_strings(const char *const *strings)
{
	uint32_t count = 0;

	while (strings[count])
		count++;
	return count;
}

static int encode_string(struct buffer *buffer, const char *string)
{
	return buffer_append(buffer, string, strlen(string) + 1);
}

static int encode_optional(struct buffer *buffer, const char *string)
{
	uint8_t is_present = string != NULL;
	int r = buffer_append(buffer, &is_present, 1);

	if (r < 0 || !string)
		return r;
	return encode_string(buffer, string);
}

static int encode_bind(struct buffer *buffer, const struct run_bind *bind)
{
	uint8_t flags = 0;
	int r;

	if (bind->is_read_only)
		flags |= BIND_IS_READ_ONLY;
	if (bind->is_optional)
		flags |= BIND_IS_OPTIONAL;
	if (bind->is_standard)
		flags |= BIND_IS_STANDARD;
	if (bind->is_own)
		flags |= BIND_IS_OWN;
	r = buffer_append(buffer, &flags, 1);
	if (r == 0)
		r = buffer_append(buffer, &bind->mode, sizeof(bind->mode));
	if (r == 0)
		r = encode_optional(buffer, bind->source);
	if (r == 0)
		r = encode_string(buffer, bind->destination);
	return r;
}

static int encode_link(struct buffer *buffer, const struct run_link *link)
{
	int r = encode_string(buffer, link->path);

	return r < 0 ? r : encode_string(buffer, link->target);
}

static int encode_file(struct buffer *buffer, const struct run_file *file)
{
	uint8_t flags = file->is_mask ? FILE_IS_MASK : 0;
	int r = buffer_append(buffer, &flags, 1);

	if (r == 0)
		r = encode_string(buffer, file->path);
	return r < 0 ? r : encode_string(buffer, file->text);
}

static int encode_strings(struct buffer *buffer, const char *const *strings)
{
	uint32_t count = strings ? count_strings(strings) : 0;
	int r = buffer_append(buffer, &count, sizeof(count));

	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = encode_string(buffer, strings[i]);
	return r;
}

static int encode_overlays(struct buffer *buffer, const struct run_job *job)
{
	uint32_t count = (uint32_t)job->overlay_count;
	int r = buffer_append(buffer, &count, sizeof(count));

	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = encode_optional(buffer, job->overlays[i]);
	return r;
}

static uint32_t environment_flags(const struct run_environment *environment)
{
	uint32_t flags = HAS_ENVIRONMENT;

	if (environment->evaluates_argv)
		flags |= EVALUATES_ARGV;
	if (environment->evaluates_forced)
		flags |= EVALUATES_FORCED;
	if (environment->has_base_library)
		flags |= HAS_BASE_LIBRARY;
	if (environment->has_prompt)
		flags |= HAS_PROMPT;
	return flags;
}

static int encode_environment(struct buffer *buffer,
			      const struct run_environment *environment)
{
	const char *const *const lists[] = {
		environment->fixed,  environment->image, environment->forced,
		environment->caller, environment->late,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(lists) / sizeof(*lists); i++)
		r = encode_strings(buffer, lists[i]);
	if (r == 0)
		r = encode_optional(buffer, environment->library_first);
	if (r == 0)
		r = encode_optional(buffer, environment->library_last);
	return r;
}

static int encode_all(const struct run_job *job, struct buffer *buffer)
{
	struct fixed fixed = {
		.writable_size = job->writable_size,
		.omitted = job->omitted,
		.argv_count = count_strings(job->argv),
		.envp_count = count_strings(job->envp),
		.bind_count = (uint32_t)job->bind_count,
		.link_count = (uint32_t)job->link_count,
		.file_count = (uint32_t)job->file_count,
	};
	int r;

	if (job->cwd_is_required)
		fixed.flags |= CWD_IS_REQUIRED;
	if (job->has_minimal_dev)
		fixed.flags |= HAS_MINIMAL_DEV;
	if (job->is_writable)
		fixed.flags |= IS_WRITABLE;
	if (job->writes_image)
		fixed.flags |= WRITES_IMAGE;
	if (job->has_default_umask)
		fixed.flags |= HAS_DEFAULT_UMASK;
	if (job->environment)
		fixed.flags |= environment_flags(job->environment);
	if (job->hot_tree_is_whole)
		fixed.flags |= HOT_TREE_IS_WHOLE;
	r = buffer_append(buffer, &fixed, sizeof(fixed));
	for (uint32_t i = 0; r == 0 && i < fixed.argv_count; i++)
		r = encode_string(buffer, job->argv[i]);
	for (uint32_t i = 0; r == 0 && i < fixed.envp_count; i++)
		r = encode_string(buffer, job->envp[i]);
	for (size_t i = 0; r == 0 && i < job->bind_count; i++)
		r = encode_bind(buffer, &job->binds[i]);
	for (size_t i = 0; r == 0 && i < job->link_count; i++)
		r = encode_link(buffer, &job->links[i]);
	for (size_t i = 0; r == 0 && i < job->file_count; i++)
		r = encode_file(buffer, &job->files[i]);
	if (r == 0)
		r = encode_optional(buffer, job->cwd);
	if (r == 0)
		r = encode_optional(buffer, job->home);
	if (r == 0)
		r = encode_optional(buffer, job->hostname);
	if (r == 0)
		r = encode_optional(buffer, job->mark_variable);
	if (r == 0)
		r = encode_optional(buffer, job->mark_name);
	if (r == 0)
		r = encode_optional(buffer, job->overlay_upper);
	if (r == 0)
		r = encode_overlays(buffer, job);
	if (r == 0 && job->environment)
		r = encode_environment(buffer, job->environment);
	if (r == 0)
		r = encode_optional(buffer, job->hot_tree);
	return r;
}

int run_spec_encode(const struct run_job *job, struct buffer *buffer,
		    struct error *err)
{
	int r;

	assert(job->argv && job->envp);
	r = encode_all(job, buffer);
	if (r == -EFBIG)
		return error_set(err, r,
				 "the command, its environment and its binds "
				 "take more than %zu bytes together: shorten "
				 "them",
				 buffer->size_max);
	if (r < 0)
		return error_set_errno(err, r, "cannot pass the job on");
	return 0;
}

struct cursor {
	const uint8_t *data;
	size_t size; /* left */
};

static int take_bytes(struct cursor *cursor, void *ret, size_t size)
{
	if (cursor->size < size)
		return -EPROTO;
	memcpy(ret, cursor->data, size);
	cursor->data += size;
	cursor->size -= size;
	return 0;
}

static int take_byte(struct cursor *cursor, uint8_t *ret)
{
	return take_bytes(cursor, ret, 1);
}

static int take_string(struct cursor *cursor, const char **ret)
{
	const uint8_t *end;

	if (cursor->size == 0)
		return -EPROTO;
	end = memchr(cursor->data, '\0', cursor->size);
	if (!end)
		return -EPROTO;
	*ret = (const char *)cursor->data;
	cursor->size -= (size_t)(end + 1 - cursor->data);
	cursor->data = end + 1;
	return 0;
}

static int take_optional(struct cursor *cursor, const char **ret)
{
	uint8_t is_present;
	int r = take_byte(cursor, &is_present);

	if (r < 0 || !is_present)
		return r;
	return take_string(cursor, ret);
}

static int take_strings(struct cursor *cursor, uint32_t count,
			const char ***ret)
{
	const char **strings;
	int r = 0;

	/* Each takes a byte at least: no count may ask for more memory. */
	if (count > cursor->size)
		return -EPROTO;
	strings = calloc((size_t)count + 1, sizeof(*strings));
	if (!strings)
		return -ENOMEM;
	*ret = strings;
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = take_string(cursor, &strings[i]);
	return r;
}

static int take_binds(struct cursor *cursor, uint32_t count,
		      struct run_bind **ret)
{
	struct run_bind *binds;

	if (count > cursor->size)
		return -EPROTO;
	binds = calloc((size_t)count + 1, sizeof(*binds));
	if (!binds)
		return -ENOMEM;
	*ret = binds;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t flags;
		int r = take_byte(cursor, &flags);

		if (r == 0)
			r = take_bytes(cursor, &binds[i].mode,
				       sizeof(binds[i].mode));
		if (r == 0)
			r = take_optional(cursor, &binds[i].source);
		if (r == 0)
			r = take_string(cursor, &binds[i].destination);
		if (r < 0)
			return r;
		binds[i].is_read_only = flags & BIND_IS_READ_ONLY;
		binds[i].is_optional = flags & BIND_IS_OPTIONAL;
		binds[i].is_standard = flags & BIND_IS_STANDARD;
		binds[i].is_own = flags & BIND_IS_OWN;
	}
	return 0;
}

static int take_links(struct cursor *cursor, uint32_t count,
		      struct run_link **ret)
{
	struct run_link *links;
	int r = 0;

	if (count > cursor->size)
		return -EPROTO;
	links = calloc((size_t)count + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;
	*ret = links;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		r = take_string(cursor, &links[i].path);
		if (r == 0)
			r = take_string(cursor, &links[i].target);
	}
	return r;
}

static int take_files(struct cursor *cursor, uint32_t count,
		      struct run_file **ret)
{
	struct run_file *files;

	if (count > cursor->size)
		return -EPROTO;
	files = calloc((size_t)count + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	*ret = files;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t flags;
		int r = take_byte(cursor, &flags);

		if (r == 0)
			r = take_string(cursor, &files[i].path);
		if (r == 0)
			r = take_string(cursor, &files[i].text);
		if (r < 0)
			return r;
		files[i].is_mask = flags & FILE_IS_MASK;
	}
	return 0;
}

static int take_list(struct cursor *cursor, const char ***ret)
{
	uint32_t count;
	int r = take_bytes(cursor, &count, sizeof(count));

	return r < 0 ? r : take_strings(cursor, count, ret);
}

static int take_overlays(struct cursor *cursor, struct run_spec *ret)
{
	uint32_t count;
	int r = take_bytes(cursor, &count, sizeof(count));

	if (r < 0 || count > cursor->size)
		return -EPROTO;
	ret->job.overlay_count = count;
	ret->overlays = calloc((size_t)count + 1, sizeof(*ret->overlays));
	for (uint32_t i = 0; ret->overlays && r == 0 && i < count; i++)
		r = take_optional(cursor, &ret->overlays[i]);
	return ret->overlays ? r : -ENOMEM;
}

static int take_environment(struct cursor *cursor, uint32_t flags,
			    struct run_spec *ret)
{
	struct run_environment *environment = &ret->environment;
	int r = 0;

	for (size_t i = 0; r == 0 && i < RUN_SPEC_LISTS; i++)
		r = take_list(cursor, &ret->lists[i]);
	if (r == 0)
		r = take_optional(cursor, &environment->library_first);
	if (r == 0)
		r = take_optional(cursor, &environment->library_last);
	environment->fixed = ret->lists[0];
	environment->image = ret->lists[1];
	environment->forced = ret->lists[2];
	environment->caller = ret->lists[3];
	environment->late = ret->lists[4];
	environment->evaluates_forced = flags & EVALUATES_FORCED;
	environment->evaluates_argv = flags & EVALUATES_ARGV;
	environment->has_base_library = flags & HAS_BASE_LIBRARY;
	environment->has_prompt = flags & HAS_PROMPT;
	ret->job.environment = environment;
	return r;
}

int run_spec_decode(const uint8_t *data, size_t size, struct run_spec *ret)
{
	struct cursor cursor = { .data = data, .size = size };
	struct fixed fixed;
	int r;

	if (size < sizeof(fixed))
		return -EPROTO;
	memcpy(&fixed, data, sizeof(fixed));
	cursor.data += sizeof(fixed);
	cursor.size -= sizeof(fixed);
	r = take_strings(&cursor, fixed.argv_count, &ret->argv);
	if (r == 0)
		r = take_strings(&cursor, fixed.envp_count, &ret->envp);
	if (r == 0)
		r = take_binds(&cursor, fixed.bind_count, &ret->binds);
	if (r == 0)
		r = take_links(&cursor, fixed.link_count, &ret->links);
	if (r == 0)
		r = take_files(&cursor, fixed.file_count, &ret->files);
	if (r == 0)
		r = take_optional(&cursor, &ret->job.cwd);
	if (r == 0)
		r = take_optional(&cursor, &ret->job.home);
	if (r == 0)
		r = take_optional(&cursor, &ret->job.hostname);
	if (r == 0)
		r = take_optional(&cursor, &ret->job.mark_variable);
	if (r == 0)
		r = take_optional(&cursor, &ret->job.mark_name);
	if (r == 0)
		r = take_optional(&cursor, &ret->job.overlay_upper);
	if (r == 0)
		r = take_overlays(&cursor, ret);
	if (r == 0 && fixed.flags & HAS_ENVIRONMENT)
		r = take_environment(&cursor, fixed.flags, ret);
	if (r == 0)
		r = take_optional(&cursor, &ret->job.hot_tree);
	if (r < 0)
		return r;
	if (cursor.size != 0)
		return -EPROTO;
	ret->job.argv = ret->argv;
	ret->job.overlays = ret->overlays;
	ret->job.envp = ret->envp;
	ret->job.binds = ret->binds;
	ret->job.bind_count = fixed.bind_count;
	ret->job.links = ret->links;
	ret->job.link_count = fixed.link_count;
	ret->job.files = ret->files;
	ret->job.file_count = fixed.file_count;
	ret->job.writable_size = fixed.writable_size;
	ret->job.cwd_is_required = fixed.flags & CWD_IS_REQUIRED;
	ret->job.omitted = fixed.omitted;
	ret->job.has_minimal_dev = fixed.flags & HAS_MINIMAL_DEV;
	ret->job.is_writable = fixed.flags & IS_WRITABLE;
	ret->job.writes_image = fixed.flags & WRITES_IMAGE;
	ret->job.has_default_umask = fixed.flags & HAS_DEFAULT_UMASK;
	ret->job.hot_tree_is_whole = fixed.flags & HOT_TREE_IS_WHOLE;
	return 0;
}

void run_spec_fini(struct run_spec *spec)
{
	for (size_t i = 0; i < RUN_SPEC_LISTS; i++)
		free(spec->lists[i]);
	free(spec->overlays);
	free(spec->argv);
	free(spec->envp);
	free(spec->binds);
	free(spec->links);
	free(spec->files);
}
