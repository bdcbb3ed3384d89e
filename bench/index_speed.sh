#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# index_speed.sh: how long `lazyrun index` and `soci create` take over the same
# image, on the same cores, in turn; how large what they make is.
#
#   index_speed.sh [-i IMAGES] [-n RUNS] [-o FILE]
#
#   -i "scipy torch-cuda"  images (scipy), made by bench/make_image.sh when missing
#   -n 3                   runs of each
#   -o FILE                append the table there too
#
# Neither fetches anything: lazyrun reads an OCI layout, SOCI the content store of
# its containerd, into which the image was fetched before; both from memory once
# read.  SOCI begins each time with an empty store of its own, or it would find the
# tables that it has made.  STARTUP_DATA, LAZYRUN, PEERS, INSID as in startup.sh.
# Root.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
DATA=${STARTUP_DATA:-/var/tmp/lazyrun-startup}
IMAGES=scipy RUNS=3 TABLE=/dev/null
export LINK=${LINK:-index-speed}
NEAR=$LINK-near
FAR_IP=10.77.0.2
REGISTRY=$FAR_IP:5000

die() { echo "index_speed.sh: $*" >&2; exit 1; }
. "$HERE/servers.sh"
. "$HERE/startup_tools.sh"

while getopts i:n:o:h option; do
	case $option in
	i) IMAGES=$OPTARG ;;
	n) RUNS=$OPTARG ;;
	o) TABLE=$OPTARG ;;
	*) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
	esac
done

OUT=$DATA/index-speed # the daemons' logs
finish() {
	tools_down
	servers_down
	"$HERE/link.sh" down
	rm -rf "$OUT"
}

now_us() { date +%s%6N; }

# soci_create IMAGE: its tables, in $SID_WORK/soci-store
soci_create() {
	in_sid unshare -m sh -c 'rm -rf "$1" && mkdir -p "$1" "$2" && mount --bind "$1" "$2" &&
		shift 2 && exec "$@"' x "$SID_WORK/soci-store" /var/lib/soci-snapshotter-grpc \
		soci -a "$SID_WORK/ctd/containerd.sock" create "$REGISTRY/$1:1" >/dev/null
}

# row IMAGE: measures it, in turn; a row of the table
row() {
	local run start
	start_containerd || die "no containerd: $OUT/logs"
	in_sid $CTR content fetch "$REGISTRY/$1:1" >/dev/null 2>&1 || die "$1 cannot be fetched"
	: >"$OUT/times"
	for run in $(seq "$RUNS"); do
		start=$(now_us)
		"$LAZYRUN" -q --json --cache-dir "$OUT/cache" index \
			"oci:$DATA/layouts/$1:1" -o "$OUT/index.lzi" >"$OUT/json" || die "no index of $1"
		echo "lazyrun $(($(now_us) - start))" >>"$OUT/times"
		start=$(now_us)
		soci_create "$1" || die "SOCI makes no index of $1"
		echo "soci $(($(now_us) - start))" >>"$OUT/times"
	done
	python3 - "$1" "$OUT" "$(du -sb "$PEERS/sid$SID_WORK/soci-store/content/blobs" | cut -f 1)" <<'PY'
import json, pathlib, statistics, sys
image, out, soci_bytes = sys.argv[1:]
j = json.load(open(out + "/json"))
times = {"lazyrun": [], "soci": []}
for line in pathlib.Path(out, "times").read_text().splitlines():
    times[line.split()[0]].append(int(line.split()[1]) / 1e6)
cell = lambda t: f"{statistics.median(t):.2f} ({min(t):.2f} to {max(t):.2f})"
ratio = statistics.median(s / l for l, s in zip(times["lazyrun"], times["soci"]))
print(f"| {image} | {len(times['soci'])} | {j['image_bytes'] / 1e6:.1f} | {cell(times['lazyrun'])} | {cell(times['soci'])} "
      f"| {ratio:.1f} | {j['index_bytes'] / 1e6:.1f} | {int(soci_bytes) / 1e6:.1f} |")
PY
	stop_containerd
}

[ "$(id -u)" = 0 ] || die "needs root: network namespaces, SOCI's daemon"
[ -x "$LAZYRUN" ] || die "no lazyrun at $LAZYRUN (set LAZYRUN)"
[ -z "$(missing_soci)" ] || die "$(missing_soci)"
mkdir -p "$DATA/registry" "$DATA/layouts" "$OUT/logs"
trap finish EXIT
trap 'exit 130' INT TERM
for image in $IMAGES; do
	bash "$HERE/make_image.sh" "$image" "$DATA/layouts" || die "no image $image"
	python3 "$HERE/registry_tree.py" "$DATA/registry" "$DATA/layouts/$image"
done
make_certificates "$FAR_IP"
"$HERE/link.sh" down
"$HERE/link.sh" up 0 0 || die "no link"
start_registry "$LINK-far" nginx
wait_for_server "$NEAR" "https://$REGISTRY/v2/"
tools_up
{
	printf '\n%s cores (%s), load %s, lazyrun %s, SOCI %s, %s\n\n' "$(nproc)" \
		"$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(cut -d' ' -f1 /proc/loadavg)" \
		"$(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || "$LAZYRUN" version)" \
		"$(in_sid soci --version | sed 's/.* //')" "$(date -u +%F)"
	echo '| image | runs | stored MB | lazyrun index s | soci create s | SOCI over lazyrun, in turn | index MB | SOCI'"'"'s MB |'
	echo '|---|---|---|---|---|---|---|---|'
} | tee -a "$TABLE"
for image in $IMAGES; do row "$image" | tee -a "$TABLE"; done
