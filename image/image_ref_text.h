/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_ref_text: what the parsers of references (image_ref.c, and
 * image_ref_object.c for objects) do with text alike.
 *
 * Threads: any; no shared state.
 */
struct error;

/**
 * image_ref_text_format() - printf to memory
 * @ret: malloc'ed; NULL on failure
 *
 * Return: 0, -ENOMEM.
 */
int image_ref_text_format(char **ret, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** image_ref_text_skip() - @text behind @prefix, borrowed; NULL: no such start
 */
const char *image_ref_text_skip(const char *text, const char *prefix);

/**
 * image_ref_text_check_host() - image_name_is_host(), or say what is wrong
 * @text: the whole reference, for the message
 *
 * Return: 0, -EINVAL.
 */
int image_ref_text_check_host(const char *text, const char *host,
			      struct error *err);
