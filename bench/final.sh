#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# final.sh [-o DIR]: the figures that docs/figures.md quotes first, in 12 minutes at
# most: scipy and torch-cuda at 20 ms and 1 Gbit/s by lazyrun with and without a
# profile, warm, SOCI, podman, Apptainer, and natively.
#
# First, once: startup.sh prepare -i "scipy torch-cuda" (images, SIFs, indexes).
# The cheap ones run several times, in turn; podman and Apptainer, which fetch
# everything, once.  Variables are startup.sh's.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
exec "$HERE/startup.sh" -i "scipy torch-cuda" -l 20:1000 -n 3 -s 700 -k \
	-t "lazyrun-profile lazyrun soci lazyrun-warm bwrap-warm apptainer-sif-warm
	apptainer-sif=1 podman=1 lazyrun-pull=1 lazyrun-no-index=1" "$@"
