/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cdi_yaml: a YAML document as the JSON it stands for.
 *
 * nvidia-ctk writes its CDI files in YAML.  libyaml is loaded when the first
 * of them is read.  One document; plain scalars are numbers, booleans and
 * null as in YAML 1.2's core schema, everything else texts.  Anchors, aliases
 * and tags are refused: no CDI file has them, and they let a small file stand
 * for a huge one.
 *
 * Threads: any, one document each.
 */
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct error;

enum {
	CDI_YAML_DEPTH_MAX = 32,      /* CDI's own is 7 */
	CDI_YAML_NODES_MAX = 1 << 18, /* of a document */
};

/**
 * cdi_yaml_load() - parse
 * @ret: a new reference
 *
 * Return: 0, -EBADMSG (with the line), -ELIBACC (no libyaml), -ENOMEM.
 */
int cdi_yaml_load(const uint8_t *data, size_t size, json_t **ret,
		  struct error *err);
