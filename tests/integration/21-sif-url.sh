#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
# A SIF on a web server: how many requests, what is read again, indexes beside
# it, and what happens when it changes.
. "$(dirname "$0")/lib.sh"
need mksquashfs
SIF=$ROOT/tests/support/make_sif.py
lr() { as_user "$LAZYRUN" -q "$@"; }

www=$WORK/www
tree=$WORK/tree
mkdir -p "$www" "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp"
cp "$(command -v busybox)" "$tree/bin/busybox"
for name in sh cat true; do ln -s busybox "$tree/bin/$name"; done
head -c 20000000 /dev/urandom >"$tree/random"
seq 1 300000 >"$tree/text"
for i in $(seq 1 500); do mkdir -p "$tree/d/$i"; echo "$i" >"$tree/d/$i/f"; done
mksquashfs "$tree" "$WORK/x.sqfs" -comp zstd -noappend -quiet -no-progress -processors 2 >/dev/null
python3 "$SIF" --signature "$WORK/x.sqfs" "$www/x.sif"
size=$(stat -c %s "$www/x.sif")
chmod -R a+rX "$www"

python3 "$ROOT/tests/support/range_server.py" "$www" "$WORK/log" "$WORK/ready" &
servers+=($!)
for _ in $(seq 200); do [ -s "$WORK/ready" ] && break; sleep 0.05; done
PORT=$(cat "$WORK/ready") || skip "the web server did not start"
URL=http://127.0.0.1:$PORT/x.sif
bytes() { awk '{s += $5} END {print s + 0}' "$WORK/log"; }

# before the first file can be opened: a few requests, the tables, no data
: >"$WORK/log"
equal "ls" "$(ls "$tree")" "$(lr ls --cache-dir "$WORK/home/c1" "$URL")"
at_most "requests before the first file" 8 "$(wc -l <"$WORK/log")"

# a first start: a small part of the file
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$WORK/home/statistics"; }
counted() { rm -f "$WORK/home/statistics"; lr exec --statistics "$WORK/home/statistics" "$@"; }
: >"$WORK/log"
equal "exec" hello "$(counted "$URL" sh -c 'echo hello')"
at_most "requests of a first start" 20 "$(wc -l <"$WORK/log")"
equal "HTTP requests counted of a first start" "$(wc -l <"$WORK/log")" "$(number http_requests)"
at_most "FUSE requests of a first start" 60 "$(number fuse_requests)"
at_most "bytes of a first start" $((size / 5)) "$(bytes)"
equal "the whole is never asked for" 0 "$(grep -c 'GET /x.sif - ' "$WORK/log")"

# the same again: nothing; after the time of a tag: who it is, and no more
: >"$WORK/log"
equal "exec again" hello "$(counted "$URL" sh -c 'echo hello')"
equal "requests of a second start" 0 "$(wc -l <"$WORK/log")"
at_most "FUSE requests of a second start" 60 "$(number fuse_requests)"
# and with its native files
export LAZYRUN_HOT_TREE=auto HOT=$LAZYRUN_CACHEDIR/hot
equal "exec with profile" hello "$(counted "$URL" sh -c 'echo hello')"
learned "a start of a SIF"
: >"$WORK/log"
equal "exec from a hot tree" hello "$(counted "$URL" sh -c 'echo hello')"
equal "requests of a start from a hot tree" 0 "$(wc -l <"$WORK/log")"
if grep -q '"hot_tree":"whole"' "$WORK/home/statistics"; then
	at_most "FUSE requests of a start from a hot tree" 40 "$(number fuse_requests)"
fi
export LAZYRUN_HOT_TREE=off
equal "exec later" hello "$(lr exec --tag-ttl 0 "$URL" sh -c 'echo hello')"
at_most "bytes to know it again" 100 "$(bytes)"

equal "cat" "$(sha256sum <"$tree/text")" "$(lr cat "$URL:/text" | sha256sum)"
contains "inspect" "without digests" "$(lr inspect "$URL")"
contains "inspect" "signature" "$(lr inspect "$URL")"

# an index with digests, beside it
lr index "$URL" -o "$WORK/home/x.lzi" || fault "index of a URL"
cp "$WORK/home/x.lzi" "$www/x.sif.lzi"
chmod a+r "$www/x.sif.lzi"
new=(--cache-dir "$WORK/home/c2")
contains "an index beside a URL is found" "every one with a SHA-256" "$(lr inspect "${new[@]}" "$URL")"
equal "exec with it" hello "$(lr exec "${new[@]}" "$URL" sh -c 'echo hello')"
: >"$WORK/log"
equal "exec with it again" hello "$(lr exec "${new[@]}" "$URL" sh -c 'echo hello')"
equal "requests of a start with it" 0 "$(wc -l <"$WORK/log")"
contains "verify with it" "matches its digest" "$(as_user "$LAZYRUN" verify "${new[@]}" "$URL" 2>/dev/null)"
contains "--local-index leaves it" "without digests" \
	"$(lr inspect --cache-dir "$WORK/home/c3" --local-index "$URL"; lr ls --cache-dir "$WORK/home/c3" --local-index "$URL" >/dev/null; lr inspect --cache-dir "$WORK/home/c3" --local-index "$URL")"

# one that was made of a copy of the file, under another name
cp "$www/x.sif" "$WORK/home/copy.sif"
lr index "$WORK/home/copy.sif" -o "$WORK/home/copy.lzi" || fault "index of a copy"
mkdir -p "$WORK/dir/127.0.0.1:$PORT"
cp "$WORK/home/copy.lzi" "$WORK/dir/127.0.0.1:$PORT/x.sif.lzi"
equal "an index of a copy" hello "$(lr exec --cache-dir "$WORK/home/c4" --index-dir "$WORK/dir" "$URL" sh -c 'echo hello')"
contains "an index of a copy" "every one with a SHA-256" \
	"$(lr inspect --cache-dir "$WORK/home/c4" --index-dir "$WORK/dir" "$URL")"

# it changes: the index beside it is of another version
python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[-1] ^= 1; open(sys.argv[1], "wb").write(d)' "$www/x.sif"
touch -d '+5 seconds' "$www/x.sif"
out=$(lr ls --tag-ttl 0 "${new[@]}" "$URL" 2>&1) && fault "a changed object was taken for the indexed one"
contains "a changed object" "changed since it was indexed" "$out"
rm "$www/x.sif.lzi"
equal "without the index the new one runs" hello "$(lr exec --tag-ttl 0 "${new[@]}" "$URL" sh -c 'echo hello')"

# no such object, and what is no image
out=$(lr ls "http://127.0.0.1:$PORT/none.sif" 2>&1) && fault "no such object"
contains "no such object" "none.sif" "$out"
echo text >"$www/text.sif"
out=$(lr ls "http://127.0.0.1:$PORT/text.sif" 2>&1) && fault "a text"
contains "a text" "neither a SIF nor a SquashFS" "$out"
head -c 300000 "$www/x.sif" >"$www/cut.sif"
out=$(lr ls "http://127.0.0.1:$PORT/cut.sif" 2>&1) && fault "a cut SIF"
contains "a cut SIF" "truncated" "$out"
