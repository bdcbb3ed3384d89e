#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# large_sif.sh IN.sif OUT.sif [GB]: a SIF of at least so many GB (5): the file
# system of IN.sif with files of random bytes added by mksquashfs (so that it has
# one more directory, /padding), in a SIF of tests/support/make_sif.py.
#
# LAZYRUN (build-tests/release/tools/lazyrun) tells where IN.sif's partition lies.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
IN=${1:?a SIF} OUT=${2:?the SIF to make} GB=${3:-5}
work=$(mktemp -d "$(dirname "$OUT")/large-sif.XXXXXX")
trap 'rm -rf "$work"' EXIT
off=$("$LAZYRUN" -q inspect --cache-dir "$work/cache" --json "$IN" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["object"]["image_off"])')
tail -c +$((off + 1)) "$IN" >"$work/x.sqfs"
missing=$((GB * 1000000000 - $(stat -c %s "$work/x.sqfs")))
mkdir -p "$work/add/padding"
for ((i = 0; missing > 0; i++, missing -= 50000000)); do
	openssl enc -aes-128-ctr -pass "pass:$i" -nosalt -pbkdf2 </dev/zero 2>/dev/null |
		head -c 50000000 >"$work/add/padding/$i" || true
done
[ "$i" = 0 ] || mksquashfs "$work/add" "$work/x.sqfs" -no-progress -quiet -all-root >/dev/null
python3 "$ROOT/tests/support/make_sif.py" "$work/x.sqfs" "$OUT"
stat -c '%n: %s bytes' "$OUT"
