/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pelican_url: the name of an object in a Pelican federation, as the reference
 * client takes them:
 *
 *	osdf:///ns/path    stash:///ns/path    osdf://ns/path (a slash
 *forgotten) pelican://FEDERATION[:PORT]/ns/path TOKEN+osdf:///ns/path	a token
 *by its name; '_' in it stands for '.'
 *	...?directread		read from the origin, past the caches
 *
 * osdf: and stash: mean the federation osg-htc.org unless another is
 * configured.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>

struct error;

enum { PELICAN_URL_LEN_MAX = 4096 };

struct pelican_url {
	/* "osg-htc.org", "host:port", or with a scheme when configured so;
	 * owned, as all that follow */
	char *federation;
	char *path;	    /* "/ns/path", clean, decoded */
	char *escaped_path; /* the same as it is put into URLs */
	char *token_name;   /* NULL: none */
	char *name;	    /* canonical: "osdf:///ns/path" of osg-htc.org,
			       else "pelican://federation/ns/path" */
	bool is_direct;
};

/** pelican_url_is_one() - whether a text has one of these schemes */
bool pelican_url_is_one(const char *text);

/**
 * pelican_url_parse() - read it
 * @federation: what osdf: means: a host, or https://HOST (http:// too, which
 *              is checked where it is used); NULL: osg-htc.org
 *
 * Paths lose empty parts, "." and ".."; "%41" is decoded.  Return: 0; -EINVAL
 * with @err saying what is wrong; -ENOMEM.
 */
int pelican_url_parse(const char *text, const char *federation,
		      struct pelican_url *ret, struct error *err);
void pelican_url_fini(struct pelican_url *url);
