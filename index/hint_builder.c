/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source's hints belong to the file that Python reads in its place, the
 * compiled one; that has another inode number, so records are sorted at last.
 * What is read compiled is imported, not executed: its "#!" counts for nothing.
 */
#include "index/hint_builder.h"

#include "common/buffer.h"
#include "common/le.h"
#include "index/hint_fact.h"
#include "index/hint_import.h"
#include "index/hint_library.h"
#include "index/hint_python.h"
#include "index/hint_table.h"
#include "index/index_file_impl.h"
#include "index/tree_layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PATH_SIZE = 1024,
};

struct builder {
	struct index_file *index;
	struct hint_libraries *libraries;
	struct hint_pythons *pythons;
	struct buffer records; /* struct hint_record */
	struct buffer targets; /* uint32_t */
	struct buffer extents; /* struct hint_extent */
	struct buffer found;   /* uint32_t: of the file at hand */
};

/* The facts of one file. */
struct file {
	const uint8_t *facts;
	size_t size;
	uint32_t inode;
	uint32_t dir;
	const uint8_t *paths; /* RUNPATH, else RPATH */
	size_t paths_size;
	uint32_t read_as; /* the inode that is read in its place */
	struct hint_importer importer;
};

static int add_found(struct builder *builder, uint32_t inode)
{
	return inode ? buffer_append(&builder->found, &inode, sizeof(inode))
		     : 0;
}

static uint32_t resolve_file(const struct builder *builder, const char *path)
{
	struct index_inode inode;
	uint32_t number;

	if (index_file_resolve(builder->index, path, true, &number) < 0 ||
	    index_file_get_inode(builder->index, number, &inode) < 0 ||
	    !S_ISREG(inode.mode))
		return 0;
	return number;
}

static int add_interpreter(struct builder *builder,
			   const struct hint_fact *fact)
{
	char path[PATH_SIZE];

	if (fact->size == 0 || fact->size >= sizeof(path) ||
	    memchr(fact->data, 0, fact->size))
		return 0;
	memcpy(path, fact->data, fact->size);
	path[fact->size] = '\0';
	return add_found(builder, resolve_file(builder, path));
}

/* "env python3": the first word that is no option and no assignment, where
 * env would find it. */
static int add_argument(struct builder *builder, const struct hint_fact *fact)
{
	static const char *const folders[] = { "/usr/local/bin", "/usr/bin",
					       "/bin" };
	const char *at = (const char *)fact->data;
	const char *end = at + fact->size;
	char path[PATH_SIZE];

	while (at < end) {
		const char *stop = memchr(at, ' ', (size_t)(end - at));
		size_t size = (size_t)((stop ? stop : end) - at);

		if (size && *at != '-' && !memchr(at, '=', size) &&
		    !memchr(at, '/', size) && !memchr(at, 0, size)) {
			uint32_t found = 0;

			for (size_t i = 0; i < 3 && !found; i++) {
				snprintf(path, sizeof(path), "%s/%.*s",
					 folders[i], (int)size, at);
				found = resolve_file(builder, path);
			}
			return add_found(builder, found);
		}
		at += size + 1;
	}
	return 0;
}

static int add_extent(struct builder *builder, const struct hint_fact *fact)
{
	const uint64_t unit = HINT_TABLE_EXTENT_UNIT;
	struct hint_extent extent;
	uint64_t first;
	uint64_t end;

	if (fact->size != 16)
		return 0;
	first = le_load64(fact->data) / unit;
	if (!le_add(le_load64(fact->data), le_load64(fact->data + 8), &end))
		return 0;
	end = end / unit + (end % unit != 0);
	if (first >= end || end > UINT32_MAX)
		return 0;
	extent = (struct hint_extent){ (uint32_t)first,
				       (uint32_t)(end - first) };
	return buffer_append(&builder->extents, &extent, sizeof(extent));
}

static int take_fact(struct builder *builder, const struct file *file,
		     const struct hint_fact *fact)
{
	const char *text = (const char *)fact->data;

	switch (fact->kind) {
	case HINT_FACT_IMPORT:
		if (hint_pythons_count(builder->pythons) == 0)
			return 0;
		return hint_import_resolve(&file->importer, text, fact->size,
					   &builder->found);
	case HINT_FACT_MENTION:
		if (hint_pythons_count(builder->pythons) == 0)
			return 0;
		return hint_import_if_whole(&file->importer, text, fact->size,
					    &builder->found);
	case HINT_FACT_NEEDED:
		return add_found(builder,
				 hint_libraries_find(
					 builder->libraries, file->dir,
					 (const char *)file->paths,
					 file->paths_size, text, fact->size));
	case HINT_FACT_INTERPRETER:
		return file->read_as == file->inode
			       ? add_interpreter(builder, fact)
			       : 0;
	case HINT_FACT_ARGUMENT:
		return file->read_as == file->inode
			       ? add_argument(builder, fact)
			       : 0;
	case HINT_FACT_EXTENT:
		return add_extent(builder, fact);
	case HINT_FACT_MODULE:
	case HINT_FACT_RPATH:
	case HINT_FACT_RUNPATH:
	case HINT_FACT_LOADER_CONF:
		break;
	}
	return 0;
}

/* What the other facts depend on. */
static void look_at(struct builder *builder, struct file *file)
{
	struct hint_fact fact;
	size_t off = 0;

	file->importer = (struct hint_importer){
		.index = builder->index,
		.pythons = builder->pythons,
		.python = hint_pythons_of(builder->pythons, file->dir),
		.dir = file->dir,
	};
	while (hint_fact_next(file->facts, file->size, &off, &fact)) {
		if (fact.kind == HINT_FACT_RUNPATH ||
		    (fact.kind == HINT_FACT_RPATH && !file->paths)) {
			file->paths = fact.data;
			file->paths_size = fact.size;
		}
		if (fact.kind != HINT_FACT_MODULE ||
		    hint_pythons_count(builder->pythons) == 0)
			continue;
		file->read_as = hint_import_own_file(
			&file->importer, (const char *)fact.data, fact.size);
	}
	if (file->read_as == 0)
		file->read_as = file->inode;
}

/* What the loader and the C library read for any program whose locale is
 * UTF-8, as a Python's is. */
static const char *const library_files[] = {
	"/etc/ld.so.cache",
	"/usr/lib/locale/C.utf8/LC_CTYPE",
	"/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
	"/usr/lib/aarch64-linux-gnu/gconv/gconv-modules.cache",
	"/usr/lib64/gconv/gconv-modules.cache",
};

static int add_start(struct builder *builder, uint32_t inode)
{
	struct hint_importer importer = {
		.index = builder->index,
		.pythons = builder->pythons,
	};
	size_t count = hint_pythons_count(builder->pythons);
	int r = 0;

	for (; importer.python < count; importer.python++)
		if (hint_pythons_interpreter(builder->pythons,
					     importer.python) == inode)
			break;
	if (importer.python == count)
		return 0;
	for (size_t i = 0;
	     i < sizeof(library_files) / sizeof(*library_files) && r == 0; i++)
		r = add_found(builder, resolve_file(builder, library_files[i]));
	return r < 0 ? r : hint_import_start(&importer, &builder->found);
}

/* What was found, each once and not the file itself, goes to the targets. */
static int keep_found(struct builder *builder, struct hint_record *record)
{
	const uint32_t *found = (const void *)builder->found.data;
	size_t count = builder->found.size / sizeof(*found);
	size_t start = builder->targets.size / sizeof(*found);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		/* NULL while there are none */
		const uint32_t *kept = (const void *)builder->targets.data;
		uint32_t j = 0;

		while (j < record->target_count && kept[start + j] != found[i])
			j++;
		if (j < record->target_count || found[i] == record->inode ||
		    record->target_count == HINT_TABLE_TARGET_COUNT_MAX)
			continue;
		r = buffer_append(&builder->targets, &found[i],
				  sizeof(found[i]));
		record->target_count++;
	}
	return r;
}

static bool extents_are_sound(const struct hint_extent *extents, uint32_t count)
{
	if (count > HINT_TABLE_EXTENT_COUNT_MAX)
		return false;
	for (uint32_t i = 1; i < count; i++)
		if (extents[i].first <
		    extents[i - 1].first + extents[i - 1].count)
			return false;
	return true;
}

static int add_file(struct builder *builder, struct file *file)
{
	struct hint_record record = {
		.first_target =
			(uint32_t)(builder->targets.size / sizeof(uint32_t)),
		.first_extent = (uint32_t)(builder->extents.size /
					   sizeof(struct hint_extent)),
	};
	struct hint_fact fact;
	size_t off = 0;
	int r = 0;

	look_at(builder, file);
	record.inode = file->read_as;
	builder->found.size = 0;
	while (r == 0 && hint_fact_next(file->facts, file->size, &off, &fact))
		r = take_fact(builder, file, &fact);
	if (r == 0)
		r = add_start(builder, file->inode);
	if (r == 0)
		r = keep_found(builder, &record);
	record.extent_count =
		(uint32_t)(builder->extents.size / sizeof(struct hint_extent)) -
		record.first_extent;
	if (record.extent_count > 0 &&
	    !extents_are_sound((const struct hint_extent *)(const void *)
					       builder->extents.data +
				       record.first_extent,
			       record.extent_count))
		record.extent_count = 0;
	if (r < 0 || (record.target_count == 0 && record.extent_count == 0))
		return r;
	return buffer_append(&builder->records, &record, sizeof(record));
}

static int compare_records(const void *a, const void *b)
{
	const struct hint_record *x = a;
	const struct hint_record *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	/* of equal ones the first was added first */
	return (x->first_target > y->first_target) -
	       (x->first_target < y->first_target);
}

static void sort_records(struct buffer *records)
{
	struct hint_record *all = (void *)records->data;
	size_t count = records->size / sizeof(*all);
	size_t kept = 0;

	if (count == 0)
		return;
	qsort(all, count, sizeof(*all), compare_records);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || all[kept - 1].inode != all[i].inode)
			all[kept++] = all[i];
	records->size = kept * sizeof(*all);
}

static int add_files(struct builder *builder, const struct tree *tree,
		     const struct tree_layout *layout)
{
	const struct tree_layout_facts *all = (const void *)layout->facts.data;
	size_t count = layout->facts.size / sizeof(*all);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct file file = { .inode = all[i].inode };
		struct index_inode inode;

		file.facts =
			tree_layout_get_facts(tree, all[i].facts, &file.size);
		r = index_file_get_inode(builder->index, file.inode, &inode);
		if (r < 0)
			return r;
		file.dir = inode.parent;
		r = add_file(builder, &file);
	}
	sort_records(&builder->records);
	return r;
}

/* Before the files: they depend on it. */
static void read_loader_conf(struct builder *builder, const struct tree *tree,
			     const struct tree_layout *layout)
{
	const struct tree_layout_facts *all = (const void *)layout->facts.data;
	size_t count = layout->facts.size / sizeof(*all);

	for (size_t i = 0; i < count; i++) {
		struct hint_fact fact;
		size_t off = 0;
		size_t size;
		const uint8_t *facts =
			tree_layout_get_facts(tree, all[i].facts, &size);

		if (hint_fact_next(facts, size, &off, &fact) &&
		    fact.kind == HINT_FACT_LOADER_CONF)
			hint_libraries_add_conf(builder->libraries,
						(const char *)fact.data,
						fact.size);
	}
}

static int wrap(const struct tree_layout *layout, struct index_file **ret)
{
	const struct buffer *const buffers[INDEX_FORMAT_TYPE_COUNT] = {
		[INDEX_FORMAT_OWNER] = &layout->owners,
		[INDEX_FORMAT_INODE] = &layout->inodes,
		[INDEX_FORMAT_DIRENT] = &layout->dirents,
		[INDEX_FORMAT_NAMES] = &layout->names,
		[INDEX_FORMAT_SYMLINK] = &layout->symlinks,
	};
	struct index_file_sections sections = { 0 };

	for (size_t i = 0; i < INDEX_FORMAT_TYPE_COUNT; i++)
		if (buffers[i]) {
			sections.data[i] = buffers[i]->data;
			sections.size[i] = buffers[i]->size;
		}
	return index_file_wrap(&sections, ret);
}

int hint_builder_make(const struct tree *tree, const struct tree_layout *layout,
		      struct buffer *ret)
{
	const struct buffer empty =
		BUFFER_INIT(INDEX_FORMAT_SECTION_RAW_SIZE_MAX);
	struct builder builder = {
		.records = empty,
		.targets = empty,
		.extents = empty,
		.found = empty,
	};
	struct hint_table table;
	int r = wrap(layout, &builder.index);

	if (r == 0)
		r = hint_libraries_create(builder.index, &builder.libraries);
	if (r == 0)
		r = hint_pythons_create(builder.index, &builder.pythons);
	if (r == 0) {
		read_loader_conf(&builder, tree, layout);
		r = add_files(&builder, tree, layout);
	}
	table = (struct hint_table){
		.records = (void *)builder.records.data,
		.record_count = (uint32_t)(builder.records.size /
					   sizeof(struct hint_record)),
		.targets = (void *)builder.targets.data,
		.extents = (void *)builder.extents.data,
	};
	if (r == 0)
		r = hint_table_encode(&table, ret);
	if (r == -EFBIG) {
		ret->size = 0;
		r = 0;
	}
	hint_pythons_destroy(builder.pythons);
	hint_libraries_destroy(builder.libraries);
	index_file_close(builder.index);
	buffer_fini(&builder.records);
	buffer_fini(&builder.targets);
	buffer_fini(&builder.extents);
	buffer_fini(&builder.found);
	return r;
}
