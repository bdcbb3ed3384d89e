/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * curl_library: libcurl, loaded when the network is first needed.
 *
 * Threads: any.
 */
#include "common/shared_library.h"

#include <curl/curl.h>

struct error;

/* What fetch/ uses. */
#define CURL_LIBRARY_FUNCTIONS(X)                                              \
	X(curl_easy_cleanup)                                                   \
	X(curl_easy_getinfo)                                                   \
	X(curl_easy_init)                                                      \
	X(curl_easy_reset)                                                     \
	X(curl_easy_setopt)                                                    \
	X(curl_free)                                                           \
	X(curl_global_init)                                                    \
	X(curl_multi_add_handle)                                               \
	X(curl_multi_cleanup)                                                  \
	X(curl_multi_info_read)                                                \
	X(curl_multi_init)                                                     \
	X(curl_multi_perform)                                                  \
	X(curl_multi_poll)                                                     \
	X(curl_multi_remove_handle)                                            \
	X(curl_multi_setopt)                                                   \
	X(curl_multi_wakeup)                                                   \
	X(curl_share_cleanup)                                                  \
	X(curl_share_init)                                                     \
	X(curl_share_setopt)                                                   \
	X(curl_slist_append)                                                   \
	X(curl_slist_free_all)                                                 \
	X(curl_url)                                                            \
	X(curl_url_cleanup)                                                    \
	X(curl_url_get)                                                        \
	X(curl_url_set)

struct curl_library {
	CURL_LIBRARY_FUNCTIONS(SHARED_LIBRARY_MEMBER)
};

/**
 * curl_library_load() - load libcurl unless that is done
 * @ret: valid until the process ends
 *
 * Return: 0, -ELIBACC (as shared_library_load()).
 */
int curl_library_load(const struct curl_library **ret, struct error *err);

/*
 * curl_easy_setopt() and curl_easy_getinfo() through the table.  curl.h makes
 * both macros that check the type of the value against the option and then
 * call a function of the same name: here that is a variable.
 */
#define CURL_LIBRARY_CHECKED(library, name, call)                              \
	__extension__({                                                        \
		_Pragma("GCC diagnostic push");                                \
		_Pragma("GCC diagnostic ignored \"-Wshadow\"");                \
		__typeof__(name) *name = (library)->name;                      \
		_Pragma("GCC diagnostic pop");                                 \
		call;                                                          \
	})
#define CURL_LIBRARY_SETOPT(library, easy, option, value)                      \
	CURL_LIBRARY_CHECKED(library, curl_easy_setopt,                        \
			     curl_easy_setopt(easy, option, value))
#define CURL_LIBRARY_GETINFO(library, easy, info, ret)                         \
	CURL_LIBRARY_CHECKED(library, curl_easy_getinfo,                       \
			     curl_easy_getinfo(easy, info, ret))
