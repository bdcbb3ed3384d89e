/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * elf_extents: which parts of a large library or program are read when it is
 * loaded: the tables of the dynamic loader, what is relocated, and of code that
 * hardly runs then both ends.  A small one is read whole.
 *
 * Threads: any; no state.
 */
struct buffer;
struct elf_scan;

/**
 * elf_extents_add() - as facts of kind HINT_FACT_EXTENT; none: the whole file
 * @scan: of a file that is over, with a dynamic section
 *
 * Return: 0, -EFBIG (no room for more facts), -ENOMEM.
 */
int elf_extents_add(const struct elf_scan *scan, struct buffer *facts);
