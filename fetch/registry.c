/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry.h"

#include "common/clock.h"
#include "common/completion.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/registry_auth.h"
#include "fetch/registry_blob.h"
#include "fetch/registry_request.h"
#include "fetch/registry_endpoint.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_MS_DEFAULT = 60000,
	REFERENCE_LEN_MAX = 256,
	SMALL_ANSWER_SIZE_MAX = 64 << 10,
	UPLOAD_BYTES_PER_MS = 32, /* at least; more time for what is larger */
};

/* All that lazyrun reads; an old registry answers 404 to an OCI manifest when
 * its type is not named. */
static const char manifest_types[] =
	"application/vnd.oci.image.index.v1+json, "
	"application/vnd.oci.image.manifest.v1+json, "
	"application/vnd.docker.distribution.manifest.list.v2+json, "
	"application/vnd.docker.distribution.manifest.v2+json";

struct registry {
	struct registry_endpoint *endpoint;
	int64_t timeout_ms;
};

int registry_create(struct http_client *client,
		    const struct registry_options *options,
		    struct registry **ret, struct error *err)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	int r;

	assert(options->timeout_ms >= 0);
	if (!registry)
		return error_set(err, -ENOMEM, "out of memory");
	r = registry_endpoint_create(client, options, &registry->endpoint, err);
	if (r < 0) {
		free(registry);
		return r;
	}
	registry->timeout_ms =
		options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
	*ret = registry;
	return 0;
}

void registry_destroy(struct registry *registry)
{
	if (!registry)
		return;
	registry_auth_stop(registry->endpoint->auth);
	registry_endpoint_unref(registry->endpoint);
	free(registry);
}

/* ---- a request, waited for ---- */

struct answer {
	struct completion call;
	struct registry_manifest manifest; /* once the call has ended well */
	char *location;			   /* of an upload; malloc'ed */
	bool is_listed;			   /* OCI-Subject */
};

static void take_answer(void *arg, int result, struct http_response *response,
			const struct error *err)
{
	struct answer *answer = arg;
	struct registry_manifest *manifest = &answer->manifest;

	if (result == 0) {
		manifest->bytes = response->body;
		manifest->size = response->body_size;
		response->body = NULL;
		snprintf(manifest->media_type, sizeof(manifest->media_type),
			 "%s",
			 response->content_type ? response->content_type : "");
		if (response->location)
			answer->location = strdup(response->location);
		answer->is_listed =
			http_response_find_header(response, "OCI-Subject", 0);
	}
	completion_end(&answer->call, result, err);
}

/* After it, well or not, the answer is the caller's: free what it holds. */
static int call(struct registry *registry, struct registry_request_spec *spec,
		struct answer *answer, struct error *err)
{
	int r;

	spec->deadline_ms = clock_ms() + registry->timeout_ms +
			    (int64_t)(spec->upload_size / UPLOAD_BYTES_PER_MS);
	completion_init(&answer->call);
	r = registry_request_start(registry->endpoint, spec, take_answer,
				   answer);
	if (r < 0)
		error_set_errno(err, r, "cannot start a request");
	else
		r = completion_wait(&answer->call, err);
	completion_fini(&answer->call);
	return r;
}

static int fetch_whole(struct registry *registry,
		       struct registry_request_spec *spec,
		       struct registry_manifest *ret, struct error *err)
{
	struct answer answer = { 0 };
	int r = call(registry, spec, &answer, err);

	free(answer.location);
	if (r < 0)
		return r;
	*ret = answer.manifest;
	digest_compute(ret->bytes, ret->size, &ret->digest);
	return 0;
}

/* ---- manifests and blobs ---- */

static bool is_reference(const char *reference)
{
	if (!*reference || strlen(reference) > REFERENCE_LEN_MAX)
		return false;
	for (const char *p = reference; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-:+", *p))
			return false;
	return true;
}

static int check_digest(const struct registry *registry,
			const struct digest *wanted, const struct digest *have,
			struct error *err)
{
	char text[DIGEST_TEXT_SIZE];

	if (digest_equal(wanted, have))
		return 0;
	digest_format(wanted, text);
	return error_set(err, -EBADMSG,
			 "%s/%s@%s: the registry sent other bytes than this "
			 "digest names; nothing of it is used",
			 registry->endpoint->host,
			 registry->endpoint->repository, text);
}

int registry_fetch_manifest(struct registry *registry, const char *reference,
			    struct registry_manifest *ret, struct error *err)
{
	struct registry_request_spec spec = {
		.kind = "manifests",
		.reference = reference,
		.accept = manifest_types,
		.body_size_max = REGISTRY_MANIFEST_SIZE_MAX,
	};
	struct registry_manifest manifest = { 0 };
	bool is_digest = strchr(reference, ':');
	struct digest wanted;
	int r;

	if (!is_reference(reference))
		return error_set(err, -EINVAL,
				 "\"%.100s\" is neither a tag nor a digest",
				 reference);
	r = is_digest ? digest_parse(reference, &wanted, err) : 0;
	if (r < 0)
		return r;
	r = fetch_whole(registry, &spec, &manifest, err);
	if (r < 0)
		return r;
	if (is_digest)
		r = check_digest(registry, &wanted, &manifest.digest, err);
	if (r < 0)
		free(manifest.bytes);
	else
		*ret = manifest;
	return r;
}

int registry_fetch_blob(struct registry *registry, const struct digest *digest,
			uint64_t size, uint8_t **ret, struct error *err)
{
	char reference[DIGEST_TEXT_SIZE];
	struct registry_request_spec spec = {
		.kind = "blobs",
		.reference = reference,
		.body_size_max = (size_t)size,
	};
	struct registry_manifest blob = { 0 };
	int r;

	digest_format(digest, reference);
	if (size > REGISTRY_SMALL_BLOB_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "%s: %" PRIu64 " bytes are too many to be "
				 "read whole",
				 reference, size);
	r = fetch_whole(registry, &spec, &blob, err);
	if (r < 0)
		return r;
	r = check_digest(registry, digest, &blob.digest, err);
	if (r == 0 && blob.size != size)
		r = error_set(err, -EBADMSG,
			      "%s: %zu bytes where the manifest says %" PRIu64,
			      reference, blob.size, size);
	if (r < 0)
		free(blob.bytes);
	else
		*ret = blob.bytes;
	return r;
}

int registry_open_blob(struct registry *registry, const struct digest *digest,
		       uint64_t size, struct range_source **ret,
		       struct error *err)
{
	struct range_source *source =
		registry_blob_create(registry->endpoint, digest, size);

	if (!source)
		return error_set(err, -ENOMEM, "out of memory");
	*ret = source;
	return 0;
}

/* ---- uploads (OCI distribution-spec v1.1, "Push") ---- */

/* A request whose answer's body nobody wants. */
static int send(struct registry *registry, struct registry_request_spec *spec,
		char **ret_location, bool *ret_is_listed, struct error *err)
{
	struct answer answer = { 0 };
	int r;

	spec->body_size_max = SMALL_ANSWER_SIZE_MAX;
	spec->keeps_headers = true;
	r = call(registry, spec, &answer, err);
	free(answer.manifest.bytes);
	if (r == 0 && ret_is_listed)
		*ret_is_listed = answer.is_listed;
	if (r == 0 && ret_location)
		*ret_location = STEAL_PTR(answer.location);
	free(answer.location);
	return r;
}

int registry_has_blob(struct registry *registry, const struct digest *digest,
		      struct error *err)
{
	char reference[DIGEST_TEXT_SIZE];
	struct registry_request_spec spec = {
		.method = HTTP_HEAD,
		.kind = "blobs",
		.reference = reference,
	};
	int r;

	digest_format(digest, reference);
	r = send(registry, &spec, NULL, NULL, err);
	if (r != -ENOENT)
		return r < 0 ? r : 1;
	if (err)
		*err = (struct error){ 0 };
	return 0;
}

/* Where the bytes of a new blob go; malloc'ed. */
static int open_upload(struct registry *registry, const struct digest *digest,
		       char **ret_url, struct error *err)
{
	struct registry_request_spec spec = {
		.method = HTTP_POST,
		.kind = "blobs/uploads",
		.reference = "",
	};
	autofree char *location = NULL;
	char text[DIGEST_TEXT_SIZE];
	int r = send(registry, &spec, &location, NULL, err);

	if (r < 0)
		return r;
	if (!location)
		return error_set(err, -EPROTO,
				 "%s does not say where to upload to",
				 registry->endpoint->host);
	digest_format(digest, text);
	if (asprintf(ret_url, "%s%cdigest=%s", location,
		     strchr(location, '?') ? '&' : '?', text) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

int registry_push_blob(struct registry *registry, const struct digest *digest,
		       const void *data, size_t size, struct error *err)
{
	struct registry_request_spec spec = {
		.method = HTTP_PUT,
		.reference = "",
		.upload = data,
		.upload_size = size,
		.content_type = "application/octet-stream",
	};
	autofree char *url = NULL;
	int r = registry_has_blob(registry, digest, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = open_upload(registry, digest, &url, err);
	if (r < 0)
		return r;
	spec.url = url;
	return send(registry, &spec, NULL, NULL, err);
}

int registry_push_manifest(struct registry *registry, const char *reference,
			   const char *media_type, const void *data,
			   size_t size, struct error *err)
{
	struct registry_request_spec spec = {
		.method = HTTP_PUT,
		.kind = "manifests",
		.reference = reference,
		.upload = data,
		.upload_size = size,
		.content_type = media_type,
	};
	bool is_listed = false;
	int r;

	assert(is_reference(reference));
	r = send(registry, &spec, NULL, &is_listed, err);
	if (r < 0)
		return r;
	return is_listed ? REGISTRY_PUSHED_LISTED : REGISTRY_PUSHED;
}

/* ---- referrers ---- */

void registry_format_referrers_tag(const struct digest *subject,
				   char ret[DIGEST_TEXT_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_format_hex(subject, hex);
	snprintf(ret, DIGEST_TEXT_SIZE, "sha256-%s", hex);
}

int registry_fetch_referrers(struct registry *registry,
			     const struct digest *subject,
			     struct registry_manifest *ret, struct error *err)
{
	char digest[DIGEST_TEXT_SIZE];
	char tag[DIGEST_TEXT_SIZE];
	struct registry_request_spec spec = {
		.kind = "referrers",
		.reference = digest,
		.accept = manifest_types,
		.body_size_max = REGISTRY_MANIFEST_SIZE_MAX,
	};
	int r;

	digest_format(subject, digest);
	r = fetch_whole(registry, &spec, ret, err);
	if (r != -ENOENT)
		return r;
	if (err)
		*err = (struct error){ 0 };
	registry_format_referrers_tag(subject, tag);
	return registry_fetch_manifest(registry, tag, ret, err);
}
