/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/registry_answer.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "image/json_reader.h"
#include "image/manifest.h"
#include "image/oci_layout.h"
#include "tools/range_header.h"
#include "tools/registry_catalog.h"
#include "tools/registry_list.h"
#include "tools/registry_referrers.h"
#include "tools/registry_route.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char no_repository[] = "no repository of this name";

void registry_answer_fini(struct registry_answer *answer)
{
	free(answer->body);
	if (answer->fd >= 0)
		close(answer->fd);
	answer->body = NULL;
	answer->fd = -1;
}

static void set_type(struct registry_answer *answer, const char *type)
{
	snprintf(answer->content_type, sizeof(answer->content_type), "%s",
		 type);
}

/* Takes @json; NULL stands for memory that ran out. */
static void set_json(struct registry_answer *answer, unsigned status,
		     json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	assert(answer->fd < 0);
	free(answer->body);
	answer->body = text;
	answer->size = text ? strlen(text) : 0;
	answer->status = text ? status : 500;
	set_type(answer, "application/json");
}

void registry_answer_refuse(struct registry_answer *answer, unsigned status,
			    const char *code, const char *message)
{
	static const char fmt[] = "{s:[{s:s,s:s}]}";
	json_t *json =
		json_pack(fmt, "errors", "code", code, "message", message);

	/* a message may quote bytes of the request that are not UTF-8 */
	if (!json)
		json = json_pack(fmt, "errors", "code", code, "message", "");
	set_json(answer, status, json);
}

/* What is absent is the client's mistake; the rest is for the server's owner,
 * and paths are nobody else's business. */
static void refuse_error(struct registry_answer *answer, int code,
			 const char *absent_code, const char *absent_message,
			 const struct error *err)
{
	static struct log_rate rate;

	if (code == -ENOENT || code == -ENOTDIR) {
		registry_answer_refuse(answer, 404, absent_code,
				       absent_message);
		return;
	}
	if (log_rate_allows(&rate, 5))
		log_event(LOG_WARN, "serve", "err=%s text=\"%s\"",
			  log_errno_name(code), err->text);
	registry_answer_refuse(answer, 500, "UNKNOWN",
			       "the layout cannot be read; the server's owner "
			       "finds more in its messages");
}

static bool open_layout(const struct registry_catalog *catalog,
			const char *name, struct oci_layout **ret,
			struct registry_answer *answer)
{
	const char *path = registry_catalog_find(catalog, name);
	struct error err = { 0 };
	int r;

	if (!path) {
		registry_answer_refuse(answer, 404, "NAME_UNKNOWN",
				       no_repository);
		return false;
	}
	r = oci_layout_open(path, ret, &err);
	if (r < 0)
		refuse_error(answer, r, "NAME_UNKNOWN", no_repository, &err);
	return r == 0;
}

static bool parse_digest(const char *text, struct digest *ret,
			 struct registry_answer *answer)
{
	struct error err = { 0 };

	if (digest_parse(text, ret, &err) == 0)
		return true;
	registry_answer_refuse(answer, 400, "DIGEST_INVALID", err.text);
	return false;
}

static int find_tag(const struct oci_layout *layout, const char *tag,
		    struct digest *ret, struct error *err)
{
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	const struct oci_layout_entry *entry = NULL;
	int r = oci_layout_load_index(layout, &index, err);

	if (r == 0)
		r = oci_layout_find_entry(&index, tag, &entry, err);
	if (r == 0)
		*ret = entry->descriptor.digest;
	return r;
}

/* What a manifest says it is, or what its fields make it; "" when it is
 * neither a manifest nor an index. */
static void find_manifest_type(const void *json, size_t size,
			       char ret[REGISTRY_ANSWER_TYPE_SIZE])
{
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	const char *type = NULL;

	ret[0] = '\0';
	if (json_reader_parse(json, size, MANIFEST_SIZE_MAX, "manifest", &root,
			      NULL) < 0 ||
	    json_reader_get_text(root, "mediaType", &type, NULL) < 0)
		return;
	if (!type && json_object_get(root, "manifests"))
		type = "application/vnd.oci.image.index.v1+json";
	if (!type && json_object_get(root, "layers"))
		type = "application/vnd.oci.image.manifest.v1+json";
	if (type && (descriptor_is_index_type(type) ||
		     descriptor_is_manifest_type(type)))
		snprintf(ret, REGISTRY_ANSWER_TYPE_SIZE, "%s", type);
}

static void answer_manifest(const struct oci_layout *layout,
			    const char *reference,
			    struct registry_answer *answer)
{
	struct error err = { 0 };
	struct digest digest;
	uint8_t *bytes = NULL;
	size_t size = 0;
	int r = 0;

	if (strchr(reference, ':')) {
		if (!parse_digest(reference, &digest, answer))
			return;
	} else {
		r = find_tag(layout, reference, &digest, &err);
	}
	if (r == 0)
		r = oci_layout_load_blob(layout, &digest, MANIFEST_SIZE_MAX,
					 &bytes, &size, &err);
	/* a blob that is too large is a layer */
	if (r < 0) {
		refuse_error(answer, r == -EFBIG ? -ENOENT : r,
			     "MANIFEST_UNKNOWN", "no such manifest", &err);
		return;
	}
	find_manifest_type(bytes, size, answer->content_type);
	if (!answer->content_type[0]) {
		free(bytes);
		registry_answer_refuse(answer, 404, "MANIFEST_UNKNOWN",
				       "the blob is not a manifest");
		return;
	}
	digest_format(&digest, answer->digest);
	answer->status = 200;
	answer->body = (char *)bytes;
	answer->size = size;
}

/* If-Range with our ETag, or without one, lets Range count. */
static bool range_applies(const struct registry_request *request,
			  const char *digest)
{
	char etag[DIGEST_TEXT_SIZE + 2];

	if (!request->if_range)
		return true;
	snprintf(etag, sizeof(etag), "\"%s\"", digest);
	return strcmp(request->if_range, etag) == 0;
}

static void answer_blob(const struct oci_layout *layout,
			const struct registry_request *request,
			const char *reference, struct registry_answer *answer)
{
	enum range_header_kind kind = RANGE_HEADER_WHOLE;
	struct error err = { 0 };
	struct digest digest;
	autoclose int fd = -1;
	int r;

	if (!parse_digest(reference, &digest, answer))
		return;
	r = oci_layout_open_file(layout, &digest, &fd, &answer->total, &err);
	if (r < 0) {
		refuse_error(answer, r, "BLOB_UNKNOWN", "no such blob", &err);
		return;
	}
	digest_format(&digest, answer->digest);
	answer->size = answer->total;
	if (range_applies(request, answer->digest))
		kind = range_header_parse(request->range, answer->total,
					  &answer->off, &answer->size);
	if (kind == RANGE_HEADER_UNSATISFIABLE) {
		registry_answer_refuse(answer, 416, "RANGE_INVALID",
				       "the range begins past the blob's end");
		return;
	}
	answer->status = kind == RANGE_HEADER_PART ? 206 : 200;
	set_type(answer, "application/octet-stream");
	answer->fd = STEAL_FD(fd);
}

static void answer_catalog(const struct registry_catalog *catalog,
			   const struct registry_request *request,
			   struct registry_answer *answer)
{
	json_t *list = registry_list_repositories(
		catalog, request, answer->link, sizeof(answer->link));

	set_json(answer, 200, json_pack("{s:o}", "repositories", list));
}

static void answer_tags(const struct oci_layout *layout,
			const struct registry_request *request,
			const char *name, struct registry_answer *answer)
{
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	struct error err = { 0 };
	json_t *list;
	int r = oci_layout_load_index(layout, &index, &err);

	if (r < 0) {
		refuse_error(answer, r, "NAME_UNKNOWN", no_repository, &err);
		return;
	}
	list = registry_list_tags(&index, request, name, answer->link,
				  sizeof(answer->link));
	set_json(answer, 200,
		 json_pack("{s:s,s:o}", "name", name, "tags", list));
}

static void answer_referrers(const struct oci_layout *layout,
			     const struct registry_request *request,
			     const char *reference,
			     struct registry_answer *answer)
{
	struct error err = { 0 };
	struct digest digest;
	json_t *index = NULL;
	int r;

	if (!parse_digest(reference, &digest, answer))
		return;
	r = registry_referrers_load(layout, &digest, request->artifact_type,
				    &index, &err);
	if (r < 0) {
		refuse_error(answer, r, "NAME_UNKNOWN", no_repository, &err);
		return;
	}
	set_json(answer, 200, index);
	set_type(answer, "application/vnd.oci.image.index.v1+json");
	answer->is_filtered = request->artifact_type != NULL;
}

static void answer_repository(const struct registry_catalog *catalog,
			      const struct registry_request *request,
			      const struct registry_route *route,
			      struct registry_answer *answer)
{
	CLEANUP(oci_layout_closep) struct oci_layout *layout = NULL;

	if (!open_layout(catalog, route->name, &layout, answer))
		return;
	if (route->kind == REGISTRY_ROUTE_MANIFEST)
		answer_manifest(layout, route->reference, answer);
	else if (route->kind == REGISTRY_ROUTE_BLOB)
		answer_blob(layout, request, route->reference, answer);
	else if (route->kind == REGISTRY_ROUTE_TAGS)
		answer_tags(layout, request, route->name, answer);
	else
		answer_referrers(layout, request, route->reference, answer);
}

void registry_answer_make(const struct registry_catalog *catalog,
			  const struct registry_request *request,
			  struct registry_answer *ret)
{
	struct registry_route route;

	*ret = (struct registry_answer){ .fd = -1 };
	registry_route_parse(request->path, &route);
	if (route.kind == REGISTRY_ROUTE_UNKNOWN)
		registry_answer_refuse(ret, 404, "UNSUPPORTED",
				       "not a path of the registry API");
	else if (route.kind == REGISTRY_ROUTE_BASE)
		set_json(ret, 200, json_object());
	else if (route.kind == REGISTRY_ROUTE_CATALOG)
		answer_catalog(catalog, request, ret);
	else
		answer_repository(catalog, request, &route, ret);
	assert(ret->status >= 200 && ret->status < 600);
}
