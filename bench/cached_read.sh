#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cached_read.sh: a large cached file read from end to end: through FUSE, by
# bench/fs_baseline.c (the least a FUSE server can do), and natively; in turn.
#
#   cached_read.sh [-m MIB] [-n RUNS] [-r "READERS..."] [-p] [-c]
#
#   -m 1024       size of the file
#   -n 5          runs of each
#   -r "1 4"      readers at once, each of a part of its own
#   -p            and through a mount that has a hot tree, by passthrough
#                 (docs/filesystem.md), with its speed as a part of native's
#   -c            with the page cache dropped before each
#
# Prints medians of MB/s, and of the server's CPU milliseconds: on a busy
# machine these say more than times.  LAZYRUN and BASELINE name the programs
# (those of build/, or of tests/run.sh's build-tests/release/).  Root; data, 3.2
# GB of it, in CACHED_READ_DATA (/var/tmp/lazyrun-read).
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$ROOT/build
[ -x "$BUILD/bench/fs_baseline" ] || BUILD=$ROOT/build-tests/release
LAZYRUN=${LAZYRUN:-$BUILD/tools/lazyrun}
BASELINE=${BASELINE:-$BUILD/bench/fs_baseline}
for program in "$LAZYRUN" "$BASELINE"; do
	[ -x "$program" ] || {
		echo "cached_read.sh: no $program: build it (meson setup build" \
			"--buildtype=release && ninja -C build), or set LAZYRUN and BASELINE" >&2
		exit 1
	}
done
DATA=${CACHED_READ_DATA:-/var/tmp/lazyrun-read}
MIB=1024 RUNS=5 READERS="1 4" PASSED="" COLD=""
while getopts m:n:r:pc option; do
	case $option in
	m) MIB=$OPTARG ;;
	n) RUNS=$OPTARG ;;
	r) READERS=$OPTARG ;;
	p) PASSED=yes ;;
	c) COLD=yes ;;
	*) exit 2 ;;
	esac
done
mkdir -p "$DATA/lazyrun" "$DATA/baseline" "$DATA/native"
trap 'umount -l "$DATA/lazyrun" "$DATA/baseline" 2>/dev/null; kill $(jobs -p) 2>/dev/null' EXIT

# An image of one file, half of it incompressible, in one gzip layer.
if [ ! -f "$DATA/image-$MIB/index.json" ]; then
	python3 - "$DATA/image-$MIB" "$MIB" "$DATA/native/data-$MIB" <<'PY'
import gzip, hashlib, io, json, os, random, sys, tarfile
root, mib, native = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.makedirs(root + "/blobs/sha256", exist_ok=True)
noise = random.Random(1).randbytes(2 << 20)
with open(native, "wb") as f:
    for i in range(mib):
        off = i * 7919 % (1 << 20)
        f.write(noise[off:off + (1 << 19)] + bytes([i % 251]) * (1 << 19))
def put(data):
    digest = hashlib.sha256(data).hexdigest()
    with open(f"{root}/blobs/sha256/{digest}", "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}
raw, layer = hashlib.sha256(), io.BytesIO()
class Tee:
    def __init__(self): self.gz = gzip.GzipFile(fileobj=layer, mode="wb", compresslevel=1, mtime=0)
    def write(self, data): raw.update(data); return self.gz.write(data)
tee = Tee()
with tarfile.open(fileobj=tee, mode="w|") as tar:
    tar.add(native, "data")
tee.gz.close()
kind = "application/vnd.oci.image."
config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
    "type": "layers", "diff_ids": ["sha256:" + raw.hexdigest()]}}).encode())
manifest = put(json.dumps({"schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
    "config": {"mediaType": kind + "config.v1+json", **config},
    "layers": [{"mediaType": kind + "layer.v1.tar+gzip", **put(layer.getvalue())}]}).encode())
with open(root + "/oci-layout", "w") as f:
    f.write('{"imageLayoutVersion":"1.0.0"}')
with open(root + "/index.json", "w") as f:
    json.dump({"schemaVersion": 2, "manifests": [{"mediaType": kind + "manifest.v1+json", **manifest,
        "annotations": {"org.opencontainers.image.ref.name": "1"}}]}, f)
PY
fi
cat "$DATA/native/data-$MIB" >/dev/null
ln -sf "data-$MIB" "$DATA/native/data"

cpu_ms() { [ -z "$1" ] && echo 0 || awk '{print ($14 + $15) * 10}' "/proc/$1/stat"; }
# read_all SERVER-PID FILE READERS: "MB/s CPU-ms"
read_all() {
	local before after start end i part=$((MIB / $3)) pids=()
	[ -z "$COLD" ] || echo 3 >/proc/sys/vm/drop_caches
	before=$(cpu_ms "$1")
	start=$(date +%s%N)
	for i in $(seq 0 $(($3 - 1))); do
		dd if="$2" of=/dev/null bs=1M skip=$((i * part)) count=$part 2>/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	end=$(date +%s%N)
	after=$(cpu_ms "$1")
	echo "$((MIB * 1048576 * 1000 / (end - start))) $((after - before))"
}
wait_for_mount() { until mountpoint -q "$1"; do sleep 0.05; done; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

lazyrun() { "$LAZYRUN" -q --cache-dir "$DATA/cache" --cache-size 20G "$@"; }
# mounted_read NAME HOT-TREE READERS
mounted_read() {
	local server
	"$LAZYRUN" -q --cache-dir "$DATA/cache" --cache-size 20G mount --foreground \
		--hot-tree="$2" "oci:$DATA/image-$MIB:1" "$DATA/lazyrun" &
	server=$!
	wait_for_mount "$DATA/lazyrun"
	[ "$1" != passed ] || [ -n "$COLD" ] || cat "$DATA/cache/hot"/*/tree-*/data >/dev/null
	read_all $server "$DATA/lazyrun/data" "$3" >>"$DATA/$1.values"
	passed_opens=$(getfattr -n user.lazyrun.passthrough_opens --only-values "$DATA/lazyrun" 2>/dev/null)
	umount "$DATA/lazyrun"
	wait $server
}

lazyrun pull "oci:$DATA/image-$MIB:1" >/dev/null
if [ -n "$PASSED" ]; then
	# The first mount has a tree made; a builder has the lowest priority.
	rm -rf "$DATA/cache/hot"
	mounted_read first auto 1
	for _ in $(seq 600); do
		compgen -G "$DATA/cache/hot/*/current" >/dev/null && break
		sleep 0.1
	done
	sync "$DATA"/cache/hot/*/tree-*/data
	mounted_read passed auto 1
	[ "$passed_opens" = 1 ] || { echo "cached_read.sh: no passthrough here" >&2; exit 1; }
fi
echo "(a cached file of $MIB MiB; $(nproc) cores, Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg))"
echo
echo "| readers | lazyrun MB/s | smallest server MB/s | native MB/s | lazyrun CPU ms | smallest server CPU ms |${PASSED:+ passed through MB/s | of native (in turn) |}"
echo "|---|---|---|---|---|---|${PASSED:+---|---|}"
for readers in $READERS; do
	rm -f "$DATA"/*.values
	for _ in $(seq "$RUNS"); do
		"$BASELINE" "$DATA/native/data-$MIB" "$DATA/baseline" &
		server=$!
		wait_for_mount "$DATA/baseline"
		read_all $server "$DATA/baseline/data" "$readers" >>"$DATA/baseline.values"
		umount "$DATA/baseline"
		wait $server
		mounted_read lazyrun off "$readers"
		[ -z "$PASSED" ] || mounted_read passed auto "$readers"
		read_all "" "$DATA/native/data" "$readers" >>"$DATA/native.values"
	done
	column() { awk "{print \$$2}" "$DATA/$1.values" | median; }
	echo "| $readers | $(column lazyrun 1) | $(column baseline 1) | $(column native 1) | $(column lazyrun 2) | $(column baseline 2) |${PASSED:+ $(column passed 1) | $(paste "$DATA/passed.values" "$DATA/native.values" |
		awk '{printf "%.2f\n", $1 / $3}' | median) |}"
done
