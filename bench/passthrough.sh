#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# passthrough.sh: what FUSE passthrough is worth, and what it costs, by the
# smallest server there is (bench/fs_baseline.c): a file read from end to end,
# and opened and closed, on its own file system, passed through, and through
# FUSE; in turn.
#
#   passthrough.sh [-m MIB] [-n RUNS]
#
#   -m 1024   size of the file
#   -n 7      runs of each
#
# Prints medians; "of native" is the median of the ratios of runs that followed
# each other.  Warm: the file on the disk is in the page cache, the mount is
# fresh.  Dropped: the page cache was.  BASELINE names the program.  Root; data
# in PASSTHROUGH_DATA (/var/tmp/lazyrun-passthrough).
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$ROOT/build
[ -x "$BUILD/bench/fs_baseline" ] || BUILD=$ROOT/build-tests/release
BASELINE=${BASELINE:-$BUILD/bench/fs_baseline}
[ -x "$BASELINE" ] || { echo "passthrough.sh: no $BASELINE: build it, or set BASELINE" >&2; exit 1; }
DATA=${PASSTHROUGH_DATA:-/var/tmp/lazyrun-passthrough}
MIB=1024 RUNS=7
while getopts m:n: option; do
	case $option in
	m) MIB=$OPTARG ;;
	n) RUNS=$OPTARG ;;
	*) exit 2 ;;
	esac
done
mkdir -p "$DATA/mount"
trap 'umount -l "$DATA/mount" 2>/dev/null; kill $(jobs -p) 2>/dev/null; rm -f "$DATA"/*.values' EXIT
if [ "$(stat -c %s "$DATA/data" 2>/dev/null)" != $((MIB << 20)) ]; then
	head -c "${MIB}M" /dev/urandom >"$DATA/data"
	sync "$DATA/data"
fi

# read_ms FILE; open_us FILE: opened, read and closed COUNT times
read_ms() {
	local start end
	start=$(date +%s%N)
	dd if="$1" of=/dev/null bs=1M 2>/dev/null
	end=$(date +%s%N)
	echo $(((end - start) / 1000)) | awk '{print $1 / 1000}'
}
open_us() {
	python3 - "$1" <<'PY'
import os, sys, time
path, count = sys.argv[1], 5000
def all():
    for _ in range(count):
        fd = os.open(path, os.O_RDONLY)
        os.read(fd, 4096)
        os.close(fd)
all()
start = time.perf_counter()
all()
print(f"{(time.perf_counter() - start) / count * 1e6:.2f}")
PY
}
# once HOW CACHE: one line in HOW.CACHE.values
once() {
	local server="" file=$DATA/data mode=()
	case $1 in
	passed) mode=(-p) ;;
	answered) mode=(-o) ;;
	esac
	if [ "$1" != native ]; then
		"$BASELINE" "${mode[@]}" "$DATA/data" "$DATA/mount" &
		server=$!
		until mountpoint -q "$DATA/mount"; do sleep 0.05; done
		file=$DATA/mount/data
	fi
	case $2 in
	warm) dd if="$DATA/data" of=/dev/null bs=1M 2>/dev/null ;;
	dropped) echo 3 >/proc/sys/vm/drop_caches ;;
	esac
	if [ "$2" = opens ]; then open_us "$file"; else read_ms "$file"; fi >>"$DATA/$1.$2.values"
	[ -z "$server" ] || { umount "$DATA/mount"; wait "$server"; }
}
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
column() { median <"$DATA/$1.$2.values"; }
# The speed: native's time by this one's.
ratio() { paste "$DATA/native.$2.values" "$DATA/$1.$2.values" | awk '{printf "%.2f\n", $1 / $2}' | median; }

rm -f "$DATA"/*.values
for _ in $(seq "$RUNS"); do
	for cache in warm dropped; do
		for how in native passed unasked; do once $how $cache; done
	done
	for how in native passed answered unasked; do once $how opens; done
done
echo "(a file of $MIB MiB, $RUNS runs in turn; $(nproc) cores, Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg))"
echo
echo "| page cache | native ms | passed through ms | of native's speed | through FUSE ms | of native's speed |"
echo "|---|---|---|---|---|---|"
for cache in warm dropped; do
	echo "| $cache | $(column native $cache) | $(column passed $cache) | $(ratio passed $cache)" \
		"| $(column unasked $cache) | $(ratio unasked $cache) |"
done
echo
echo "One open, read of 4 KiB and close of a known file, us: native $(column native opens);" \
	"the kernel does not ask $(column unasked opens); open answered $(column answered opens);" \
	"passed through $(column passed opens)"
