#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# startup.sh: how long until a program in an image has started, over a link, by
# lazyrun and by what people use today; each run's time, bytes, requests.
#
#   startup.sh [-i IMAGES] [-l LINKS] [-t TOOLS] [-n RUNS] [-r REGISTRY]
#              [-s SECONDS] [-o DIR]
#   startup.sh prepare [-i ...] [-t ...]   make what is made once: images, SIFs,
#                                      indexes, unpacked directories (a long time)
#   startup.sh list                    the images and tools, and what is missing
#   startup.sh report [-o DIR]         tables and plots of what is in DIR
#   startup.sh down                    end what an interrupted run left
#
#   -i "scipy torch-cuda files model"  images (scipy); made when missing
#   -l "20:1000 80:50"                 links, RTT in ms : Mbit/s (20:1000)
#   -t "lazyrun podman ..."            tools (those of `list` that can run)
#   -n 5      runs of each, in turn: every tool once, then again; "podman=1" in -t
#             is fewer of that one
#   -r nginx  who sends the blobs: docker (docker-registry itself: Go, in a third of
#             a second of CPU time for 41 MB, on the cores that are measured), nginx
#             in front of it, or storage (a redirect, as from Docker Hub)
#   -s 3600   no run begins later, and none lasts longer; `prepare` is not counted
#   -k        keep to what has been made: a tool that lacks its SIF or its index of
#             an image is left out for that image, instead of waiting for it
#   -o DIR    results.csv, results.md, *.svg, *.png, traces, statistics, logs; runs that
#             results.csv has already are not repeated: an interrupted
#             measurement is continued by the same command
#
# STARTUP_DATA   images, registry, SIFs (/var/tmp/lazyrun-startup)
# LAZYRUN        the binary measured (build-tests/release/tools/lazyrun)
# PEERS          a tree with the other tools in $PEERS/sid; without it they are
#                left out.  INSID: the command that runs something inside it.
#
# Root.  One machine: a registry with TLS and a web server are in one network
# namespace, everything measured in another, bench/link.sh between them.
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
DATA=${STARTUP_DATA:-/var/tmp/lazyrun-startup}
OUT=
IMAGES=scipy
LINKS=20:1000
TOOLS=
RUNS=5
REGISTRY_KIND=nginx
SECONDS_MAX=86400
ONLY_MADE=
UNMADE=
RUN_SECONDS_MAX=900
export LINK=${LINK:-startup}
NEAR=$LINK-near
FAR_IP=10.77.0.2
REGISTRY=$FAR_IP:5000
WEB=https://$FAR_IP:8443

die() { echo "startup.sh: $*" >&2; exit 1; }
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
usage() { sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

. "$HERE/servers.sh"
. "$HERE/startup_tools.sh"

# report: with the python that has matplotlib, which need not be the first
report() {
	local python
	for python in python3 /usr/bin/python3; do
		! "$python" -c 'import matplotlib' 2>/dev/null || break
	done
	"$python" "$HERE/startup_report.py" "$OUT"
}

received() { "$HERE/link.sh" counters | sed 's/received_bytes=\([0-9]*\).*/\1/'; }

finish() {
	tools_down
	servers_down
	"$HERE/link.sh" down
	rm -rf "$DATA/removed"
}

# ---- one run ----

has_row() { # IMAGE RTT RATE TOOL RUN
	grep -q "^[^,]*,$1,$2,$3,$4,$5," "$OUT/results.csv"
}

left_s() { echo $((SECONDS_MAX - SECONDS)); }

measure() { # IMAGE RTT RATE TOOL RUN
	local key=$1-$2-$3-$4-$5 bytes before after_requests json limit left
	TRACE=$OUT/traces/$key.jsonl
	STATISTICS=$OUT/statistics/$key.json
	rm -f "$TRACE" "$STATISTICS"
	local log=$OUT/logs/$key.log
	: >"$log"
	CMD=()
	"prepare_${4//-/_}" "$1" >>"$log" 2>&1 || { say "$key: cannot be prepared: $log"; return; }
	sync
	bytes=$(received)
	before=$(requests)
	left=$(left_s)
	limit=$((left < RUN_SECONDS_MAX ? left : RUN_SECONDS_MAX))
	[ "$limit" -gt 0 ] || return 0
	json=$("$HERE/timed.py" "$limit" "$log" "${CMD[@]}") || return
	if [ "$limit" -lt "$RUN_SECONDS_MAX" ] && [ "$(left_s)" -le 0 ]; then
		say "$key: cut off by -s, to be run again"
		return
	fi
	sleep 0.2
	after_requests=$(($(requests) - before))
	# XRootD writes no log of them: lazyrun's own count
	before=$(grep -c '"event":"request"' "$TRACE" 2>/dev/null)
	[ "${before:-0}" -le "$after_requests" ] || after_requests=$before
	bytes=$(($(received) - bytes))
	python3 - "$json" "$(date -u +%FT%TZ),$1,$2,$3,$4,$5" "$bytes" \
		"$after_requests" "$(cut -d' ' -f1 /proc/loadavg)" <<'PY' |
import json, sys
j = json.loads(sys.argv[1])
cells = ["" if j[k] is None else j[k] for k in ("pulled_s", "started_s", "ready_s", "exit_s", "status")]
print(",".join([sys.argv[2], *map(str, cells), *sys.argv[3:]]))
PY
		tee -a "$OUT/results.csv" >&2
	! declare -F "after_${4//-/_}" >/dev/null || "after_${4//-/_}" "$1" >>"$log" 2>&1
}

# What is made once, over a line without limits.
make_all() {
	local image tool
	for image in $IMAGES; do
		for tool in $TOOLS; do
			tool=${tool%=*}
			declare -F "make_${tool//-/_}" >/dev/null || continue
			TRACE=/dev/null
			STATISTICS=/dev/null
			"make_${tool//-/_}" "$image" >>"$OUT/logs/make-$image-$tool.log" 2>&1 ||
				{
					say "$image for $tool is left out: $OUT/logs/make-$image-$tool.log"
					UNMADE+=" $image/$tool"
					LEFT_OUT+="$image	$tool	$(tail -n 1 "$OUT/logs/make-$image-$tool.log")"$'\n'
				}
		done
	done
}

conditions() {
	printf '%s cores (%s), Linux %s, load %s at the start, TCP %s, blobs by %s, lazyrun %s, %s\n' \
		"$(nproc)" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
		"$(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)" \
		"$(sysctl -n net.ipv4.tcp_congestion_control)" "$REGISTRY_KIND" \
		"$(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || "$LAZYRUN" version)" \
		"$(date -u +%F)"
}

runs_of() { case $1 in *=*) echo "${1#*=}" ;; *) echo "$RUNS" ;; esac; }

run_all() {
	local image link tool run rtt rate
	for link in $LINKS; do
		rtt=${link%:*} rate=${link#*:}
		"$HERE/link.sh" set "$rtt" "$rate" || die "no link $link"
		for image in $IMAGES; do
			for run in $(seq "$RUNS"); do
				for tool in $TOOLS; do
					[ "$run" -le "$(runs_of "$tool")" ] || continue
					tool=${tool%=*}
					case " $UNMADE " in *" $image/$tool "*) continue ;; esac
					! has_row "$image" "$rtt" "$rate" "$tool" "$run" || continue
					if [ "$(left_s)" -le 0 ]; then
						say "the time is up; the same command continues"
						return
					fi
					measure "$image" "$rtt" "$rate" "$tool" "$run"
				done
			done
		done
	done
}

main() {
	[ "$(id -u)" = 0 ] || die "needs root: network namespaces, other tools' daemons"
	[ -x "$LAZYRUN" ] || die "no lazyrun at $LAZYRUN (set LAZYRUN)"
	local image
	for image in docker-registry nginx openssl curl python3; do
		command -v $image >/dev/null || die "$image is missing (tools/install-deps.sh bench)"
	done
	mkdir -p "$DATA/registry" "$DATA/www" "$OUT/traces" "$OUT/statistics" "$OUT/logs"
	chmod 755 "$DATA" "$DATA/www"
	chmod 777 "$OUT/traces" "$OUT/statistics"
	for image in $IMAGES; do
		say "image $image"
		bash "$HERE/make_image.sh" "$image" "$DATA/layouts" ||
			die "the image $image could not be made"
		python3 "$HERE/registry_tree.py" "$DATA/registry" "$DATA/layouts/$image"
	done
	make_certificates "$FAR_IP"
	[ -f "$OUT/results.csv" ] ||
		echo "date,image,rtt_ms,rate_mbit,tool,run,pulled_s,started_s,ready_s,exit_s,status,wire_bytes,requests,load" >"$OUT/results.csv"
	trap finish EXIT
	trap 'exit 130' INT TERM
	"$HERE/link.sh" down
	"$HERE/link.sh" up 0 0 || die "no link"
	start_registry "$LINK-far" "$REGISTRY_KIND"
	start_web "$LINK-far"
	wait_for_server "$NEAR" "https://$REGISTRY/v2/"
	wait_for_server "$NEAR" "$WEB/"
	tools_up
	say "making what is missing"
	make_all
	printf '%s' "$LEFT_OUT" >"$OUT/not-run.tsv"
	[ "$what" = run ] || return 0
	SECONDS=0
	conditions >>"$OUT/conditions.txt"
	run_all
	report
}

what=run
case ${1:-} in
prepare | list | report | down) what=$1; shift ;;
-h | --help | help) usage; exit 0 ;;
esac
while getopts i:l:t:n:r:s:o:k option; do
	case $option in
	i) IMAGES=$OPTARG ;;
	l) LINKS=$OPTARG ;;
	t) TOOLS=$OPTARG ;;
	n) RUNS=$OPTARG ;;
	r) REGISTRY_KIND=$OPTARG ;;
	s) SECONDS_MAX=$OPTARG ;;
	k) ONLY_MADE=1 ;;
	o) OUT=$OPTARG ;;
	*) usage >&2; exit 2 ;;
	esac
done
OUT=${OUT:-$DATA/results}
case $what in
list) tools_list ;;
report) report ;;
down) finish ;;
run | prepare)
	tools_choose
	main
	;;
esac
