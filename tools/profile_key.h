/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * profile_key: what names a command in a profile: the program, and what decides
 * which files it will read, but not what it works on.
 *
 *   /usr/bin/python3 -u tools/train.py --lr 3   python3 train.py
 *   python3 -c 'import scipy.stats'             python3 -c import scipy.stats
 *   python3 -m pip install x                    python3 -m pip
 *   samtools view in.bam                        samtools view
 *
 * That is: the base name of the first word; then, options skipped, the word
 * after -c, -m or -e, or else the base name of the first operand.  What is
 * longer than fits ends in "#" and a hash of it all.  A command without a
 * profile of its own is guessed from those of the same program
 * (fetch/profile.h), so a key that is too fine costs little.
 *
 * Threads: any; no state.
 */
#include "fetch/profile.h"

/** profile_key_format() - of an argument vector, NULL-ended, not empty */
void profile_key_format(const char *const *argv, char ret[PROFILE_KEY_SIZE]);
