/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_ref: how a user names an image, parsed.
 *
 *	docker://[HOST[:PORT]/]NAME[:TAG][@DIGEST]
 *	oci:DIR[:TAG]          (also oci://DIR)
 *	file:PATH              (also file:///PATH; or the bare PATH, which must
 *	                       exist or start with "/", "./" or "../")
 *	http://HOST[:PORT]/PATH[?QUERY], https://...
 *	osdf:///NS/PATH        (also osdf://NS/PATH, stash://...)
 *	pelican://FEDERATION[:PORT]/NS/PATH
 *
 * A token's name and '+' may precede the last two: TOKEN+osdf:///NS/PATH.
 * PATH names a directory, which is the image's root itself, or a regular file,
 * whose content says what it is (SIF or SquashFS).
 *
 * DIR may itself hold colons: the longest existing directory is taken, and
 * without one the last colon that a tag can follow.
 *
 * Docker Hub's defaults as docker, podman and skopeo have them
 * (distribution/reference): host docker.io when the first component has no
 * '.' or ':' and is not "localhost"; "library/" before a bare name; tag
 * "latest" when neither tag nor digest is given.
 *
 * Threads: any; no shared state.
 */
#include "common/cleanup.h"
#include "common/digest.h"

#include <stdbool.h>

struct error;

enum { IMAGE_REF_TEXT_LEN_MAX = 4096 + 512 };

enum image_ref_kind {
	IMAGE_REF_DOCKER,
	IMAGE_REF_OCI_LAYOUT,
	IMAGE_REF_FILE,	     /* anything but a directory, or nothing yet */
	IMAGE_REF_DIRECTORY, /* the image's root itself */
	IMAGE_REF_URL,	     /* http or https; the URL is the text */
	IMAGE_REF_OSDF,	     /* an object of a Pelican federation */
};

struct image_ref {
	enum image_ref_kind kind;
	char *host;	  /* docker: API host, "registry-1.docker.io" for Hub;
			     URL: host[:port]; osdf: the federation's
			     host[:port], NULL for the OSDF itself */
	char *auth_key;	  /* docker: name in credential files, "docker.io" */
	char *repository; /* docker: "library/debian" */
	char *path;	  /* oci: the directory; file, directory: absolute;
			     osdf: "/NS/PATH", still with its %XX */
	char *query;	  /* osdf: what stands behind '?', else NULL */
	char *token_name; /* osdf: "TOKEN" of TOKEN+osdf:, else NULL */
	char *tag;	  /* NULL when named by digest alone; oci: NULL when
			     the layout is to hold one image only */
	bool has_digest;
	struct digest digest;
	char *text; /* canonical form, for people and cache keys; an
		       oci: or file: path is absolute in it, a URL's host is
		       lower case and its fragment gone */
};

/**
 * image_ref_parse() - parse what the user wrote
 * @ret: image_ref_fini() releases it; untouched on failure
 *
 * Return: 0; -EINVAL with @err saying what is wrong and which forms are
 * understood; -ENOMEM.
 */
int image_ref_parse(const char *text, struct image_ref *ret, struct error *err);
void image_ref_fini(struct image_ref *ref);

/** image_ref_copy() - 0, -ENOMEM; image_ref_fini() releases @ret */
int image_ref_copy(const struct image_ref *ref, struct image_ref *ret);

/**
 * image_ref_split_path() - "docker://host/name:tag:/path" for ls and cat
 * @ret_image: malloc'ed; the part before the first ":/" behind the scheme
 * @ret_path:  points into @text; "/" when there is none
 *
 * Return: 0; -EINVAL (nothing before the path); -ENOMEM.
 */
int image_ref_split_path(const char *text, char **ret_image,
			 const char **ret_path, struct error *err);
