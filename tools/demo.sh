#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo.sh: the main job, on a fresh machine.
#
# Installs what is missing, builds lazyrun, makes a real image (Debian with
# Python and scipy), serves it from the embedded registry on loopback, and runs
# `python3 -c "import scipy.stats"` from it, lazily, as an ordinary user; then
# says what was fetched.  Everything lands in DEMO_DIR.
set -eu
cd "$(dirname "$0")/.."
. tools/reach.sh
reach tools/demo.sh "$@"
DEMO_DIR=${DEMO_DIR:-$PWD/build-demo}
BUILD=${BUILD:-$PWD/build}
JOB='import scipy.stats; print("scipy.stats says:", round(scipy.stats.norm.cdf(1.96), 4))'

say() { printf '\n== %s\n' "$*"; }
now_ms() { date +%s%3N; }

say "what is needed"
sh tools/install-deps.sh build demo

say "building lazyrun"
[ -f "$BUILD/build.ninja" ] ||
	meson setup "$BUILD" -Dunit_tests=disabled --buildtype=release >/dev/null
ninja -C "$BUILD" --quiet tools/lazyrun
LAZYRUN=$BUILD/tools/lazyrun
mkdir -p "$DEMO_DIR"
chmod 755 "$DEMO_DIR"

# A layout whose tag is there is whole: umoci writes it last.
if ! umoci ls --layout "$DEMO_DIR/scipy" 2>/dev/null | grep -q '^1$'; then
	say "making the image: Debian with Python and scipy (a minute or two)"
	rm -rf "$DEMO_DIR/scipy" "$DEMO_DIR/rootfs.tar"
	mmdebstrap --quiet --variant=minbase --include=python3,python3-scipy \
		bookworm "$DEMO_DIR/rootfs.tar"
	umoci init --layout "$DEMO_DIR/scipy"
	umoci new --image "$DEMO_DIR/scipy:1"
	umoci raw add-layer --image "$DEMO_DIR/scipy:1" "$DEMO_DIR/rootfs.tar"
	umoci config --image "$DEMO_DIR/scipy:1" --config.cmd python3 \
		--config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	umoci gc --layout "$DEMO_DIR/scipy"
	rm -f "$DEMO_DIR/rootfs.tar"
fi

say "serving it"
"$LAZYRUN" serve "$DEMO_DIR/scipy" --listen 127.0.0.1:0 --log "$DEMO_DIR/registry.log" \
	>"$DEMO_DIR/serve.out" &
SERVER=$!
trap 'kill "$SERVER" 2>/dev/null; wait "$SERVER" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
	grep -q 'http://' "$DEMO_DIR/serve.out" && break
	sleep 0.1
done
PORT=$(sed -n 's#.*http://127\.0\.0\.1:\([0-9]*\).*#\1#p' "$DEMO_DIR/serve.out" | head -n 1)
IMAGE=docker://127.0.0.1:$PORT/scipy:1
cat "$DEMO_DIR/serve.out"

# The product runs as an ordinary user; so does the demo, even from root.
CACHE=$DEMO_DIR/cache
rm -rf "$CACHE" "$DEMO_DIR/statistics"
mkdir -p "$CACHE"
as_user=
if [ "$(id -u)" = 0 ]; then
	[ ! -w /dev/fuse ] || chmod 666 /dev/fuse # as distributions have it
	touch "$DEMO_DIR/statistics"
	chown -R 65534:65534 "$CACHE" "$DEMO_DIR/statistics"
	as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
export LAZYRUN_CACHEDIR="$CACHE" HOME=/tmp

say "indexing the image, once (anybody may do that, anywhere)"
# The index goes to a file, so that the runs below fetch what they touch.
"$LAZYRUN" --cache-dir "$DEMO_DIR/index-cache" index "$IMAGE" -o "$DEMO_DIR/scipy.lzi"
chmod 644 "$DEMO_DIR/scipy.lzi"

run_job() {
	start=$(now_ms)
	$as_user "$LAZYRUN" exec --index "$DEMO_DIR/scipy.lzi" \
		--statistics "$DEMO_DIR/statistics" --no-home --pwd / "$IMAGE" \
		python3 -c "$JOB"
	echo "$1: $(($(now_ms) - start)) ms"
}

say "first run: nothing is cached"
run_job cold
say "second run: from this node's cache"
run_job warm

say "what was fetched"
field() { sed -n "$1s/.*\"$2\":\([0-9.]*\).*/\1/p" "$DEMO_DIR/statistics"; }
total=$(field 1 image_bytes)
for n in 1 2; do
	bytes=$(field $n bytes_fetched)
	printf 'run %d: %s of %s bytes (%d.%d %%) in %s requests\n' "$n" \
		"$bytes" "$total" $((bytes * 100 / total)) \
		$((bytes * 1000 / total % 10)) "$(field $n ranges_fetched)"
done
