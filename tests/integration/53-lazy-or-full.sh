#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# A job that reads many files over a long link, one round trip after the other:
# the rest of the layer comes as a stream; with --lazy-only it does not.  One
# that reads a few is left alone.
. "$(dirname "$0")/lib.sh"
need umoci
need cc
[ "$(id -u)" = 0 ] || skip "network namespaces by name need root"
[ -c /dev/net/tun ] || skip "this machine has no TUN"
unset LAZYRUN_LAZY_ONLY
tiny=$(image_layout tiny) || { echo "$tiny"; exit 77; }
LINK=test$$
export LINK
SH=$ROOT/bench/link.sh
trap '"$SH" down; finish' EXIT

# 400 files of 120 kB that do not compress, each in a chunk or two of its own
cp -a "$tiny" "$WORK/many"
python3 - <<'PY' | umoci raw add-layer --image "$WORK/many:1" /dev/stdin || fault "add-layer"
import io, random, sys, tarfile
source = random.Random(1)
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as out:
    for number in range(400):
        info = tarfile.TarInfo(f"many/{number}")
        info.size = 120000
        out.addfile(info, io.BytesIO(source.randbytes(info.size)))
PY
chmod -R a+rX "$WORK/many"
lr() { "$SH" exec near "${AS_USER[@]}" "$LAZYRUN" -q --insecure exec --profile=off \
	--index "$WORK/home/many.lzi" --statistics "$WORK/home/statistics" "$@"; }
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$WORK/home/statistics" | tail -n 1; }
as_user "$LAZYRUN" -q --cache-dir "$WORK/home/other" index "oci:$WORK/many:1" -o "$WORK/home/many.lzi" ||
	fault "index"

"$SH" up 100 1000 || { fault "link.sh up"; exit 1; }
"$SH" exec far "$LAZYRUN" serve "$WORK/many" --listen 10.77.0.2:21701 >"$WORK/serve.out" 2>&1 &
servers+=($!)
wait_for "the registry" grep -q 'http://' "$WORK/serve.out"
IMAGE=docker://10.77.0.2:21701/many:1
# every file, in an order that no read-ahead follows
script='i=0; while [ $i -lt COUNT ]; do cat /many/$((i * 149 % 400)); i=$((i + 1)); done | sha256sum'
expected=$(python3 - <<'PY'
import hashlib, random
source = random.Random(1)
files = [source.randbytes(120000) for _ in range(400)]
print(hashlib.sha256(b"".join(files[i * 149 % 400] for i in range(400))).hexdigest() + "  -")
PY
)
equal "what is read" "$expected" "$(lr "$IMAGE" sh -c "${script/COUNT/400}")"
[ "$(number chunks_streamed)" -gt 50 ] || fault "streamed: $(number chunks_streamed) chunks"
at_most "ranges, of some 400 chunks" 200 "$(number ranges_fetched)"
at_most "bytes fetched, % of the image" 115 \
	"$(awk -v a="$(number bytes_fetched)" -v b="$(number image_bytes)" 'BEGIN {print 100 * a / b}')"

rm -rf "$WORK/cache"/*
lr "$IMAGE" sh -c "${script/COUNT/4}" >/dev/null || fault "a few"
equal "streamed for a job that reads a few" 0 "$(number chunks_streamed)"
rm -rf "$WORK/cache"/*
lr --lazy-only "$IMAGE" sh -c "${script/COUNT/60}" >/dev/null || fault "--lazy-only"
equal "streamed with --lazy-only" 0 "$(number chunks_streamed)"
