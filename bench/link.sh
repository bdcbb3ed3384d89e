#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# link.sh: two network namespaces, "near" and "far", joined by a link with a
# round trip time and a rate.  Root; Linux with TUN; nothing else.
#
#   link.sh up [RTT_MS [RATE_MBIT]]    make both and the link (0 0: loopback-like)
#   link.sh set RTT_MS RATE_MBIT       another link between the same namespaces:
#                                      servers in "far" stay
#   link.sh exec near|far COMMAND...   run a command inside
#   link.sh env                        NEAR, FAR (namespaces), NEAR_IP, FAR_IP, ...
#   link.sh counters                   bytes and packets so far, as seen by "near":
#                                      received, sent (IP bytes)
#   link.sh down                       end what runs inside, remove everything
#
# LINK=NAME (default lazyrun) names the pair: namespaces NAME-near, NAME-far in
# /run/netns.  Every pair is on its own; any number may exist.  NEAR=NAME and
# FAR=NAME are namespaces that several pairs share: LINK=n1 FAR=hub NET=1, LINK=n2
# FAR=hub NET=2, LINK=up NEAR=hub FAR=origin NET=3.
#
#   NET=N       the pair's network 10.77.N.0/24 (0): near .1, far .2
#   MTU=N       of the link (1500)
#   QUEUE_KB=N  the router's buffer (twice the bandwidth-delay product, 512 at
#               least: TCP's slow start loses nothing in it)
#   CC=NAME     TCP congestion control in both (the machine's own; one that is not
#               in net.ipv4.tcp_allowed_congestion_control is added there).  cubic
#               takes the bursts of an emulated link for a full queue and stays
#               below 100 Mbit/s for seconds at 80 ms; bbr does not.
#
# TCP's buffers in both namespaces grow to 4 times the bandwidth-delay product
# (6 MiB at least, Linux's default); routes' metrics are not kept, so that no
# run teaches the next one.  Without `ip netns exec` (which hides cgroups) a
# program enters by: nsenter --net=/run/netns/NAME-near COMMAND.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
LINK=${LINK:-lazyrun}
NEAR=${NEAR:-$LINK-near}
FAR=${FAR:-$LINK-far}
NET=${NET:-0}
NEAR_IP=10.77.$NET.1
FAR_IP=10.77.$NET.2
MTU=${MTU:-1500}
CC=${CC:-$(sysctl -n net.ipv4.tcp_congestion_control)}
STATE=/run/lazyrun-link/$LINK
NEAR_DEVICE=lzn$NET
FAR_DEVICE=lzf$NET

die() { echo "link.sh: $*" >&2; exit 1; }
usage() { sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }
inside() { nsenter --net="/run/netns/$1" "${@:2}"; }

# program: the link program, compiled when it is not there or is older
program() {
	local built=/run/lazyrun-link/link
	if [ -n "${LINK_PROGRAM:-}" ]; then
		echo "$LINK_PROGRAM"
		return
	fi
	if [ ! "$built" -nt "$HERE/link.c" ]; then
		cc -O2 -D_GNU_SOURCE -o "$built.$$" "$HERE/link.c"
		mv "$built.$$" "$built"
	fi
	echo "$built"
}

make_end() { # NAMESPACE DEVICE ADDRESS
	ip netns add "$1" 2>/dev/null || true
	inside "$1" ip link set lo up
	inside "$1" ip tuntap add dev "$2" mode tun vnet_hdr
	inside "$1" ip address add "$3/24" dev "$2"
	inside "$1" ip link set "$2" mtu "$MTU" txqueuelen 1000 up
}

tune_end() { # NAMESPACE DEVICE BUFFER GSO
	inside "$1" sysctl -q -w "net.ipv4.tcp_rmem=4096 131072 $3" \
		"net.ipv4.tcp_wmem=4096 65536 $3" net.ipv4.tcp_no_metrics_save=1
	inside "$1" sysctl -q -w "net.ipv4.tcp_congestion_control=$CC" 2>/dev/null || {
		sysctl -q -w "net.ipv4.tcp_allowed_congestion_control=$(
			sysctl -n net.ipv4.tcp_allowed_congestion_control) $CC"
		inside "$1" sysctl -q -w "net.ipv4.tcp_congestion_control=$CC"
	}
	inside "$1" ip link set "$2" gso_max_size "$4"
}

stop_program() {
	local pid i
	pid=$(cat "$STATE/pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || true
	for i in $(seq 100); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.02
	done
	rm -f "$STATE/pid"
}

start_program() { # RTT_MS RATE_MBIT
	local bdp=$((($2 ? $2 : 10000) * 125 * $1)) queue_kb buffer gso i
	queue_kb=${QUEUE_KB:-$((bdp / 512 > 512 ? bdp / 512 : 512))}
	buffer=$((4 * bdp > 6291456 ? 4 * bdp : 6291456))
	# a packet handed over in one piece takes a millisecond of the line at most
	gso=$(($2 && $2 * 125 < 65536 ? $2 * 125 : 65536))
	[ $gso -ge $((2 * MTU)) ] || gso=$((2 * MTU))
	[ $gso -le 65536 ] || gso=65536
	tune_end "$NEAR" "$NEAR_DEVICE" $buffer $gso
	tune_end "$FAR" "$FAR_DEVICE" $buffer $gso
	: >"$STATE/ready"
	setsid "$(program)" "/run/netns/$NEAR" "/run/netns/$FAR" "$NEAR_DEVICE" \
		"$FAR_DEVICE" "$1" "$2" "$queue_kb" >"$STATE/ready" \
		2>>"$STATE/log" </dev/null &
	echo $! >"$STATE/pid"
	for i in $(seq 250); do
		! grep -q ready "$STATE/ready" || break
		kill -0 "$(cat "$STATE/pid")" 2>/dev/null ||
			die "the link program ended: $(tail -n 1 "$STATE/log")"
		sleep 0.02
	done
	grep -q ready "$STATE/ready" || die "the link program did not start"
	echo "RTT_MS=$1 RATE_MBIT=$2 QUEUE_KB=$queue_kb MTU=$MTU CC=$CC" >"$STATE/settings"
}

up() {
	[ ! -e "$STATE/pid" ] || die "$LINK is up: link.sh down first, or set LINK"
	[ -c /dev/net/tun ] || die "/dev/net/tun is missing (modprobe tun)"
	mkdir -p "$STATE"
	: >"$STATE/log"
	make_end "$NEAR" "$NEAR_DEVICE" "$NEAR_IP"
	make_end "$FAR" "$FAR_DEVICE" "$FAR_IP"
	start_program "${1:-20}" "${2:-1000}"
}

# end_inside NAMESPACE: ends every process in it
end_inside() {
	local pids
	pids=$(ip netns pids "$1" 2>/dev/null) || return 0
	[ -z "$pids" ] || kill $pids 2>/dev/null || true
	for _ in $(seq 50); do
		[ -n "$(ip netns pids "$1")" ] || return 0
		sleep 0.1
	done
	pids=$(ip netns pids "$1")
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
}

down() {
	local namespace
	stop_program
	inside "$FAR" ip link delete "$FAR_DEVICE" 2>/dev/null || true
	inside "$NEAR" ip link delete "$NEAR_DEVICE" 2>/dev/null || true
	for namespace in "$NEAR" "$FAR"; do
		[ -e "/run/netns/$namespace" ] || continue
		# a hub that others share stays until the last one goes
		! inside "$namespace" ip -o link | grep -q ': lz[nf][0-9]' || continue
		end_inside "$namespace"
		ip netns delete "$namespace" 2>/dev/null || true
	done
	rm -rf "$STATE"
}

counters() {
	inside "$NEAR" awk -v device="$NEAR_DEVICE:" '$1 == device {
		print "received_bytes=" $2, "received_packets=" $3,
			"sent_bytes=" $10, "sent_packets=" $11 }' /proc/net/dev
}

[ $# -gt 0 ] || { usage; exit 2; }
what=$1
shift
case $what in
up) up "$@" ;;
set)
	[ $# = 2 ] || die "set RTT_MS RATE_MBIT"
	[ -e "$STATE/pid" ] || die "$LINK is not up"
	stop_program
	start_program "$1" "$2"
	;;
exec)
	case ${1:-} in
	near) shift; exec nsenter --net="/run/netns/$NEAR" "$@" ;;
	far) shift; exec nsenter --net="/run/netns/$FAR" "$@" ;;
	*) die "exec near|far COMMAND..." ;;
	esac
	;;
env)
	echo "LINK=$LINK NEAR=$NEAR FAR=$FAR NEAR_IP=$NEAR_IP FAR_IP=$FAR_IP"
	cat "$STATE/settings" 2>/dev/null || true
	;;
counters) counters ;;
down) down ;;
-h | --help | help) usage ;;
*) usage >&2; exit 2 ;;
esac
