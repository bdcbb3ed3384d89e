/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_opening.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/object.h"
#include "fetch/object_finder.h"
#include "fetch/object_location.h"
#include "fetch/object_source.h"
#include "fetch/pelican_object.h"
#include "fetch/pelican_url.h"

#include <errno.h>

void object_opening_stop(const struct object_opening *opening)
{
	if (opening->finder)
		object_finder_stop(opening->finder);
}

void object_opening_close(struct object_opening *opening)
{
	object_finder_destroy(opening->finder);
	pelican_object_destroy(opening->pelican);
	object_unref(opening->object);
	*opening = (struct object_opening){ 0 };
}

static int open_web(const char *url,
		    const struct object_source_options *options,
		    struct object_opening *ret, struct error *err)
{
	struct object_location location CLEANUP(object_location_fini) = { 0 };
	int r = object_location_parse(url, options->allow_http, &location, err);

	if (r < 0)
		return r;
	ret->object = object_create(options->client, location.name);
	r = ret->object ? object_add_server(ret->object, location.url, false)
			: -ENOMEM;
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int open_pelican(const char *url,
			const struct object_source_options *options,
			struct object_opening *ret, struct error *err)
{
	const struct pelican_object_options pelican_options = {
		.client = options->client,
		.allow_http = options->allow_http,
		.cache_dir_fd =
			options->cache_dir_fd > 0 ? options->cache_dir_fd : -1,
		.federation = options->federation,
		.preferred_caches = options->preferred_caches,
	};
	struct http_watch watch = { 0 };
	int r = pelican_object_create(url, &pelican_options, &ret->pelican,
				      err);

	if (r < 0)
		return r;
	ret->object = object_create(options->client,
				    pelican_object_name(ret->pelican));
	ret->finder = object_finder_create(options->client, pelican_object_find,
					   ret->pelican);
	if (!ret->object || !ret->finder)
		return error_set(err, -ENOMEM, "out of memory");
	ret->object->finder = ret->finder;
	return pelican_object_find(ret->pelican, ret->object,
				   OBJECT_WISH_SERVERS, &watch, err);
}

int object_opening_open(const char *url,
			const struct object_source_options *options,
			struct object_opening *ret, struct error *err)
{
	if (pelican_url_is_one(url))
		return open_pelican(url, options, ret, err);
	return open_web(url, options, ret, err);
}
