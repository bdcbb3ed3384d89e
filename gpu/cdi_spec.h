/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cdi_spec: one file of the Container Device Interface, checked.
 *
 * CDI 1.1.0 (github.com/cncf-tags/container-device-interface, SPEC.md): JSON,
 * or YAML of the same structure.  A field that the specification does not have
 * is refused, and so is one that is newer than the file's cdiVersion: what we
 * do not understand might be what keeps a device safe.
 *
 * Threads: any, one file each.
 */
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct error;

enum cdi_spec_format {
	CDI_SPEC_JSON,
	CDI_SPEC_YAML,
};

enum {
	CDI_SPEC_SIZE_MAX = 4 << 20, /* of a file; real ones have 20 KiB */
	CDI_SPEC_NAME_SIZE = 256,
};

struct cdi_spec {
	json_t *root; /* owned; checked: fields are there and of their kind */
	const char *kind;
};

/**
 * cdi_spec_parse() - read and check
 * @ret: started from `= { 0 }`; to cdi_spec_fini()
 *
 * Return: 0, -EBADMSG with @err saying where and what, -ENOTSUP (a version
 * that is not known), -ELIBACC (YAML, and libyaml is not installed), -ENOMEM.
 */
int cdi_spec_parse(const uint8_t *data, size_t size,
		   enum cdi_spec_format format, struct cdi_spec *ret,
		   struct error *err);
void cdi_spec_fini(struct cdi_spec *spec);

/** cdi_spec_find_device() - by its name, NULL without one; borrowed */
const json_t *cdi_spec_find_device(const struct cdi_spec *spec,
				   const char *name);
