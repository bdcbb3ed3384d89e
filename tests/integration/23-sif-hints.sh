#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# Hints of a SIF: an index made by reading it has them, the same to the byte
# however it was read, and a first start with them waits for fewer requests.
. "$(dirname "$0")/lib.sh"
need mksquashfs
need ldd
export LAZYRUN_HOT_TREE=off
lr() { as_user "$LAZYRUN" -q "$@"; }
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$2"; }

# this machine's Python, as far as a small import needs it, among other files
www=$WORK/www
tree=$WORK/tree
[ -x /usr/bin/python3 ] || skip "no /usr/bin/python3"
python=$(readlink -f /usr/bin/python3)
library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
mkdir -p "$www" "$tree"/{bin,dev,proc,sys,tmp,etc,data} "$tree/$library" "$tree$(dirname "$python")"
cp "$python" "$tree$python"
for f in $(ldd "$python" | grep -o '/[^ ]*'); do
	mkdir -p "$tree$(dirname "$f")"
	cp -L "$f" "$tree$f"
done
(cd "$library" && tar cf - --exclude=test --exclude=tests --exclude='config-*' --exclude=dist-packages \
	--exclude=site-packages --exclude=idlelib --exclude=lib2to3 --exclude=ensurepip .) | tar xf - -C "$tree/$library"
head -c 20000000 /dev/urandom >"$tree/data/random"
mksquashfs "$tree" "$WORK/x.sqfs" -comp zstd -b 32K -noappend -quiet -no-progress -processors 2 >/dev/null
python3 "$ROOT/tests/support/make_sif.py" "$WORK/x.sqfs" "$www/x.sif"
chmod -R a+rX "$www"
python3 "$ROOT/tests/support/range_server.py" "$www" "$WORK/log" "$WORK/ready" 20 &
servers+=($!)
wait_for "the web server" test -s "$WORK/ready"
URL=http://127.0.0.1:$(cat "$WORK/ready")/x.sif

# hints are there; from the file, over the network, with one core or all
lr index "$www/x.sif" -o "$WORK/home/file.lzi" || fault "index of a file"
lr index "$URL" -o "$WORK/home/url.lzi" || fault "index of a URL"
as_user taskset -c 0 "$LAZYRUN" -q index --cache-dir "$WORK/home/one" "$URL" -o "$WORK/home/one.lzi" ||
	fault "index with one core"
check "over the network with one core the same" cmp "$WORK/home/url.lzi" "$WORK/home/one.lzi"
hints() { lr inspect --cache-dir "$WORK/home/inspect" --index "$2" "$1" | grep '^hints'; }
contains "an index has hints" "naming" "$(hints "$URL" "$WORK/home/url.lzi")"
equal "those of the file are the same" "$(hints "$URL" "$WORK/home/url.lzi")" \
	"$(hints "$www/x.sif" "$WORK/home/file.lzi")"
equal "the tables alone have none" 0 "$(lr inspect --cache-dir "$WORK/home/tables" "$URL" | grep -c naming)"

# found beside the object, a start waits for fewer requests
cp "$WORK/home/url.lzi" "$www/x.sif.lzi"
chmod a+r "$www/x.sif.lzi"
start() { # FILE [OPTION...]: a first start, its statistics in FILE
	rm -rf "$WORK/home/cold"
	rm -f "$WORK/home/statistics"
	equal "import ${*:2}" '{"a": 1}' "$(lr exec --cache-dir "$WORK/home/cold" --profile=off --no-home --pwd / \
		--statistics "$WORK/home/statistics" "${@:2}" "$URL" \
		"$python" -I -c 'import json, decimal, email.message, http.client; print(json.dumps({"a": 1}))')"
	mv "$WORK/home/statistics" "$1"
}
start "$WORK/without" --hints=off
start "$WORK/with"
equal "hints are off" 0 "$(number hint_wanted "$WORK/without")"
at_most "percent of the hinted chunks that were not read" 25 \
	"$((100 - 100 * $(number hint_used "$WORK/with") / $(number hint_wanted "$WORK/with")))"
# those that nothing but a reader's miss asked for
at_most "requests that a reader waits for, against $(number ranges_fetched "$WORK/without") without hints" \
	"$(($(number ranges_fetched "$WORK/without") * 3 / 4))" \
	"$(($(number ranges_fetched "$WORK/with") - $(number hint_ranges "$WORK/with")))"
