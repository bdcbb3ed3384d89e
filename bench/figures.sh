#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# figures.sh [WHAT...]: the figures of docs/figures.md, measured here and now.
#
#   index     size of the index, of what a mount needs of it; time against
#             `igzip -dc` of the same layers; resident memory
#   start     exec IMAGE true against bwrap on the unpacked directory, medians
#             of 20, in turn
#   scipy     cold and warm `import scipy.stats`: bytes, requests
#   memory    the server's private memory while the whole image is read by tar
#   identity  the mounted tree against umoci's, for every image
#
# LAYOUTS: OCI layouts, tag 1 (default: those that tests/integration/
# make_image.sh makes in build-tests/images).  Run as root: jobs run as an
# ordinary user.  Every figure is printed with its conditions.
set -euo pipefail
cd "$(dirname "$0")/.."
LAZYRUN=${LAZYRUN:-$PWD/build-tests/release/tools/lazyrun}
IMAGES=${IMAGES:-$PWD/build-tests/images}
LAYOUTS=${LAYOUTS:-$IMAGES/tiny $IMAGES/base $IMAGES/scipy $IMAGES/torch}
WORK=$(mktemp -d /tmp/lazyrun-figures.XXXXXX)
chmod 755 "$WORK"
RUNS=${RUNS:-20}
trap 'kill $(jobs -p) 2>/dev/null; umount -l "$WORK/m" 2>/dev/null; rm -rf "$WORK"' EXIT
[ -c /dev/fuse ] && chmod 666 /dev/fuse
mkdir -p "$WORK/home" "$WORK/cache" "$WORK/m"
chown 1234:1234 "$WORK/home" "$WORK/cache"

as_user() {
	setpriv --reuid=1234 --regid=1234 --clear-groups --inh-caps=-all \
		env HOME="$WORK/home" LAZYRUN_CACHEDIR="$WORK/cache" "$@"
}
fresh_cache() {
	rm -rf "$WORK/cache"
	mkdir "$WORK/cache"
	chown 1234:1234 "$WORK/cache"
}
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
now_us() { date +%s%6N; }
conditions() {
	printf '(%s cores, %s, Linux %s, load %s, %s)\n' "$(nproc)" \
		"$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
		"$(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)" "$(date -u +%F)"
}

# layer_files LAYOUT: the layers' blobs, lowest first
layer_files() {
	python3 - "$1" <<'PY'
import json, sys
root = sys.argv[1]
blob = lambda d: root + "/blobs/" + d.replace(":", "/")
index = json.load(open(root + "/index.json"))
for layer in json.load(open(blob(index["manifests"][0]["digest"])))["layers"]:
    print(blob(layer["digest"]))
PY
}

figure_index() {
	echo; echo "## Index: size, time, memory"; conditions
	echo '| image | stored MB | files | index % | to mount % | bytes a file | index s | igzip -dc s | ratio | RSS MB |'
	echo '|---|---|---|---|---|---|---|---|---|---|'
	local layout i start rounds
	for layout in $LAYOUTS; do
		[ -d "$layout" ] || continue
		# both read from memory; what takes a moment only is measured more often
		rounds=3
		[ "$(layer_files "$layout" | xargs cat | wc -c)" -gt 100000000 ] || rounds=15
		layer_files "$layout" >"$WORK/layers"
		: >"$WORK/lazyrun.s"; : >"$WORK/igzip.s"
		for i in $(seq $rounds); do
			start=$(now_us)
			/usr/bin/time -f '%M' -o "$WORK/time" "$LAZYRUN" -q --json \
				--cache-dir "$WORK/index-cache" index "oci:$layout:1" \
				-o "$WORK/x.lzi" >"$WORK/json"
			echo "$(($(now_us) - start)) $(cat "$WORK/time")" >>"$WORK/lazyrun.s"
			start=$(now_us)
			xargs -n 1 igzip -dc <"$WORK/layers" >/dev/null
			echo $(($(now_us) - start)) >>"$WORK/igzip.s"
		done
		python3 - "$layout" "$WORK" <<'PY'
import json, statistics, sys
layout, work = sys.argv[1:]
j = json.load(open(work + "/json"))
rows = [line.split() for line in open(work + "/lazyrun.s")]
ours = statistics.median(float(r[0]) for r in rows) / 1e6
theirs = statistics.median(float(line) for line in open(work + "/igzip.s")) / 1e6
rss = max(int(r[1]) for r in rows) / 1024
stored = j["image_bytes"]
print(f"| {layout.rsplit('/', 1)[-1]} | {stored / 1e6:.1f} | {j['inodes']} "
      f"| {100 * j['index_bytes'] / stored:.3f} | {100 * j['mount_bytes'] / stored:.3f} "
      f"| {j['mount_bytes'] / j['inodes']:.1f} | {ours:.2f} | {theirs:.2f} "
      f"| {ours / theirs if theirs else 0:.2f} | {rss:.0f} |")
PY
	done
}

figure_start() {
	echo; echo "## exec IMAGE true against bwrap, medians of $RUNS, in turn"; conditions
	local layout image i start
	for layout in $LAYOUTS; do
		[ -d "$layout" ] || continue
		case $layout in */tiny | */base) ;; *) continue ;; esac
		rm -rf "$WORK/bundle"
		umoci unpack --image "$layout:1" "$WORK/bundle" >/dev/null
		chmod 755 "$WORK/bundle" "$WORK/bundle/rootfs"
		fresh_cache
		as_user "$LAZYRUN" -q index "oci:$layout:1"
		image=oci:$layout:1
		as_user "$LAZYRUN" exec --no-home "$image" true
		: >"$WORK/a"; : >"$WORK/b"; : >"$WORK/e"
		for i in $(seq "$RUNS"); do
			start=$(now_us)
			as_user bwrap --ro-bind "$WORK/bundle/rootfs" / --dev-bind /dev /dev \
				--proc /proc --bind /tmp /tmp true
			echo $(($(now_us) - start)) >>"$WORK/b"
			start=$(now_us)
			as_user "$LAZYRUN" exec --no-home "$image" true
			echo $(($(now_us) - start)) >>"$WORK/a"
			start=$(now_us)
			as_user true
			echo $(($(now_us) - start)) >>"$WORK/e"
		done
		echo "${layout##*/}: lazyrun $(median <"$WORK/a") us, bwrap $(median <"$WORK/b") us," \
			"of which starting as the user $(median <"$WORK/e") us;" \
			"lazyrun - bwrap = $((($(median <"$WORK/a") - $(median <"$WORK/b")) / 100)) x 0.1 ms"
	done
}

serve() {
	"$LAZYRUN" serve "$1" --listen 127.0.0.1:0 --log "$WORK/registry.log" >"$WORK/serve.out" &
	for _ in $(seq 100); do
		grep -q http:// "$WORK/serve.out" && break
		sleep 0.1
	done
	[ -s "$WORK/serve.out" ] || { echo "the registry did not start"; exit 1; }
	PORT=$(sed -n 's#.*http://127\.0\.0\.1:\([0-9]*\).*#\1#p' "$WORK/serve.out" | head -n 1)
}

figure_scipy() {
	echo; echo "## import scipy.stats from a registry on loopback"; conditions
	local layout run
	for layout in $LAYOUTS; do
		case $layout in */scipy) ;; *) continue ;; esac
		serve "$layout"
		fresh_cache
		as_user "$LAZYRUN" --cache-dir "$WORK/home/other" -q index \
			"docker://127.0.0.1:$PORT/scipy:1" -o "$WORK/home/scipy.lzi"
		for run in cold profile warm; do
			: >"$WORK/registry.log"
			[ $run != profile ] || rm -rf "$WORK/cache/chunks"
			rm -f "$WORK/home/statistics"
			as_user "$LAZYRUN" exec --index "$WORK/home/scipy.lzi" --no-home \
				--statistics "$WORK/home/statistics" --pwd / \
				"docker://127.0.0.1:$PORT/scipy:1" \
				python3 -c 'import scipy.stats'
			python3 - "$WORK/home/statistics" $run "$(grep -c /blobs/ "$WORK/registry.log")" "$WORK/registry.log" <<'PY'
import json, re, sys
s = json.load(open(sys.argv[1]))
# the fewest ranges that a client which knew all beforehand would need
runs, end = 0, None
for blob, start, stop in sorted(
        (m[1], int(m[2]), int(m[3])) for m in re.finditer(
            r"/blobs/(\S+) .*?bytes=(\d+)-(\d+)", open(sys.argv[4]).read())):
    if end is None or blob != end[0] or start > end[1] + 1:
        runs += 1
    end = (blob, stop)
print(f"{sys.argv[2]}: {s['bytes_fetched'] / 1e6:.1f} MB of {s['image_bytes'] / 1e6:.1f} "
      f"({100 * s['bytes_fetched'] / s['image_bytes']:.2f} %) in {s['ranges_fetched']} ranges "
      f"(limit bytes/1 MiB + 20 = {s['bytes_fetched'] / 1048576 + 20:.0f}), "
      f"{s['http_requests']} HTTP requests, {s['bytes_touched'] / 1e6:.1f} MB touched, "
      f"blob requests in the registry's log {sys.argv[3]}, {s['chunks_fetched']} chunks, "
      f"{s['fuse_requests']} FUSE requests, {s['ended_ms']:.0f} ms; "
      f"with perfect foresight {runs} ranges")
PY
		done
		kill %% && wait %% 2>/dev/null || true
	done
}

figure_memory() {
	echo; echo "## the server's private memory while tar reads everything"; conditions
	local layout pid peak private
	for layout in $LAYOUTS; do
		case $layout in */scipy | */torch*) ;; *) continue ;; esac
		fresh_cache
		LAZYRUN_CACHEDIR=$WORK/root-cache "$LAZYRUN" -q index "oci:$layout:1"
		LAZYRUN_CACHEDIR=$WORK/root-cache "$LAZYRUN" -q mount --hot-tree=off --foreground "oci:$layout:1" "$WORK/m" &
		pid=$!
		for _ in $(seq 600); do
			mountpoint -q "$WORK/m" && break
			sleep 0.1
		done
		tar -C "$WORK/m" --one-file-system -cf - . | cat >/dev/null &
		local tar=$! start=$SECONDS
		peak=0
		while kill -0 $tar 2>/dev/null; do
			private=$(awk '/^Private_(Clean|Dirty)/ {s += $2} END {print s}' /proc/$pid/smaps_rollup 2>/dev/null || echo 0)
			[ "${private:-0}" -gt $peak ] && peak=$private
			sleep 0.2
		done
		echo "${layout##*/}: peak private memory $((peak / 1024)) MiB, read in $((SECONDS - start)) s"
		umount "$WORK/m"
		wait $pid || true
	done
}

figure_identity() {
	echo; echo "## identity with umoci"; conditions
	local layout
	for layout in $LAYOUTS; do
		[ -d "$layout" ] || continue
		rm -rf "$WORK/bundle"
		umoci unpack --image "$layout:1" "$WORK/bundle" >/dev/null
		LAZYRUN_CACHEDIR=$WORK/root-cache "$LAZYRUN" -q mount --hot-tree=off "oci:$layout:1" "$WORK/m"
		printf '%s: ' "${layout##*/}"
		python3 tests/integration/compare_trees.py "$WORK/bundle/rootfs" "$WORK/m" | tail -n 3
		"$LAZYRUN" umount "$WORK/m"
	done
}

[ $# -gt 0 ] || set -- index start scipy memory identity
for what in "$@"; do "figure_$what"; done
