#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# matrix.sh [OPTION...]: is a lazy start ever slower than our own full fetch?
#
# startup.sh over RTT 0, 20, 80 ms x 50, 1000 Mbit/s and a line without limits,
# with lazyrun (profile, no profile) and `lazyrun pull` followed by exec: the table
# "Lazy against a full fetch" of results.md, which may nowhere exceed 1.1.
# OPTIONs are startup.sh's (-i IMAGES, -n RUNS, -s SECONDS, -o DIR ...); one link
# at a time: matrix.sh -l 80:50.
HERE=$(cd "$(dirname "$0")" && pwd)
exec "$HERE/startup.sh" -n 3 \
	-l "0:0 0:1000 20:1000 80:1000 0:50 20:50 80:50" \
	-t "lazyrun lazyrun-profile lazyrun-pull bwrap-warm" "$@"
