/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * htcondor_ad: the little of HTCondor's ClassAds that a file transfer plugin
 * needs: lists of "[ Url = "..."; LocalFileName = "..." ]", and the strings of
 * a job's ad ("Name = "..."" lines).
 *
 * Other values (numbers, lists, expressions) are passed over.
 *
 * Threads: any.
 */
#include <stddef.h>

struct error;

/* One file to transfer. */
struct htcondor_ad {
	char *url;	  /* malloc'ed; NULL: it has none */
	char *local_name; /* LocalFileName; malloc'ed; NULL: it has none */
	size_t off;	  /* of the ad's own text, from "[" to "]" */
	size_t size;
};

enum {
	HTCONDOR_AD_FOUND = 0,
	HTCONDOR_AD_END = 1,
};

/**
 * htcondor_ad_next() - the ad at *@cursor, which moves behind it
 * @text: NUL-ended
 * @ret:  htcondor_ad_fini() after HTCONDOR_AD_FOUND
 *
 * Return: HTCONDOR_AD_FOUND, HTCONDOR_AD_END, -EPROTO (not such a list),
 * -ENOMEM.
 */
int htcondor_ad_next(const char *text, size_t *cursor, struct htcondor_ad *ret,
		     struct error *err);
void htcondor_ad_fini(struct htcondor_ad *ad);

/** htcondor_ad_find_string() - the value of a "Name = "..."" line, malloc'ed;
 * names are the same in any case.  NULL without one, or without memory */
char *htcondor_ad_find_string(const char *text, const char *name);

/** htcondor_ad_quote() - a string as ClassAds write it, malloc'ed; NULL: no
 * memory */
char *htcondor_ad_quote(const char *text);
