#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sequential.sh [RTT_MS [RATE_MBIT [RUNS]]]: a cold file of SIZE_MB that does not
# compress, read from first to last byte over a link, as a share of the link and
# of what curl reaches on the same link: the whole blob in one stream.
#
# 80 1000 3 unless given; SIZE_MB 2000.  Root (network namespaces); jobs run as root too.
# LAZYRUN: the binary measured.  CC: TCP's congestion control (bbr: the link's
# page says why).
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
LAZYRUN=${LAZYRUN:-$HERE/../build-tests/release/tools/lazyrun}
LAZYRUN=$(realpath "$LAZYRUN")
RTT=${1:-80}
RATE=${2:-1000}
RUNS=${3:-3}
export LINK=${LINK:-sequential} CC=${CC:-bbr}
WORK=$(mktemp -d /var/tmp/lazyrun-sequential.XXXXXX)
trap 'kill $(jobs -p) 2>/dev/null; "$HERE/link.sh" down 2>/dev/null; rm -rf "$WORK"' EXIT
[ ! -c /dev/fuse ] || chmod 666 /dev/fuse

mkdir -p "$WORK/root/bin" "$WORK/root/data" "$WORK/root/"{proc,sys,dev,tmp,etc}
cp "$(command -v busybox)" "$WORK/root/bin/busybox"
ln -s busybox "$WORK/root/bin/sh"
ln -s busybox "$WORK/root/bin/dd"
head -c "$((${SIZE_MB:-2000} * 1000000))" /dev/urandom >"$WORK/root/data/big"
umoci init --layout "$WORK/image"
umoci new --image "$WORK/image:1"
umoci insert --image "$WORK/image:1" "$WORK/root" / >/dev/null
rm -r "$WORK/root"
"$LAZYRUN" --cache-dir "$WORK/first" -q index "oci:$WORK/image:1" -o "$WORK/index.lzi"

"$HERE/link.sh" up "$RTT" "$RATE" >/dev/null
eval "$("$HERE/link.sh" env)"
"$HERE/link.sh" exec far "$LAZYRUN" serve "$WORK/image" --listen "$FAR_IP:5000" \
	--log "$WORK/registry.log" >"$WORK/serve.out" 2>&1 &
for _ in $(seq 100); do
	grep -q http "$WORK/serve.out" && break
	sleep 0.1
done
blob=$(find "$WORK/image/blobs" -type f -size +100M -printf '%f')
echo "RTT $RTT ms, $RATE Mbit/s, $CC; $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $(date -u +%F)"
for run in $(seq "$RUNS"); do
	curl=$("$HERE/link.sh" exec near curl -s -o /dev/null -w '%{speed_download}' \
		"http://$FAR_IP:5000/v2/image/blobs/sha256:$blob")
	rm -rf "$WORK/cache" "$WORK/statistics"
	"$HERE/link.sh" exec near env LAZYRUN_CACHEDIR="$WORK/cache" "$LAZYRUN" exec \
		--insecure --index "$WORK/index.lzi" --profile=off --no-home --pwd / \
		--statistics "$WORK/statistics" "docker://$FAR_IP:5000/image:1" \
		dd if=/data/big of=/dev/null bs=1M 2>/dev/null
	python3 - "$WORK/statistics" "$RATE" "$curl" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
rate, curl = float(sys.argv[2]) / 8, float(sys.argv[3]) / 1e6
ours = s["bytes_fetched"] / 1e3 / (s["ended_ms"] - s["started_ms"])
link = f"{ours / rate:.2f} of the link, " if rate else ""
print(f"lazyrun {ours:.1f} MB/s in {s['ranges_fetched']} ranges: {link}"
      f"{ours / curl:.2f} of curl ({curl:.1f} MB/s)")
PY
done
