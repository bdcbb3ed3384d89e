#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# osdf.sh: a start from a SIF in a federation of real servers, over a link:
# lazyrun beside curl of the whole object and Apptainer.
#
#   osdf.sh -f FILE.sif [-j CODE] [-l RTT_MS:RATE_MBIT] [-n RUNS] [-o DIR]
#
#   -f FILE.sif   as Apptainer made it; no index of it exists anywhere, but for
#                 the rows "with an index", where one lies beside the object
#   -j CODE       what python3 -c runs ("import scipy.stats"); "true": the
#                 command true, no python
#   -l 20:1000    the link between the node and the cache
#   -n 3          runs of each
#   -o DIR        osdf.csv and osdf.md (/var/tmp/lazyrun-osdf/results)
#
# Far side: an XRootD origin, an XRootD disk cache in front of it, a discovery
# host and director (tests/integration/federation.py).  Near side: the node.
# "cold" empties the XRootD cache before the run; the node's own cache is empty
# in every case but "lazyrun again".
#
#   started   until the program runs (its first file is open)
#   ready     until it has imported what it needs
#   wire      IP bytes that the node received
#   requests  that lazyrun sent (curl: the director's and one)
#   origin    what the XRootD cache fetched from the origin
#
# LAZYRUN (build-tests/release/tools/lazyrun); PEERS and INSID for Apptainer, as
# bench/startup.sh has them, else apptainer of this machine, else it is left out.
# Root; XRootD (tests/acceptance/xrootd.sh names the packages).
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
DATA=${OSDF_DATA:-/var/tmp/lazyrun-osdf}
PEERS=${PEERS:-}
INSID=${INSID:-}
FILE= CODE='import scipy.stats' WIRE=20:1000 RUNS=3 OUT=
export LINK=${LINK:-osdf}
FAR_IP=10.77.0.2
. "$ROOT/tests/acceptance/xrootd.sh"

die() { echo "osdf.sh: $*" >&2; exit 1; }
usage() { sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

while getopts f:j:l:n:o:h option; do
	case $option in
	f) FILE=$OPTARG ;;
	j) CODE=$OPTARG ;;
	l) WIRE=$OPTARG ;;
	n) RUNS=$OPTARG ;;
	o) OUT=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
[ -n "$FILE" ] || { usage >&2; exit 2; }
OUT=${OUT:-$DATA/results}
[ -z "$(xrootd_missing)" ] || die "$(xrootd_missing)"
[ -x "$LAZYRUN" ] || die "no lazyrun at $LAZYRUN (set LAZYRUN)"
[ -f "$FILE" ] || die "no file $FILE"

# as an ordinary user: whoever the accounts' file has
USER_ID=$(id -u games 2>/dev/null || echo 1234)
NEAR_USER=(nsenter "--net=/run/netns/$LINK-near" setpriv "--reuid=$USER_ID"
	"--regid=$USER_ID" --clear-groups env "HOME=$DATA/home")
SID_PID=''

finish() {
	xrootd_kill cache
	xrootd_kill origin
	for pid in ${FEDERATION_PID:-} ${SID_PID:-}; do kill "$pid" 2>/dev/null; done
	"$HERE/link.sh" down
	rm -rf "$DATA/home" "$XROOTD_WORK"/cache-*
}

# ---- Apptainer: of a tree with it, or this machine's ----

apptainer_up() {
	if [ -n "$PEERS" ] && [ -x "${INSID:-/nowhere}" ]; then
		mkdir -p "$PEERS/sid/work/osdf"
		chmod 1777 "$PEERS/sid/work/osdf"
		rm -f "$PEERS/sid/run/lazyrun-osdf.up"
		PEERS=$PEERS nsenter --net="/run/netns/$LINK-near" "$INSID" \
			sh -c 'echo $$ >/run/lazyrun-osdf.up; exec sleep 86400' &
		SID_PID=$!
		for _ in $(seq 100); do
			[ ! -s "$PEERS/sid/run/lazyrun-osdf.up" ] || break
			sleep 0.1
		done
		APPTAINER_FILE=$PEERS/sid/work/osdf/x.sif
		APPTAINER=(nsenter -t "$SID_PID" -m -n -r -w su -s /bin/bash u1 -c
			"exec apptainer -q exec /work/osdf/x.sif $(printf '%q ' "${JOB[@]}")")
	elif command -v apptainer >/dev/null; then
		APPTAINER_FILE=$DATA/home/x.sif
		APPTAINER=("${NEAR_USER[@]}" apptainer -q exec "$APPTAINER_FILE" "${JOB[@]}")
	else
		APPTAINER=()
	fi
}

# ---- one run ----

received() { "$HERE/link.sh" counters | sed 's/received_bytes=\([0-9]*\).*/\1/'; }
origin_bytes() { du -s --block-size=1 "$XROOTD_WORK/cache-data" | cut -f1; }

prepare() { # cold|warm|node
	if [ "$1" = cold ]; then
		xrootd_empty cache 11095 127.0.0.1:11094
		xrootd_ready 11095 /ns/other || exit 1
	fi
	[ "$1" = node ] || rm -rf "$DATA/home/cache"
	sync
}

measure() { # NAME STATE RUN COMMAND...
	local name=$1 state=$2 run=$3 bytes json requests origin
	shift 3
	prepare "$state"
	rm -f "$DATA/home/statistics"
	bytes=$(received)
	origin=$(origin_bytes)
	json=$("$HERE/timed.py" 900 "$OUT/log" "$@") || return
	sleep 0.2
	bytes=$(($(received) - bytes))
	origin=$(($(origin_bytes) - origin))
	requests=2
	[ ! -s "$DATA/home/statistics" ] || requests=$(python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["http_requests"])' "$DATA/home/statistics")
	python3 - "$json" "$name,$run" "$bytes,$requests,$origin" <<'PY' | tee -a "$OUT/osdf.csv" >&2
import json, sys
j = json.loads(sys.argv[1])
cells = ["" if j[k] is None else j[k] for k in ("started_s", "ready_s", "exit_s", "status")]
print(",".join([sys.argv[2], *map(str, cells), sys.argv[3]]))
PY
}

lazyrun() { # NAME STATE RUN OBJECT
	measure "$1" "$2" "$3" "${NEAR_USER[@]}" "LAZYRUN_CACHEDIR=$DATA/home/cache" LAZYRUN_HOT_TREE=off \
		"LAZYRUN_FEDERATION=http://$FAR_IP:$FEDERATION_PORT" \
		"$LAZYRUN" -q --insecure exec --statistics "$DATA/home/statistics" \
		"osdf:///ns/$4" "${JOB[@]}"
}

whole() { # NAME STATE RUN
	rm -f "$APPTAINER_FILE"
	measure "$@" bash -c 'nsenter "--net=/run/netns/$LINK-near" curl -sf -o "$1" "$2" &&
		chmod 755 "$1" && shift 2 && exec "$@"' x "$APPTAINER_FILE" \
		"http://$FAR_IP:11095/ns/image.sif" "${APPTAINER[@]}"
}

report() {
	python3 - "$OUT/osdf.csv" "$OUT/osdf.md" "$1" <<'PY'
import csv, statistics, sys
rows = {}
for row in csv.DictReader(open(sys.argv[1])):
    rows.setdefault(row["what"], []).append(row)
out = [sys.argv[3], "",
       "| what | started s | ready s | wire MB | requests | from the origin MB | failed |",
       "|---|---|---|---|---|---|---|"]
def median(list_, key, by=1):
    values = [float(r[key]) / by for r in list_ if r[key] != "" and r["status"] == "0"]
    return "%.2f" % statistics.median(values) if values else "-"
for what, list_ in rows.items():
    out.append("| %s | %s | %s | %s | %s | %s | %d |" % (
        what, median(list_, "started_s"), median(list_, "ready_s"),
        median(list_, "wire", 1e6), median(list_, "requests"),
        median(list_, "origin", 1e6), sum(r["status"] != "0" for r in list_)))
open(sys.argv[2], "w").write("\n".join(out) + "\n")
print("\n".join(out))
PY
}

if [ "$CODE" = true ]; then
	JOB=(sh -c 'echo started; true; echo ready')
else
	JOB=(sh -c "echo started; exec python3 -c $(printf '%q' "$CODE; print('ready')")")
fi
XROOTD_WORK=$DATA/lab
XROOTD_IN=(nsenter "--net=/run/netns/$LINK-far")
rm -rf "$XROOTD_WORK"
mkdir -p "$OUT" "$XROOTD_WORK/data/ns" "$DATA/home"
chmod 755 "$DATA" "$XROOTD_WORK"
chown "$USER_ID" "$DATA/home"
ln "$FILE" "$XROOTD_WORK/data/ns/image.sif" 2>/dev/null || cp "$FILE" "$XROOTD_WORK/data/ns/image.sif"
chmod a+r "$XROOTD_WORK/data/ns/image.sif"
ln "$XROOTD_WORK/data/ns/image.sif" "$XROOTD_WORK/data/ns/indexed.sif"
"$LAZYRUN" -q index --cache-dir "$DATA/index-cache" "$XROOTD_WORK/data/ns/indexed.sif" \
	-o "$XROOTD_WORK/data/ns/indexed.sif.lzi" || die "no index"
rm -rf "$DATA/index-cache"
chmod a+r "$XROOTD_WORK/data/ns/indexed.sif.lzi"
echo other >"$XROOTD_WORK/data/ns/other"
trap finish EXIT
trap 'exit 130' INT TERM
"$HERE/link.sh" down
"$HERE/link.sh" up "${WIRE%:*}" "${WIRE#*:}" || die "no link"
xrootd_origin 11094
xrootd_ready 11094 /ns/other || exit 1
xrootd_cache cache 11095 127.0.0.1:11094
xrootd_ready 11095 /ns/other || exit 1
xrootd_federation "$DATA/home/control" --listen 0.0.0.0 --cache "http://$FAR_IP:11095" \
	--origin "http://$FAR_IP:11094" || die "no federation"
apptainer_up
echo "what,run,started_s,ready_s,exit_s,status,wire,requests,origin" >"$OUT/osdf.csv"
for run in $(seq "$RUNS"); do
	lazyrun "lazyrun (XRootD cache cold)" cold "$run" image.sif
	lazyrun "lazyrun (XRootD cache warm)" warm "$run" image.sif
	lazyrun "lazyrun again" node "$run" image.sif
	lazyrun "lazyrun with an index (XRootD cache cold)" cold "$run" indexed.sif
	lazyrun "lazyrun with an index (XRootD cache warm)" warm "$run" indexed.sif
	[ ${#APPTAINER[@]} -gt 0 ] || continue
	whole "curl and Apptainer (XRootD cache cold)" cold "$run"
	whole "curl and Apptainer (XRootD cache warm)" warm "$run"
done
report "$(basename "$FILE") of $(stat -c %s "$FILE") bytes, \`$CODE\`, ${WIRE%:*} ms and ${WIRE#*:} Mbit/s, \
$RUNS runs each, medians; $(nproc) cores, Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg), \
TCP $(sysctl -n net.ipv4.tcp_congestion_control), lazyrun $(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null), $(date -u +%F)"
