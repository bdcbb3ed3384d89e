/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * python_image: an image with a Python as Debian has it, for tests of hints.
 *
 * /usr/bin/python3.11 (an ELF file that needs libz.so.1), a shell /usr/bin/sh,
 * a standard library of os, json and encodings (with a compiled __init__), and
 * a package "pkg" in dist-packages whose modules import one another.
 *
 * Threads: one.
 */
struct index_maker;

/** python_image_add() - to the current layer */
void python_image_add(struct index_maker *maker);
