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

/* Where the job writes to its image, no file of ours may stay in it. */
static bool can_have(const struct run_job *job,
		     const struct gpu_plan_file *file)
{
	return file->is_mask || !job->writes_image;
}

static int merge_files(const struct gpu_plan *plan, struct run_job *job,
		       struct gpu_setup *setup)
{
	struct run_file *files =
		calloc(plan->file_count + job->file_count + 1, sizeof(*files));
	size_t count = job->file_count;

	if (!files)
		return -ENOMEM;
	if (job->file_count > 0)
		memcpy(files, job->files, job->file_count * sizeof(*files));
	for (size_t i = 0; i < plan->file_count; i++)
		if (can_have(job, &plan->files[i]))
			files[count++] = (struct run_file){
				.path = plan->files[i].path,
				.text = plan->files[i].text,
				.is_mask = plan->files[i].is_mask,
			};
	setup->files = files;
	job->files = files;
	job->file_count = count;
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
	free(setup->variables);
	free(setup->library_first);
	free(setup->library_last);
	*setup = (struct gpu_setup){ 0 };
}

/* "a:b:c", malloc'ed; NULL when there is nothing or no memory. */
static char *join_texts(const struct gpu_plan_texts *texts)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream;

	if (texts->count == 0)
		return NULL;
	stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	for (size_t i = 0; i < texts->count; i++)
		fprintf(stream, "%s%s", i > 0 ? ":" : "", texts->values[i]);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int gpu_setup_set_environment(struct gpu_setup *setup,
			      struct run_environment *environment,
			      struct error *err)
{
	const struct gpu_plan *plan = setup->plan;

	if (!plan)
		return 0;
	setup->variables =
		calloc(plan->environment.count + 1, sizeof(*setup->variables));
	if (!setup->variables)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < plan->environment.count; i++)
		setup->variables[i] = plan->environment.values[i];
	setup->library_first = join_texts(&plan->library_first);
	setup->library_last = join_texts(&plan->library_last);
	if ((plan->library_first.count > 0 && !setup->library_first) ||
	    (plan->library_last.count > 0 && !setup->library_last))
		return error_set(err, -ENOMEM, "out of memory");
	environment->late = setup->variables;
	environment->library_first = setup->library_first;
	environment->library_last = setup->library_last;
	return 0;
}
