/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tag_check.h"

#include "common/error.h"
#include "common/thread.h"
#include "image/image.h"

#include <stdlib.h>

struct tag_check {
	struct image *image;
	pthread_t thread;

	/* the thread's, and the owner's once it is joined */
	int result;
	struct error err;
};

static void *run(void *arg)
{
	struct tag_check *check = arg;

	check->result = image_confirm(check->image, &check->err);
	return NULL;
}

struct tag_check *tag_check_start(struct image *image)
{
	struct tag_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	check->image = image;
	if (thread_start(&check->thread, "tag-check", run, check) == 0)
		return check;
	free(check);
	return NULL;
}

int tag_check_end(struct tag_check *check, struct error *err)
{
	int r;

	if (!check)
		return 0;
	pthread_join(check->thread, NULL);
	r = check->result;
	if (r < 0 && err)
		*err = check->err;
	free(check);
	return r;
}
