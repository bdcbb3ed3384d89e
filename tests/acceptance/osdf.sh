#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
# An image in a federation of real servers: an XRootD origin, two XRootD disk
# caches, found through discovery and a director.  What happens when the origin
# hangs, is killed, replaces the object; when a cache is killed and comes back;
# with an index and without one.
#
# LAZYRUN=... bash tests/acceptance/osdf.sh      root; skips without XRootD
# OSDF_IMAGE=FILE.sif OSDF_JOB="COMMAND"         another image and job
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${OSDF_INSIDE:-}" != 1 ] && [ "$(id -u)" = 0 ]; then
	OSDF_INSIDE=1 exec unshare -n bash "${BASH_SOURCE[0]}" "$@"
fi
. "$HERE/../integration/lib.sh"
. "$HERE/../acceptance/xrootd.sh"
[ -z "$(xrootd_missing)" ] || skip "$(xrootd_missing)"
need mksquashfs
need busybox
ip link set lo up
XROOTD_WORK=$WORK/lab
mkdir -p "$XROOTD_WORK/data/ns"

make_tree() { # DIR SEED: a busybox and sixteen files of 1 MiB, as one seed has them
	local i
	mkdir -p "$1"/{bin,data,tmp,proc,sys,dev,etc}
	cp "$(command -v busybox)" "$1/bin/busybox"
	for i in sh sha256sum cat true ls usleep; do ln -sf busybox "$1/bin/$i"; done
	for i in $(seq 16); do
		openssl enc -aes-128-ctr -pass "pass:$2$i" -nosalt -pbkdf2 </dev/zero 2>/dev/null |
			head -c 1048576 >"$1/data/$i"
	done
}

# of the same size: what a rewritten object looks like at its worst
make_tree "$WORK/tree" one
make_tree "$WORK/other" two
for t in tree other; do
	mksquashfs "$WORK/$t" "$WORK/$t.sqfs" -comp zstd -no-progress -quiet -mkfs-time 0 \
		-all-time 0 -all-root >/dev/null || skip "mksquashfs"
done
IMAGE=osdf:///ns/image.sqfs
cp "$WORK/tree.sqfs" "$XROOTD_WORK/data/ns/image.sqfs"
JOB='sha256sum /data/*'
WANTED=$(cd "$WORK/tree" && sha256sum data/* | sed 's# data# /data#' | sort)

xrootd_origin 11094
servers+=("$(cat "$XROOTD_WORK/origin.pid")")
xrootd_ready 11094 /ns/image.sqfs || exit 1
for n in 1 2; do
	xrootd_cache "cache$n" "1110$n" 127.0.0.1:11094
	servers+=("$(cat "$XROOTD_WORK/cache$n.pid")")
done
for n in 1 2; do xrootd_ready "1110$n" /ns/image.sqfs || exit 1; done
xrootd_federation "$WORK/control" --cache http://127.0.0.1:11101 \
	--cache http://127.0.0.1:11102 --origin http://127.0.0.1:11094 || exit 1
servers+=("$FEDERATION_PID")
export LAZYRUN_FEDERATION=127.0.0.1:$FEDERATION_PORT

fresh() { # a cache of the node with nothing in it
	export LAZYRUN_CACHEDIR=$WORK/home/cache-$1
	rm -rf "$LAZYRUN_CACHEDIR"
}

run() { # ARGUMENT...: exec, its sorted output; status kept in $status
	as_user timeout 120 "$LAZYRUN" -q exec "$@" 2>"$WORK/err" | sort
	status=${PIPESTATUS[0]}
}

echo "--- cold: discovery, director, a cache"
fresh cold
start=$(date +%s.%N)
out=$(run --statistics "$WORK/home/stats" "$IMAGE" sh -c "$JOB")
equal "the files' digests" "$WANTED" "$out"
python3 - "$WORK/home/stats" <<'P'
import json, sys
s = json.load(open(sys.argv[1]))
print("fetched %d bytes in %d ranges, %d requests; started after %.0f ms"
      % (s["bytes_fetched"], s["ranges_fetched"], s["http_requests"], s["started_ms"]))
P

echo "--- an index, then nothing but its digests is believed"
as_user "$LAZYRUN" -q index "$IMAGE" -o "$WORK/home/image.lzi" 2>"$WORK/err" ||
	fault "index: $(cat "$WORK/err")"
fresh indexed
equal "with an index" "$WANTED" "$(run --index "$WORK/home/image.lzi" "$IMAGE" sh -c "$JOB")"

echo "--- the origin hangs behind empty caches, then goes on"
for n in 1 2; do xrootd_empty "cache$n" "1110$n" 127.0.0.1:11094; servers+=("$(cat "$XROOTD_WORK/cache$n.pid")"); done
for n in 1 2; do xrootd_ready "1110$n" /ns/image.sqfs || exit 1; done
fresh hang
xrootd_kill origin STOP
(sleep 12; xrootd_kill origin CONT) &
servers+=($!)
equal "after the origin hung" "$WANTED" "$(run --index "$WORK/home/image.lzi" "$IMAGE" sh -c "$JOB")"

# halves WHAT ARGUMENT...: a job that has read half of the files and waits for
# go_on to read the others; what it printed is in $WORK/out, its process $job
user_folder "$WORK/home/sync"
halves() {
	local what=$1
	shift
	rm -f "$WORK/home/sync"/*
	as_user timeout 120 "$LAZYRUN" -q exec --bind "$WORK/home/sync:/sync" "$@" "$IMAGE" sh -c '
		sha256sum /data/[1-8]; echo >/sync/half
		until [ -e /sync/go ]; do usleep 100000; done; sha256sum /data/9 /data/1?' >"$WORK/out" 2>"$WORK/err" &
	job=$!
	wait_for "$what: the first half" test -e "$WORK/home/sync/half"
}
go_on() { touch "$WORK/home/sync/go"; }
right() { comm -12 <(printf '%s\n' "$WANTED") <(sort "$WORK/out") | wc -l; }
wrong() { comm -13 <(printf '%s\n' "$WANTED") <(grep -E '^[0-9a-f]{64} ' "$WORK/out" | sort); }

for index in "--index=$WORK/home/image.lzi" --local-index; do
	echo "--- a cache is killed in mid-read, and comes back ($index)"
	fresh killed
	halves "a cache killed" "$index"
	xrootd_kill cache1 STOP # so that what is asked of it is under way when it dies
	go_on
	sleep 1
	xrootd_kill cache1 KILL
	wait "$job" || fault "with a cache killed: $(cat "$WORK/err")"
	equal "with a cache killed" 16 "$(right)"
	xrootd_start cache1
	servers+=("$(cat "$XROOTD_WORK/cache1.pid")")
	xrootd_ready 11101 /ns/image.sqfs || exit 1
done

for index in "--index=$WORK/home/image.lzi" --local-index; do
	echo "--- the origin is killed behind caches that have nothing of the rest: EIO in time, no wrong byte ($index)"
	for n in 1 2; do xrootd_empty "cache$n" "1110$n" 127.0.0.1:11094; servers+=("$(cat "$XROOTD_WORK/cache$n.pid")"); done
	for n in 1 2; do xrootd_ready "1110$n" /ns/image.sqfs || exit 1; done
	fresh origin-killed
	halves "the origin killed" "$index" --read-timeout 5s
	xrootd_kill origin KILL
	start_s=$SECONDS
	go_on
	wait "$job" && fault "with the origin killed: it succeeded"
	echo "it ended after $((SECONDS - start_s)) s: $(grep -m 1 '^level=error' "$WORK/err")"
	contains "with the origin killed" "Input/output error" "$(cat "$WORK/err")"
	equal "with the origin killed: what was wrong" "" "$(wrong)"
	[ "$(right)" -ge 8 ] || fault "with the origin killed: of what was read before, $(right) of 8"
	xrootd_start origin
	servers+=("$(cat "$XROOTD_WORK/origin.pid")")
	xrootd_ready 11094 /ns/image.sqfs || exit 1
done

echo "--- the object is replaced by another of the same size behind half-filled caches"
for n in 1 2; do xrootd_empty "cache$n" "1110$n" 127.0.0.1:11094; servers+=("$(cat "$XROOTD_WORK/cache$n.pid")"); done
for n in 1 2; do
	xrootd_ready "1110$n" /ns/image.sqfs || exit 1
	curl -sS -o /dev/null -r 0-4194303 "http://127.0.0.1:1110$n/ns/image.sqfs"
done
if [ "$(stat -c %s "$WORK/tree.sqfs")" != "$(stat -c %s "$WORK/other.sqfs")" ]; then
	size=$(stat -c %s "$WORK/tree.sqfs")
	head -c "$size" "$WORK/other.sqfs" | cat - /dev/zero | head -c "$size" >"$WORK/new"
else
	cp "$WORK/other.sqfs" "$WORK/new"
fi
cp "$WORK/new" "$XROOTD_WORK/data/ns/image.sqfs"
fresh replaced
out=$(run --index "$WORK/home/image.lzi" "$IMAGE" sh -c "$JOB")
wrong=$(comm -13 <(printf '%s\n' "$WANTED") <(printf '%s\n' "$out" | grep -E '^[0-9a-f]{64} '))
equal "digests of replaced bytes that reached the job" "" "$wrong"
echo "of 16 files $(printf '%s\n' "$out" | grep -cE '^[0-9a-f]{64} ') could still be read, the others failed"

echo "--- the origin is gone: what caches have is read, the rest fails in time"
cp "$WORK/tree.sqfs" "$XROOTD_WORK/data/ns/image.sqfs"
for n in 1 2; do xrootd_empty "cache$n" "1110$n" 127.0.0.1:11094; servers+=("$(cat "$XROOTD_WORK/cache$n.pid")"); done
for n in 1 2; do xrootd_ready "1110$n" /ns/image.sqfs || exit 1; done
curl -sS -o /dev/null "http://127.0.0.1:11102/ns/image.sqfs"
fresh gone
xrootd_kill origin KILL
equal "from the cache that has it all" "$WANTED" "$(run --index "$WORK/home/image.lzi" "$IMAGE" sh -c "$JOB")"

echo "--- names that are wrong"
xrootd_start origin
servers+=("$(cat "$XROOTD_WORK/origin.pid")")
xrootd_ready 11094 /ns/image.sqfs || exit 1
fresh wrong
run osdf:///ns/none true >/dev/null
contains "no such object" "no such object" "$(cat "$WORK/err")"
run osdf:///elsewhere/a true >/dev/null
contains "another namespace" "no such object in this federation" "$(cat "$WORK/err")"
echo "done in $(awk -v s="$start" -v e="$(date +%s.%N)" 'BEGIN {printf "%.0f", e - s}') s"
