/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * doctor_gpu: what of a GPU's driver is on this host.
 *
 * Threads: one at a time.
 */
struct doctor_report;

/**
 * doctor_gpu_check() - NVIDIA, AMD and CDI files
 * @driver_root: NULL: "/"
 * @host_root:   of CDI files; NULL: "/"
 */
void doctor_gpu_check(struct doctor_report *report, const char *driver_root,
		      const char *host_root);
