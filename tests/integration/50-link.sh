#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# The benchmarks' link delays, limits and counts as it says; another line can be
# put between the same namespaces; down leaves nothing.
. "$(dirname "$0")/lib.sh"
need curl
need cc
[ "$(id -u)" = 0 ] || skip "network namespaces by name need root"
[ -c /dev/net/tun ] || skip "this machine has no TUN"
LINK=test$$
export LINK
SH=$ROOT/bench/link.sh
trap '"$SH" down; finish' EXIT

"$SH" up 40 100 || { fault "link.sh up"; exit 1; }
"$SH" exec near grep -q lzn0 /proc/net/dev || fault "near has no device"
head -c 4000000 /dev/urandom >"$WORK/file"
"$SH" exec far python3 -m http.server 21601 --bind 0.0.0.0 -d "$WORK" >/dev/null 2>&1 &
fetch() { # PATH FORMAT
	"$SH" exec near curl -sf --max-time 20 -o /dev/null -w "$2" "http://10.77.0.2:21601/$1"
}
wait_for "the server" fetch file '%{http_code}'

between() { # WHAT LOW HIGH VALUE
	awk -v v="$4" -v l="$2" -v h="$3" 'BEGIN {exit !(v >= l && v <= h)}' ||
		fault "$1: $4 is not in $2 to $3"
}
# lower bounds hold on any machine; upper ones allow for a busy one
between "seconds to connect at 40 ms" 0.040 0.3 "$(fetch file '%{time_connect}')"
# 4 MB at 100 Mbit/s are 0.32 s
between "seconds for 4 MB at 100 Mbit/s" 0.36 3 "$(fetch file '%{time_total}')"
before=$("$SH" counters | sed 's/received_bytes=\([0-9]*\).*/\1/')
fetch file '' || fault "fetch"
after=$("$SH" counters | sed 's/received_bytes=\([0-9]*\).*/\1/')
between "bytes counted for 4 MB" 4000000 4600000 $((after - before))

"$SH" set 0 0 || fault "link.sh set"
between "seconds to connect at 0 ms" 0 0.039 "$(fetch file '%{time_connect}')"
"$SH" up 2>"$WORK/again" && fault "up twice is accepted"
contains "up twice" "is up" "$(cat "$WORK/again")"
"$SH" down
[ ! -e /run/netns/$LINK-near ] && [ ! -e /run/netns/$LINK-far ] ||
	fault "down leaves namespaces"
pgrep -f "http.server 21601" >/dev/null && fault "down leaves what ran inside"

