/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_ref.h"

#include "common/error.h"
#include "image/image_name.h"
#include "image/image_ref_object.h"
#include "image/image_ref_text.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define FORMS                                                                  \
	"docker://[HOST[:PORT]/]NAME[:TAG][@DIGEST], oci:DIR[:TAG], "          \
	"osdf:///NAMESPACE/PATH, https://HOST/PATH, or the path of a SIF or "  \
	"SquashFS file or of a directory"

static const char hub_name[] = "docker.io";
static const char hub_host[] = "registry-1.docker.io";

void image_ref_fini(struct image_ref *ref)
{
	free(ref->host);
	free(ref->auth_key);
	free(ref->repository);
	free(ref->path);
	free(ref->query);
	free(ref->token_name);
	free(ref->tag);
	free(ref->text);
	*ref = (struct image_ref){ 0 };
}

static bool copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

int image_ref_copy(const struct image_ref *ref, struct image_ref *ret)
{
	struct image_ref copy = {
		.kind = ref->kind,
		.has_digest = ref->has_digest,
		.digest = ref->digest,
	};

	if (!copy_text(ref->host, &copy.host) ||
	    !copy_text(ref->auth_key, &copy.auth_key) ||
	    !copy_text(ref->repository, &copy.repository) ||
	    !copy_text(ref->path, &copy.path) ||
	    !copy_text(ref->query, &copy.query) ||
	    !copy_text(ref->token_name, &copy.token_name) ||
	    !copy_text(ref->tag, &copy.tag) ||
	    !copy_text(ref->text, &copy.text)) {
		image_ref_fini(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

/* Does a name start with a host?  As distribution/reference decides it. */
static bool has_host(const char *name)
{
	static const char local[] = "localhost";
	const char *slash = strchr(name, '/');
	size_t len;

	if (!slash)
		return false;
	len = (size_t)(slash - name);
	if (len == sizeof(local) - 1 && strncmp(name, local, len) == 0)
		return true;
	return strcspn(name, ".:[ABCDEFGHIJKLMNOPQRSTUVWXYZ") < len;
}

static int take_digest(const char *text, char *rest, struct image_ref *ref,
		       struct error *err)
{
	char *at = strrchr(rest, '@');
	int r;

	if (!at)
		return 0;
	r = digest_parse(at + 1, &ref->digest, err);
	if (r < 0)
		return error_prefix(err, -EINVAL, "%.200s", text);
	ref->has_digest = true;
	*at = '\0';
	return 0;
}

static int take_tag(const char *text, char *rest, struct image_ref *ref,
		    struct error *err)
{
	char *slash = strrchr(rest, '/');
	char *colon = strchr(slash ? slash : rest, ':');

	if (!colon && ref->has_digest)
		return 0;
	if (colon && !image_name_is_tag(colon + 1))
		return error_set(err, -EINVAL,
				 "%.200s: \"%.140s\" is not a tag; a tag has 1 "
				 "to %d letters, digits, '_', '.' and '-', and "
				 "starts with none of the last two",
				 text, colon + 1, IMAGE_NAME_TAG_LEN_MAX);
	ref->tag = strdup(colon ? colon + 1 : "latest");
	if (!ref->tag)
		return -ENOMEM;
	if (colon)
		*colon = '\0';
	return 0;
}

static int take_host(const char *text, char **rest, struct image_ref *ref,
		     struct error *err)
{
	char *slash = strchr(*rest, '/');
	int r;

	if (!has_host(*rest)) {
		ref->auth_key = strdup(hub_name);
		return ref->auth_key ? 0 : -ENOMEM;
	}
	assert(slash);
	*slash = '\0';
	r = image_ref_text_check_host(text, *rest, err);
	if (r < 0)
		return r;
	ref->auth_key = strdup(strcmp(*rest, "index.docker.io") == 0 ? hub_name
								     : *rest);
	*rest = slash + 1;
	return ref->auth_key ? 0 : -ENOMEM;
}

static int set_docker_names(const char *text, const char *name,
			    struct image_ref *ref, struct error *err)
{
	bool is_hub = strcmp(ref->auth_key, hub_name) == 0;
	const char *folder = is_hub && !strchr(name, '/') ? "library/" : "";
	int r;

	if (strlen(folder) + strlen(name) > IMAGE_NAME_REPOSITORY_LEN_MAX)
		return error_set(err, -EINVAL,
				 "%.200s: the name is longer than %d "
				 "characters",
				 text, IMAGE_NAME_REPOSITORY_LEN_MAX);
	if (!image_name_is_repository(name))
		return error_set(err, -EINVAL,
				 "%.200s: \"%.200s\" is not an image name; it "
				 "has lower-case letters and digits with '.', "
				 "'_', '-' between them, in parts divided by "
				 "'/'",
				 text, name);
	r = image_ref_text_format(&ref->repository, "%s%s", folder, name);
	if (r < 0)
		return r;
	ref->host = strdup(is_hub ? hub_host : ref->auth_key);
	return ref->host ? 0 : -ENOMEM;
}

static int set_docker_text(struct image_ref *ref)
{
	char digest[DIGEST_TEXT_SIZE] = "";

	if (ref->has_digest)
		digest_format(&ref->digest, digest);
	return image_ref_text_format(
		&ref->text, "docker://%s/%s%s%s%s%s", ref->auth_key,
		ref->repository, ref->tag ? ":" : "", ref->tag ? ref->tag : "",
		ref->has_digest ? "@" : "", digest);
}

static int parse_docker(const char *text, const char *body,
			struct image_ref *ref, struct error *err)
{
	autofree char *copy = strdup(body);
	char *rest = copy;
	int r;

	if (!copy)
		return -ENOMEM;
	ref->kind = IMAGE_REF_DOCKER;
	r = take_digest(text, rest, ref, err);
	if (r == 0)
		r = take_tag(text, rest, ref, err);
	if (r == 0)
		r = take_host(text, &rest, ref, err);
	if (r == 0)
		r = set_docker_names(text, rest, ref, err);
	return r < 0 ? r : set_docker_text(ref);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Cuts ":TAG" off @path; returns the tag, or NULL when all of it is a path. */
static char *cut_layout_tag(char *path)
{
	char *colon = path + strlen(path);

	if (is_directory(path))
		return NULL;
	while ((colon = memrchr(path, ':', (size_t)(colon - path)))) {
		*colon = '\0';
		if (is_directory(path) && image_name_is_layout_tag(colon + 1))
			return colon + 1;
		*colon = ':';
	}
	colon = strrchr(path, ':');
	if (!colon || !image_name_is_tag(colon + 1))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static int parse_layout(const char *text, const char *body,
			struct image_ref *ref, struct error *err)
{
	autofree char *absolute = NULL;
	const char *tag;
	int r;

	ref->kind = IMAGE_REF_OCI_LAYOUT;
	ref->path = strdup(body);
	if (!ref->path)
		return -ENOMEM;
	tag = cut_layout_tag(ref->path);
	if (!ref->path[0])
		return error_set(err, -EINVAL,
				 "%.200s names no directory; write "
				 "oci:DIR[:TAG]",
				 text);
	if (tag) {
		ref->tag = strdup(tag);
		if (!ref->tag)
			return -ENOMEM;
	}
	r = image_ref_object_make_absolute(ref->path, &absolute);
	if (r < 0)
		return r;
	return image_ref_text_format(&ref->text, "oci:%s%s%s", absolute,
				     ref->tag ? ":" : "",
				     ref->tag ? ref->tag : "");
}

static bool is_named_like_a_file(const char *text)
{
	static const char *const ends[] = { ".sif", ".sqfs", ".squashfs" };
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > strlen(ends[i]) &&
		    strcmp(text + len - strlen(ends[i]), ends[i]) == 0)
			return !strstr(text, "://");
	return false;
}

/* A bare "debian:12" is the most frequent mistake: say what was meant. */
static int refuse(const char *text, struct error *err)
{
	struct image_ref guess CLEANUP(image_ref_fini) = { 0 };

	if (is_named_like_a_file(text))
		return error_set(err, -EINVAL,
				 "there is no file \"%.200s\" here; check the "
				 "name, and from which directory it counts",
				 text);
	if (!strstr(text, "://") && parse_docker(text, text, &guess, NULL) == 0)
		return error_set(err, -EINVAL,
				 "\"%.200s\" is not understood; did you mean "
				 "docker://%.200s? Forms: " FORMS,
				 text, text);
	return error_set(err, -EINVAL,
			 "\"%.200s\" is not understood; use " FORMS, text);
}

int image_ref_parse(const char *text, struct image_ref *ret, struct error *err)
{
	struct image_ref ref CLEANUP(image_ref_fini) = { 0 };
	const char *body;
	int r;

	if (strlen(text) > IMAGE_REF_TEXT_LEN_MAX)
		return error_set(err, -EINVAL,
				 "an image reference has at most %d "
				 "characters, not %zu",
				 IMAGE_REF_TEXT_LEN_MAX, strlen(text));
	if ((body = image_ref_text_skip(text, "docker://")))
		r = parse_docker(text, body, &ref, err);
	else if ((body = image_ref_text_skip(text, "oci://")) ||
		 (body = image_ref_text_skip(text, "oci:")))
		r = parse_layout(text, body, &ref, err);
	else if ((r = image_ref_object_parse(text, &ref, err)) ==
		 IMAGE_REF_OBJECT_OTHER)
		r = refuse(text, err);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	if (r < 0)
		return r;
	assert(ref.text);
	*ret = ref;
	ref = (struct image_ref){ 0 };
	return 0;
}

int image_ref_split_path(const char *text, char **ret_image,
			 const char **ret_path, struct error *err)
{
	const char *scheme = strstr(text, "://");
	const char *body = image_ref_text_skip(text, "oci:");
	const char *split;
	char *image;

	if (!body)
		body = image_ref_text_skip(text, "file:");
	if (scheme)
		body = scheme + 3;
	split = strstr(body ? body : text, ":/");
	image = split ? strndup(text, (size_t)(split - text)) : strdup(text);
	if (!image)
		return error_set(err, -ENOMEM, "out of memory");
	if (!image[0]) {
		free(image);
		return error_set(err, -EINVAL,
				 "\"%.200s\" names no image; write IMAGE:/PATH",
				 text);
	}
	*ret_image = image;
	*ret_path = split ? split + 1 : "/";
	return 0;
}
