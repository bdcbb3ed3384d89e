#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# herd.sh: many starts of one cold image: on one node, and on many nodes behind a
# cache; what comes from the registry, and when the last one is ready.
#
#   herd.sh [-i IMAGE] [-j JOBS] [-n NODES] [-l LINK] [-u UPLINK] [-o FILE]
#
#   -i scipy    the image; made by bench/make_image.sh when missing
#   -j 100      starts at once on one node; 0: leave this out
#   -n 10       nodes, one start each, behind one cache; 0: leave this out
#   -l 20:1000  of every node: RTT in ms : Mbit/s
#   -u 20:1000  between the cache and the registry
#   -o FILE     append the table there too
#
# A node is a network namespace with a cache of its own.  The nodes' cache is
# nginx, which keeps pieces of 256 KiB and fetches each once.  STARTUP_DATA,
# LAZYRUN as in startup.sh.  PROFILE=FILE: give it to every start.  Root.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
DATA=${STARTUP_DATA:-/var/tmp/lazyrun-startup}
PROFILE=${PROFILE:-off}
IMAGE=scipy JOBS=100 NODES=10 NODE_LINK=20:1000 UPLINK=20:1000 OUT=/dev/null
HUB=herd-hub
ORIGIN=herd-origin
ORIGIN_IP=10.77.200.2
NEAR=$HUB # for what startup_tools.sh defines; not used here
REGISTRY= WEB= TRACE=/dev/null

die() { echo "herd.sh: $*" >&2; exit 1; }
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
. "$HERE/servers.sh"
. "$HERE/startup_tools.sh"

while getopts i:j:n:l:u:o:h option; do
	case $option in
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
	local node
	for node in $(seq "$nodes"); do link_of "$node" down; done
	uplink down
	rm -rf "$DATA/herd"
}

# start NODE CACHE NUMBER REGISTRY: one exec; a line "ready_s status" in a file
start() {
	job "$IMAGE"
	"$HERE/timed.py" 1800 "$DATA/herd/log.$3" nsenter "--net=/run/netns/herd$1-near" \
		setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups \
		--inh-caps=-all env -i PATH=/usr/bin:/bin "HOME=$DATA/home" \
		"SSL_CERT_FILE=$DATA/ca.pem" "LAZYRUN_CACHEDIR=$2" \
		"LAZYRUN_PROFILE=$PROFILE" "$LAZYRUN" -q exec --no-home --pwd / \
		--index "$DATA/indexes/$IMAGE.lzi" "docker://$4/$IMAGE:1" "${JOB[@]}" |
		python3 -c 'import json, sys
j = json.load(sys.stdin)
print(j["ready_s"] if j["status"] == 0 else "failed", j["status"])' >"$DATA/herd/time.$3"
}

# herd WHAT COUNT: starts that many, waits, prints a row of the table
herd() {
	local number origin_before node_before node pids=() requests_before
	rm -rf "$DATA/herd"
	mkdir -p "$DATA/herd"
	origin_before=$(uplink counters | bytes_of)
	node_before=$(for node in $(seq "$nodes"); do link_of "$node" counters | bytes_of; done | awk '{s += $1} END {print s}')
	requests_before=$(grep -cE '"(GET|HEAD) /' "$DATA/registry.log")
	for number in $(seq "$2"); do
		if [ "$1" = nodes ]; then
			fresh_cache "$DATA/herd/cache.$number"
			start "$number" "$DATA/herd/cache.$number" "$number" "10.77.$number.2:8443" &
		else
			[ "$number" != 1 ] || fresh_cache "$DATA/herd/cache"
			start 1 "$DATA/herd/cache" "$number" "10.77.1.2:8443" &
		fi
		pids+=($!)
	done
	wait "${pids[@]}"
	sleep 0.3
	python3 - "$1" "$2" "$DATA/herd" \
		$(($(uplink counters | bytes_of) - origin_before)) \
		$(($(for node in $(seq "$nodes"); do link_of "$node" counters | bytes_of; done | awk '{s += $1} END {print s}') - node_before)) \
		$(($(grep -cE '"(GET|HEAD) /' "$DATA/registry.log") - requests_before)) <<'PY' | tee -a "$OUT"
import pathlib, statistics, sys
what, count, folder, origin, nodes, requests = sys.argv[1:]
lines = [p.read_text().split() for p in pathlib.Path(folder).glob("time.*")]
times = sorted(float(l[0]) for l in lines if l and l[0] not in ("failed", "None"))
failed = int(count) - len(times)
where = {"one": "a start alone", "jobs": "starts on one node", "nodes": "nodes behind one cache"}[what]
print(f"| {count} {where if count != '1' else 'start alone'} | {int(origin) / 1e6:.1f} | {requests} | "
      f"{int(nodes) / 1e6:.1f} | "
      + (f"{times[0]:.2f} | {statistics.median(times):.2f} | {times[-1]:.2f}" if times else " | | ")
      + f" | {failed} |")
PY
}

[ "$(id -u)" = 0 ] || die "needs root: network namespaces"
[ -x "$LAZYRUN" ] || die "no lazyrun at $LAZYRUN (set LAZYRUN)"
mkdir -p "$DATA/registry" "$DATA/herd"
chmod 755 "$DATA" "$DATA/herd"
bash "$HERE/make_image.sh" "$IMAGE" "$DATA/layouts" || die "no image $IMAGE"
python3 "$HERE/registry_tree.py" "$DATA/registry" "$DATA/layouts/$IMAGE"
made_index "$IMAGE" || die "no index of $IMAGE"
addresses=$ORIGIN_IP
for node in $(seq "$nodes"); do addresses+=" 10.77.$node.2"; done
# shellcheck disable=SC2086 # a list of words
make_certificates $addresses
trap finish EXIT
trap 'exit 130' INT TERM
finish
uplink up ${UPLINK/:/ } || die "no link to the registry"
for node in $(seq "$nodes"); do
	link_of "$node" up ${NODE_LINK/:/ } || die "no link to node $node"
done
start_registry "$ORIGIN"
wait_for_server "$HUB" "https://$ORIGIN_IP:5000/v2/"
restart_cache() {
	kill "${SERVERS[-1]}" 2>/dev/null
	wait "${SERVERS[-1]}" 2>/dev/null
	start_cache "$HUB" "$ORIGIN_IP:5000"
	wait_for_server herd1-near https://10.77.1.2:8443/v2/
}
start_cache "$HUB" "$ORIGIN_IP:5000"
wait_for_server herd1-near https://10.77.1.2:8443/v2/
{
	printf '\n%s, %s of every node, %s to the registry, profile %s; %s cores, load %s, lazyrun %s, %s\n\n' \
		"$IMAGE" "$NODE_LINK" "$UPLINK" "$PROFILE" "$(nproc)" \
		"$(cut -d' ' -f1 /proc/loadavg)" \
		"$(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || "$LAZYRUN" version)" "$(date -u +%F)"
	echo '| starts | MB from the registry | requests there | MB to the nodes | first ready s | median | last | failed |'
	echo '|---|---|---|---|---|---|---|---|'
} | tee -a "$OUT"
herd one 1
if [ "$JOBS" -gt 0 ]; then restart_cache; herd jobs "$JOBS"; fi
if [ "$NODES" -gt 0 ]; then restart_cache; herd nodes "$NODES"; fi
