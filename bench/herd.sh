#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# herd.sh: many starts of one cold image: on one node, and on many nodes behind a
# cache; what comes from the registry, and when the last one is ready.
#
#   herd.sh [-x] [-i IMAGE] [-j JOBS] [-n NODES] [-l LINK] [-u UPLINK] [-o FILE]
#
#   -i scipy    the image; made by bench/make_image.sh when missing
#   -j 100      starts at once on one node; 0: leave this out
#   -n 10       nodes, one start each, behind one cache; 0: leave this out
#   -l 20:1000  of every node: RTT in ms : Mbit/s
#   -u 20:1000  between the cache and the registry
#   -x          a SIF from an OSDF instead of an image from a registry:
#               STARTUP_DATA/www/IMAGE.sif (`startup.sh prepare -t lazyrun-sif`),
#               without an index, behind a real XRootD cache of a real XRootD
#               origin, found through a federation's discovery and director
#   -o FILE     append the table there too
#
# "MB of the blocks they ask for": each of the cache's blocks once, by the starts'
# traces; what comes from the origin beyond that and TCP's own 3 % came twice.
#
# A node is a network namespace with a cache of its own.  Without -x the nodes'
# cache is nginx, which keeps pieces of 256 KiB and fetches each once.
# STARTUP_DATA, LAZYRUN as in startup.sh.  PROFILE=FILE: give it to every start.
# Root.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
DATA=${STARTUP_DATA:-/var/tmp/lazyrun-startup}
PROFILE=${PROFILE:-off}
IMAGE=scipy JOBS=100 NODES=10 NODE_LINK=20:1000 UPLINK=20:1000 OUT=/dev/null XROOTD=
HUB=herd-hub
ORIGIN=herd-origin
HUB_IP=10.77.200.1
ORIGIN_IP=10.77.200.2
NEAR=$HUB # for what startup_tools.sh defines; not used here
REGISTRY= WEB= TRACE=/dev/null

die() { echo "herd.sh: $*" >&2; exit 1; }
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
. "$HERE/servers.sh"
. "$HERE/startup_tools.sh"
. "$ROOT/tests/acceptance/xrootd.sh"

while getopts i:j:n:l:u:o:xh option; do
	case $option in
	x) XROOTD=1 ;;
	i) IMAGE=$OPTARG ;;
	j) JOBS=$OPTARG ;;
	n) NODES=$OPTARG ;;
	l) NODE_LINK=$OPTARG ;;
	u) UPLINK=$OPTARG ;;
	o) OUT=$OPTARG ;;
	*) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
	esac
done

link_of() { # NODE COMMAND...
	LINK=herd$1 NEAR='' FAR=$HUB NET=$1 "$HERE/link.sh" "${@:2}"
}
uplink() { LINK=herdup NEAR=$HUB FAR=$ORIGIN NET=200 "$HERE/link.sh" "$@"; }
bytes_of() { sed 's/received_bytes=\([0-9]*\).*/\1/'; }

nodes=$((NODES > 0 ? NODES : 1))
finish() {
	servers_down
	[ -z "$XROOTD" ] || { xrootd_kill cache; xrootd_kill origin; rm -rf "$XROOTD_WORK"; }
	[ -z "${FEDERATION_PID:-}" ] || kill "$FEDERATION_PID" 2>/dev/null
	local node
	for node in $(seq "$nodes"); do link_of "$node" down; done
	uplink down
	rm -rf "$DATA/herd"
}

# ---- what is behind the nodes: a registry and nginx, or XRootD ----

registry_up() {
	local addresses=$ORIGIN_IP node
	bash "$HERE/make_image.sh" "$IMAGE" "$DATA/layouts" || die "no image $IMAGE"
	python3 "$HERE/registry_tree.py" "$DATA/registry" "$DATA/layouts/$IMAGE"
	made_index "$IMAGE" || die "no index of $IMAGE"
	for node in $(seq "$nodes"); do addresses+=" 10.77.$node.2"; done
	# shellcheck disable=SC2086 # a list of words
	make_certificates $addresses
	start_registry "$ORIGIN"
	wait_for_server "$HUB" "https://$ORIGIN_IP:5000/v2/"
}

registry_cache_fresh() {
	[ -z "${CACHE_PID:-}" ] || { kill "$CACHE_PID"; wait "$CACHE_PID"; } 2>/dev/null
	start_cache "$HUB" "$ORIGIN_IP:5000"
	CACHE_PID=${SERVERS[-1]}
	wait_for_server herd1-near https://10.77.1.2:8443/v2/
}

registry_image() { # NODE: sets SOURCE
	SOURCE=(--index "$DATA/indexes/$IMAGE.lzi" "docker://10.77.$1.2:8443/$IMAGE:1")
}

registry_block() { echo $((256 << 10)); } # what start_cache's pieces are

registry_requests() { grep -cE '"(GET|HEAD) /' "$DATA/registry.log"; }

XROOTD_WORK=$DATA/herd-xrootd
in_origin() { XROOTD_IN=(nsenter "--net=/run/netns/$ORIGIN"); }
in_hub() { XROOTD_IN=(nsenter "--net=/run/netns/$HUB"); }

xrootd_up() {
	local node sif=$DATA/www/$IMAGE.sif
	[ -f "$sif" ] || die "no $sif: startup.sh prepare -t lazyrun-sif, or put one there"
	mkdir -p "$XROOTD_WORK/data/ns"
	chmod 755 "$XROOTD_WORK"
	ln "$sif" "$XROOTD_WORK/data/ns/$IMAGE.sif"
	echo other >"$XROOTD_WORK/data/ns/other"
	in_origin
	xrootd_origin 11094
	xrootd_ready 11094 /ns/other || die "no XRootD origin"
	# every node knows the site's services by one address
	for node in $(seq "$nodes"); do
		nsenter "--net=/run/netns/herd$node-near" ip route add "$HUB_IP/32" via "10.77.$node.2"
	done
	in_hub
	xrootd_federation "$XROOTD_WORK/control" --listen 0.0.0.0 \
		--cache "http://$HUB_IP:11095" --origin "http://$ORIGIN_IP:11094" ||
		die "no federation"
}

xrootd_cache_fresh() {
	in_hub
	xrootd_empty cache 11095 "$ORIGIN_IP:11094"
	xrootd_ready 11095 /ns/other || die "no XRootD cache"
}

xrootd_image() {
	SOURCE=(--insecure --federation "http://$HUB_IP:$FEDERATION_PORT" "osdf:///ns/$IMAGE.sif")
}

xrootd_block() { echo $((128 << 10)); } # pfc.blocksize

xrootd_requests() { echo 0; } # it writes no log of them

behind() { if [ -n "$XROOTD" ]; then "xrootd_$@"; else "registry_$@"; fi; }

# start NODE CACHE NUMBER: one exec; a line "ready_s status" in a file
start() {
	job "$IMAGE"
	behind image "$1"
	"$HERE/timed.py" 1800 "$DATA/herd/log.$3" nsenter "--net=/run/netns/herd$1-near" \
		setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups \
		--inh-caps=-all env -i PATH=/usr/bin:/bin "HOME=$DATA/home" \
		"SSL_CERT_FILE=$DATA/ca.pem" "LAZYRUN_CACHEDIR=$2" \
		"LAZYRUN_PROFILE=$PROFILE" LAZYRUN_HOT_TREE=off \
		"LAZYRUN_TRACE=$DATA/herd/traces/$3" "$LAZYRUN" -q exec \
		--statistics "$DATA/herd/statistics/$3" --no-home --pwd / \
		"${SOURCE[@]}" "${JOB[@]}" |
		python3 -c 'import json, sys
j = json.load(sys.stdin)
print(j["ready_s"] if j["status"] == 0 else "failed", j["status"])' >"$DATA/herd/time.$3"
}

# herd WHAT COUNT: starts that many, waits, prints a row of the table
herd() {
	local number origin_before node_before node pids=() requests_before
	rm -rf "$DATA/herd"
	mkdir -p "$DATA/herd"
	mkdir -m 777 "$DATA/herd/statistics" "$DATA/herd/traces"
	origin_before=$(uplink counters | bytes_of)
	node_before=$(for node in $(seq "$nodes"); do link_of "$node" counters | bytes_of; done | awk '{s += $1} END {print s}')
	requests_before=$(behind requests)
	for number in $(seq "$2"); do
		if [ "$1" = nodes ]; then
			fresh_cache "$DATA/herd/cache.$number"
			start "$number" "$DATA/herd/cache.$number" "$number" &
		else
			[ "$number" != 1 ] || fresh_cache "$DATA/herd/cache"
			start 1 "$DATA/herd/cache" "$number" &
		fi
		pids+=($!)
	done
	wait "${pids[@]}"
	sleep 0.3
	python3 - "$1" "$2" "$DATA/herd" \
		$(($(uplink counters | bytes_of) - origin_before)) \
		$(($(for node in $(seq "$nodes"); do link_of "$node" counters | bytes_of; done | awk '{s += $1} END {print s}') - node_before)) \
		$(($(behind requests) - requests_before)) "$(behind block)" <<'PY' | tee -a "$OUT"
import json, pathlib, statistics, sys
what, count, folder, origin, nodes, requests, block = sys.argv[1:]
lines = [p.read_text().split() for p in pathlib.Path(folder).glob("time.*")]
times = sorted(float(l[0]) for l in lines if l and l[0] not in ("failed", "None"))
failed = int(count) - len(times)
where = {"one": "a start alone", "jobs": "starts on one node", "nodes": "nodes behind one cache"}[what]
asked = sum(json.loads(line)["http_requests"]
            for p in pathlib.Path(folder, "statistics").iterdir()
            for line in p.read_text().splitlines())
# what a cache that fetches each of its blocks once has to fetch for all of them
blocks = set()
for path in pathlib.Path(folder, "traces").iterdir():
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "request" and event.get("size"):
            first, last = (n // int(block) for n in (event["offset"], event["offset"] + event["size"] - 1))
            name = event["url"].rsplit("/", 1)[-1]
            blocks.update((name, n) for n in range(first, last + 1))
print(f"| {count} {where if count != '1' else 'start alone'} | {len(blocks) * int(block) / 1e6:.1f} | "
      f"{int(origin) / 1e6:.1f} | {requests if requests != '0' else '-'} | "
      f"{int(nodes) / 1e6:.1f} | {asked} | "
      + (f"{times[0]:.2f} | {statistics.median(times):.2f} | {times[-1]:.2f}" if times else " | | ")
      + f" | {failed} |")
PY
}

[ "$(id -u)" = 0 ] || die "needs root: network namespaces"
[ -x "$LAZYRUN" ] || die "no lazyrun at $LAZYRUN (set LAZYRUN)"
[ -z "$XROOTD" ] || [ -z "$(xrootd_missing)" ] || die "$(xrootd_missing)"
mkdir -p "$DATA/registry" "$DATA/herd"
chmod 755 "$DATA" "$DATA/herd"
trap finish EXIT
trap 'exit 130' INT TERM
finish
uplink up ${UPLINK/:/ } || die "no link to the origin"
for node in $(seq "$nodes"); do
	link_of "$node" up ${NODE_LINK/:/ } || die "no link to node $node"
done
behind up
behind cache_fresh
{
	printf '\n%s%s, %s of every node, %s to the origin, profile %s; %s cores, load %s, lazyrun %s, %s\n\n' \
		"$IMAGE" "${XROOTD:+ (a SIF, XRootD)}" "$NODE_LINK" "$UPLINK" "$PROFILE" "$(nproc)" \
		"$(cut -d' ' -f1 /proc/loadavg)" \
		"$(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || "$LAZYRUN" version)" "$(date -u +%F)"
	echo '| starts | MB of the blocks they ask for | MB from the origin | requests there | MB to the nodes | requests of the nodes | first ready s | median | last | failed |'
	echo '|---|---|---|---|---|---|---|---|---|---|'
} | tee -a "$OUT"
herd one 1
if [ "$JOBS" -gt 0 ]; then behind cache_fresh; herd jobs "$JOBS"; fi
if [ "$NODES" -gt 0 ]; then behind cache_fresh; herd nodes "$NODES"; fi
