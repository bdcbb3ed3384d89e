#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hints.sh [-l LINKS] [-n RUNS] [-i LAYOUT[:TAG]] [-c CODE] [-x INDEX]: the first
# start of a Python program in an image, over a link, without the index's hints
# and with them, and for comparison with a profile of the same command; in turn.
#
#   -l "20:1000 80:1000"   links, RTT in ms : Mbit/s
#   -n 3                   runs of each
#   -i LAYOUT:TAG          an OCI layout (STARTUP_DATA's scipy, tag 1)
#   -c CODE                what Python executes (import scipy.stats)
#   -x INDEX               its index (made anew)
#
# A line a link and way: median seconds from the command to its end, ranges,
# bytes; then how many of the chunks read were hinted (recall), and how many of
# those hinted were read (precision).
#
# Root (network namespaces); jobs run as root too.  LAZYRUN: the binary
# measured.  PORT: of the registry, which is `lazyrun serve` without TLS.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
LAZYRUN=$(realpath "${LAZYRUN:-$HERE/../build-tests/release/tools/lazyrun}")
LINKS="20:1000 80:1000"
RUNS=3
LAYOUT=${STARTUP_DATA:-/var/tmp/lazyrun-startup}/layouts/scipy:1
CODE='import scipy.stats'
INDEX=
while getopts l:n:i:c:x: option; do
	case $option in
	l) LINKS=$OPTARG ;;
	n) RUNS=$OPTARG ;;
	i) LAYOUT=$OPTARG ;;
	c) CODE=$OPTARG ;;
	x) INDEX=$OPTARG ;;
	*) exit 2 ;;
	esac
done
export LINK=${LINK:-hints}
unset SSL_CERT_FILE http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
PORT=${PORT:-5000}
WORK=$(mktemp -d /var/tmp/lazyrun-hints.XXXXXX)
trap 'kill $(jobs -p) 2>/dev/null; "$HERE/link.sh" down 2>/dev/null; rm -rf "$WORK"' EXIT
[ ! -c /dev/fuse ] || chmod 666 /dev/fuse
if [ -z "$INDEX" ]; then
	INDEX=$WORK/index.lzi
	"$LAZYRUN" --cache-dir "$WORK/cache" -q index "oci:$LAYOUT" -o "$INDEX"
fi
tag=${LAYOUT##*:}
name=$(basename "${LAYOUT%:*}")

# start WAY PROFILE HINTS: one cold start; its statistics are added to WORK/WAY
start() {
	rm -rf "$WORK/cache"
	"$HERE/link.sh" exec near env LAZYRUN_CACHEDIR="$WORK/cache" "$LAZYRUN" -q \
		exec --insecure --index "$INDEX" --profile="$2" --hints="$3" \
		--hot-tree=off --no-home --pwd / --statistics "$WORK/$1" \
		"docker://$FAR_IP:$PORT/$name:$tag" python3 -c "$CODE" >/dev/null
}

echo "$CODE; lazyrun $("$LAZYRUN" --version | cut -d' ' -f2); $(nproc) cores, $(date -u +%F)"
for link in $LINKS; do
	"$HERE/link.sh" up "${link%:*}" "${link#*:}" >/dev/null
	eval "$("$HERE/link.sh" env)"
	"$HERE/link.sh" exec far "$LAZYRUN" serve "${LAYOUT%:*}" \
		--listen "$FAR_IP:$PORT" >"$WORK/serve.out" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		grep -q http "$WORK/serve.out" && break
		sleep 0.1
	done
	start profile auto off
	"$HERE/link.sh" exec near env LAZYRUN_CACHEDIR="$WORK/cache" "$LAZYRUN" -q \
		profile export --index "$INDEX" -o "$WORK/profile.lzp" --insecure \
		"docker://$FAR_IP:$PORT/$name:$tag"
	rm -f "$WORK/profile"
	for _ in $(seq "$RUNS"); do
		start none off off
		start hints off auto
		start profile "$WORK/profile.lzp" off
	done
	echo "RTT ${link%:*} ms, ${link#*:} Mbit/s, load $(cut -d' ' -f1 /proc/loadavg)"
	python3 - "$WORK" <<'PY'
import json, statistics, sys
for way in ("none", "hints", "profile"):
    with open(f"{sys.argv[1]}/{way}") as f:
        runs = [json.loads(line) for line in f]
    middle = lambda key: statistics.median(run[key] for run in runs)
    line = (f"  {way:8} {middle('ended_ms') / 1e3:6.2f} s "
            f"{middle('ranges_fetched'):5.0f} ranges "
            f"{middle('bytes_fetched') / 1e6:6.1f} MB "
            f"({100 * middle('bytes_fetched') / middle('image_bytes'):.1f} %)")
    if middle("hint_wanted"):
        line += (f"; recall {middle('hint_used') / middle('chunks_touched'):.2f}"
                 f", precision {middle('hint_used') / middle('hint_wanted'):.2f}"
                 f" of {middle('hint_wanted'):.0f} chunks")
    print(line)
PY
	rm -f "$WORK/none" "$WORK/hints" "$WORK/profile"
	kill "$server"
	wait "$server" 2>/dev/null || true
	"$HERE/link.sh" down
done
