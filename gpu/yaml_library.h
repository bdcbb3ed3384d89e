/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * yaml_library: libyaml, loaded when a CDI file in YAML is first read.
 *
 * Threads: any.
 */
#include "common/shared_library.h"

#include <yaml.h>

struct error;

/* What gpu/ uses. */
#define YAML_LIBRARY_FUNCTIONS(X)                                              \
	X(yaml_event_delete)                                                   \
	X(yaml_parser_delete)                                                  \
	X(yaml_parser_initialize)                                              \
	X(yaml_parser_parse)                                                   \
	X(yaml_parser_set_input_string)

struct yaml_library {
	YAML_LIBRARY_FUNCTIONS(SHARED_LIBRARY_MEMBER)
};

/**
 * yaml_library_load() - load libyaml unless that is done
 * @ret: valid until the process ends
 *
 * Return: 0, -ELIBACC (as shared_library_load()).
 */
int yaml_library_load(const struct yaml_library **ret, struct error *err);
