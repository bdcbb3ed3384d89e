#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
# Fifty exec of the same cold image started at once: one download of each
# chunk, with an index in a file and without any.
. "$(dirname "$0")/lib.sh"
need umoci
# HERD_IMAGE=scipy HERD_JOB="python3 -c 'import numpy; print(1)'": by hand
NAME=${HERD_IMAGE:-tiny}
JOB=${HERD_JOB:-sha256sum /srv/random}
layout=$(image_layout "$NAME") || { echo "$layout"; exit 77; }
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/$NAME:1
COUNT=50

herd() { # ARGUMENT...: start all at once, wait, check every output
	local pids=() i
	for i in $(seq $COUNT); do
		as_user "$LAZYRUN" -q exec "$@" "$IMAGE" sh -c "$JOB" \
			>"$WORK/out.$i" 2>"$WORK/err.$i" &
		pids+=($!)
	done
	for i in $(seq $COUNT); do
		wait "${pids[$((i - 1))]}" || { fault "exec $i failed"; cat "$WORK/err.$i"; }
	done
	echo "$(grep -c 'GET .*/blobs/' "$REGISTRY_LOG") requests for blobs by $COUNT jobs"
	equal "every output is the same" 1 "$(cat "$WORK"/out.* | sort -u | wc -l)"
}

# ranges_twice: byte ranges of blobs that were served more than once
ranges_twice() {
	grep 'GET .*/blobs/' "$REGISTRY_LOG" | grep -i 'bytes' |
		python3 "$HERE/overlaps.py"
}

as_user "$LAZYRUN" -q --cache-dir "$WORK/home/other" index "$IMAGE" -o "$WORK/home/tiny.lzi" ||
	fault "index"
: >"$REGISTRY_LOG"
herd --index "$WORK/home/tiny.lzi"
equal "bytes of blobs served twice, with an index" 0 "$(ranges_twice)"

# with a profile, and an empty cache again
rm -rf "$WORK/cache/chunks"
: >"$REGISTRY_LOG"
herd --index "$WORK/home/tiny.lzi"
equal "bytes of blobs served twice, with a profile" 0 "$(ranges_twice)"

rm -rf "$WORK/cache"
user_folder "$WORK/cache"
: >"$REGISTRY_LOG"
herd
equal "bytes of blobs served twice, without an index" 0 "$(ranges_twice)"
