/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/gpu_setup.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu_plan.h"
#include "run/run.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int merge_binds(const struct gpu_plan *plan, struct run_job *job,
		       struct gpu_setup *setup)
{
	struct run_bind *binds =
		calloc(plan->bind_count + job->bind_count + 1, sizeof(*binds));

	if (!binds)
		return -ENOMEM;
	for (size_t i = 0; i < plan->bind_count; i++)
		binds[i] = (struct run_bind){
			.source = plan->binds[i].source,
			.destination = plan->binds[i].destination,
			.is_read_only = plan->binds[i].is_read_only,
		};
	/* the user's come later: they may lie on ours */
	if (job->bind_count > 0)
		memcpy(binds + plan->bind_count, job->binds,
		       job->bind_count * sizeof(*binds));
	setup->binds = binds;
	job->binds = binds;
	job->bind_count += plan->bind_count;
	return 0;
}

static int merge_links(const struct gpu_plan *plan, struct run_job *job,
		       struct gpu_setup *setup)
{
	struct run_link *links =
		calloc(plan->link_count + job->link_count + 1, sizeof(*links));

	if (!links)
		return -ENOMEM;
	if (job->link_count > 0)
		memcpy(links, job->links, job->link_count * sizeof(*links));
	for (size_t i = 0; i < plan->link_count; i++)
		links[job->link_count + i] = (struct run_link){
			.path = plan->links[i].path,
			.target = plan->links[i].target,
		};
	setup->links = links;
	job->links = links;
	job->link_count += plan->link_count;
	return 0;
}

static int merge_files(const struct gpu_plan *plan, struct run_job *job,
		       struct gpu_setup *setup)
{
	struct run_file *files =
		calloc(plan->mask_count + job->file_count + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	if (job->file_count > 0)
		memcpy(files, job->files, job->file_count * sizeof(*files));
	for (size_t i = 0; i < plan->mask_count; i++)
		files[job->file_count + i] = (struct run_file){
			.path = plan->masks[i].path,
			.text = plan->masks[i].text,
			.is_mask = true,
		};
	setup->files = files;
	job->files = files;
	job->file_count += plan->mask_count;
	return 0;
}

int gpu_setup_add(struct gpu_plan *plan, struct run_job *job,
		  struct gpu_setup *ret, struct error *err)
{
	int r;

	ret->plan = plan;
	if (!plan)
		return 0;
	r = merge_binds(plan, job, ret);
	if (r == 0)
		r = merge_links(plan, job, ret);
	if (r == 0)
		r = merge_files(plan, job, ret);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

void gpu_setup_fini(struct gpu_setup *setup)
{
	gpu_plan_destroy(setup->plan);
	free(setup->binds);
	free(setup->links);
	free(setup->files);
	*setup = (struct gpu_setup){ 0 };
}

static size_t find_variable(char *const *environment, const char *name,
			    size_t len)
{
	size_t i = 0;

	while (environment[i] && (strncmp(environment[i], name, len) != 0 ||
				  environment[i][len] != '='))
		i++;
	return i;
}

/* @text is "NAME=VALUE", and is taken. */
static int set_variable(char ***environment, char *text)
{
	size_t len = strcspn(text, "=");
	size_t at = find_variable(*environment, text, len);
	char **grown;

	if (!(*environment)[at]) {
		grown = realloc(*environment, (at + 2) * sizeof(*grown));
		if (!grown) {
			free(text);
			return -ENOMEM;
		}
		grown[at + 1] = NULL;
		*environment = grown;
	} else {
		free((*environment)[at]);
	}
	(*environment)[at] = text;
	return 0;
}

static void add_part(FILE *stream, const char *text, bool *is_first)
{
	if (!text[0])
		return;
	fprintf(stream, "%s%s", *is_first ? "" : ":", text);
	*is_first = false;
}

/* Whether @dir is one of the directories in @path. */
static bool has_dir(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	while (*path) {
		size_t part = strcspn(path, ":");

		if (part == len && strncmp(path, dir, len) == 0)
			return true;
		path += part + (path[part] == ':');
	}
	return false;
}

static int set_library_path(const struct gpu_plan *plan, char ***environment)
{
	static const char name[] = "LD_LIBRARY_PATH";
	const char *old = (*environment)[find_variable(*environment, name,
						       sizeof(name) - 1)];
	autofree char *text = NULL;
	size_t size = 0;
	bool is_first = true;
	FILE *stream;

	if (plan->library_first.count + plan->library_last.count == 0)
		return 0;
	stream = open_memstream(&text, &size);
	if (!stream)
		return -ENOMEM;
	old = old ? old + sizeof(name) : "";
	fprintf(stream, "%s=", name);
	for (size_t i = 0; i < plan->library_first.count; i++)
		add_part(stream, plan->library_first.values[i], &is_first);
	add_part(stream, old, &is_first);
	for (size_t i = 0; i < plan->library_last.count; i++)
		if (!has_dir(old, plan->library_last.values[i]))
			add_part(stream, plan->library_last.values[i],
				 &is_first);
	if (fclose(stream) != 0)
		return -ENOMEM;
	return set_variable(environment, STEAL_PTR(text));
}

int gpu_setup_set_environment(const struct gpu_setup *setup,
			      char ***environment, struct error *err)
{
	const struct gpu_plan *plan = setup->plan;
	int r = 0;

	if (!plan)
		return 0;
	for (size_t i = 0; r == 0 && i < plan->environment.count; i++) {
		char *text = strdup(plan->environment.values[i]);

		r = text ? set_variable(environment, text) : -ENOMEM;
	}
	if (r == 0)
		r = set_library_path(plan, environment);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}
