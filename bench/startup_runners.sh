#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: startup_runners.sh [-n ROUNDS] [-b BUILD] [-s SIF] [-o FILE]
#
# How long `true` takes in a small image, by lazyrun in its several ways and by
# other runners, as an ordinary user, in turn: minimum and median in ms, and
# what each is of bwrap. As root (to become that user); PEERS names the folder
# that holds the sid tree with apptainer, when there is one. What is not
# installed is left out. Everything is cached before the first round.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rounds=40
build=$here/../build
sif=
output=/dev/stdout
while getopts n:b:s:o: option; do
	case $option in
	n) rounds=$OPTARG ;;
	b) build=$OPTARG ;;
	s) sif=$OPTARG ;;
	o) output=$OPTARG ;;
	*) exit 2 ;;
	esac
done
[ "$(id -u)" = 0 ] || { echo "root is needed, to become an ordinary user" >&2; exit 1; }
[ -x "$build/tools/lazyrun" ] && [ -x "$build/bench/in_turn" ] || {
	echo "no build in $build (-b)" >&2
	exit 1
}
user=${BENCH_USER:-u1}
uid=$(id -u "$user") || exit 1
gid=$(id -g "$user")
work=$(mktemp -d /tmp/lazyrun-bench.XXXXXX)
helpers=()
finish() {
	as_user lazyrun -q instance stop --all || true
	for pid in "${helpers[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
chmod 755 "$work"
mkdir "$work/bin" "$work/home"
cp "$build/tools/lazyrun" "$work/bin/"
chown "$uid:$gid" "$work/home"
PATH=$work/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export PATH HOME=$work/home USER=$user LAZYRUN_CACHEDIR=$work/home/cache
as_user() { setpriv --reuid="$uid" --regid="$gid" --clear-groups --inh-caps=-all "$@"; }
trap finish EXIT

# namespace COMMAND...: a process that keeps a mount namespace; prints its pid
namespace() {
	"$@" sleep 100000 >/dev/null 2>&1 &
	local top=$!
	for _ in $(seq 100); do
		pid=$(pgrep -f -n -P "$top" sleep || true)
		[ -n "$pid" ] || pid=$top
		[ "$(cat "/proc/$pid/comm")" = sleep ] && break
		sleep 0.05
	done
	helpers+=("$top")
}

# the image: busybox alone; as a layout, a directory, a SIF
bash "$here/../tests/integration/make_image.sh" tiny "${IMAGES:-$work/images}" >/dev/null 2>&1
layout=${IMAGES:-$work/images}/tiny
umoci raw unpack --rootless --image "$layout:1" "$work/dir" >/dev/null 2>&1
chown -R "$uid:$gid" "$work/dir"
image=oci:$layout:1
commands=()
add() { commands+=("$@" ---); }

as_user lazyrun -q exec "$image" true
add "lazyrun, OCI image" lazyrun exec --join never "$image" true
as_user lazyrun exec "$work/dir" true && add "lazyrun, directory" lazyrun exec "$work/dir" true
as_user lazyrun -q instance start "$image" bench
add "lazyrun, joining" lazyrun exec "$image" true
add "lazyrun, joining, -c" lazyrun exec -c "$image" true
add "lazyrun, joining, -C" lazyrun exec -C "$image" true
add "lazyrun, instance://" lazyrun exec instance://bench true

same=(--ro-bind /etc/hosts /etc/hosts --ro-bind /etc/resolv.conf /etc/resolv.conf --ro-bind /sys /sys)
binds=(--dev-bind /dev /dev --bind /tmp /tmp --bind /var/tmp /var/tmp "${same[@]}")
# as -C isolates
apart=(--unshare-pid --unshare-ipc --dev /dev --tmpfs /tmp --tmpfs /var/tmp --tmpfs /home "${same[@]}")
if command -v bwrap >/dev/null; then
	mkdir -p "$work"/dir/{dev,proc,sys,tmp,var/tmp,etc,home}
	touch "$work"/dir/etc/{hosts,resolv.conf}
	add "bwrap" bwrap --ro-bind "$work/dir" / "${binds[@]}" --bind /proc /proc true
	add "bwrap, own pids" bwrap --unshare-pid --ro-bind "$work/dir" / "${binds[@]}" --proc /proc true
	add "bwrap, all its own" bwrap --ro-bind "$work/dir" / "${apart[@]}" --proc /proc true
fi
if command -v ch-run >/dev/null; then
	mkdir -p "$work"/dir/{dev,proc,sys,tmp,etc,home,mnt,var/tmp,bin,usr/bin}
	touch "$work"/dir/etc/{passwd,group,hosts,resolv.conf,machine-id}
	as_user ch-run "$work/dir" -- true && add "ch-run" ch-run "$work/dir" -- true
fi
if command -v crun >/dev/null; then
	namespace unshare -m sh -c 'mount -t cgroup2 none /sys/fs/cgroup; exec "$@"' x
	mkdir "$work/bundle"
	(cd "$work/bundle" && crun spec --rootless >/dev/null && jq '.process.args = ["true"] |
		.process.terminal = false | .root.path = $dir' --arg dir "$work/dir" config.json >c &&
		mv c config.json)
	mkdir "$work/crun"
	chown "$uid:$gid" "$work/crun"
	crun=(crun --root "$work/crun" --cgroup-manager=disabled run -b "$work/bundle" x)
	nsenter -m -t "$pid" setpriv --reuid="$uid" --regid="$gid" --clear-groups "${crun[@]}" &&
		add "crun@$pid" "${crun[@]}" || echo "crun does not run here" >&2
fi
insid=${INSID:-/work/shared/lab/peers/insid}
if [ -n "${PEERS:-}" ] && [ -x "$insid" ] && [ -x "$PEERS/sid/usr/bin/apptainer" ]; then
	namespace "$insid"
	there=$(awk -F: '$1 == "u1" {print $3 ":" $4}' "$PEERS/sid/etc/passwd")
	apptainer=(nsenter -m -t "$pid" setpriv --reuid="${there%:*}" --regid="${there#*:}" --clear-groups
		--inh-caps=-all env HOME=/tmp/bench)
	inside=$PEERS/sidtmp/bench
	rm -rf "$inside"
	mkdir -p "$inside"
	cp -a "$work/dir" "$inside/dir"
	chown -R "$there" "$inside"
	[ -n "$sif" ] || {
		"${apptainer[@]}" apptainer -q build /tmp/bench/image.sif /tmp/bench/dir
		sif=$inside/image.sif
	}
	[ -e "$inside/image.sif" ] || cp "$sif" "$inside/image.sif"
	add "apptainer, directory@$pid:$there" env HOME=/tmp/bench apptainer exec /tmp/bench/dir true
	add "apptainer, SIF@$pid:$there" env HOME=/tmp/bench apptainer exec /tmp/bench/image.sif true
fi
if [ -n "$sif" ] && as_user lazyrun -q exec "$sif" true; then
	add "lazyrun, SIF" lazyrun exec "$sif" true
else
	echo "lazyrun, SIF: left out" >&2
fi
add "fork and exec alone" true
{
	printf '%-28s %8s %8s %8s\n' "" "min ms" "median" "of bwrap"
	setpriv --inh-caps=-all "$build/bench/in_turn" -n "$rounds" -u "$uid:$gid" "${commands[@]}" >"$work/result"
	awk '{rest = $0; median[NR] = $NF; line[NR] = rest; if ($1 == "bwrap" && NF == 3) bwrap = $NF}
		END {for (i = 1; i <= NR; i++) if (bwrap) printf "%s %8.2f\n", line[i], median[i] / bwrap; else print line[i]}' \
		"$work/result"
} | tee "$output"
