#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 600
# Counts that must not creep up, on a real image (Debian, Python, scipy):
# bytes, ranges and FUSE requests of a start, the index's size, the server's
# private memory.  Times are bench/figures.sh's business.
. "$(dirname "$0")/lib.sh"
need umoci
layout=$(image_layout scipy) || { echo "$layout"; exit 77; }
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/scipy:1
lr() { as_user "$LAZYRUN" -q "$@"; }
number() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2"; }
percent() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", 100 * a / b}'; }

lr --cache-dir "$WORK/home/other" --json index "$IMAGE" -o "$WORK/home/scipy.lzi" >"$WORK/index"
image=$(number image_bytes "$WORK/index")
at_most "index, % of the image" 1.2 "$(percent "$(number index_bytes "$WORK/index")" "$image")"
at_most "of it to mount, %" 0.3 "$(percent "$(number mount_bytes "$WORK/index")" "$image")"

start() { # FILE [OPTION...]: one start, its statistics in FILE
	: >"$REGISTRY_LOG"
	rm -f "$WORK/home/statistics"
	lr exec --index "$WORK/home/scipy.lzi" --statistics "$WORK/home/statistics" \
		--no-home --pwd / "${@:2}" "$IMAGE" python3 -c 'import scipy.stats' ||
		fault "import scipy.stats"
	mv "$WORK/home/statistics" "$1"
}
start "$WORK/cold" --hints=off
# 9.3 % on Debian 12's packages of November 2026; others may lie otherwise.
at_most "cold: bytes fetched, % of the image" 9.8 \
	"$(percent "$(number bytes_fetched "$WORK/cold")" "$image")"
at_most "cold: ranges" 300 "$(number ranges_fetched "$WORK/cold")"
at_most "cold: blob requests beyond the ranges" 1 \
	"$(($(blob_requests) - $(number ranges_fetched "$WORK/cold")))"
# 2,269, of whichever start, on Debian 12's packages of November 2026.
at_most "cold: FUSE requests" 2500 "$(number fuse_requests "$WORK/cold")"
# of the manifest too: the tag, once
at_most "cold: HTTP requests beyond the ranges" 4 \
	"$(($(number http_requests "$WORK/cold") - $(number ranges_fetched "$WORK/cold")))"
cold=$(number bytes_touched "$WORK/cold")
# the same, with what the index knows to be needed
rm -rf "$WORK/cache/chunks"
start "$WORK/hints" --profile=off
at_most "with hints: HTTP requests (bytes / 1 MiB + 20)" \
	"$(awk -v b="$(number bytes_fetched "$WORK/hints")" 'BEGIN {print int(b / 1048576) + 20}')" \
	"$(number http_requests "$WORK/hints")"
at_most "with hints: HTTP requests beyond the ranges" 4 \
	"$(($(number http_requests "$WORK/hints") - $(number ranges_fetched "$WORK/hints")))"
at_most "with hints: FUSE requests" 2500 "$(number fuse_requests "$WORK/hints")"
# 9.9 % on Debian 12's packages of November 2026.
at_most "with hints: bytes fetched, % of the image" 10 \
	"$(percent "$(number bytes_fetched "$WORK/hints")" "$image")"
at_most "with hints: chunks read that were not hinted, %" 20 \
	"$(percent "$(($(number chunks_touched "$WORK/hints") - $(number hint_used "$WORK/hints")))" \
		"$(number chunks_touched "$WORK/hints")")"
at_most "with hints: chunks hinted that were not read, %" 10 \
	"$(percent "$(($(number hint_wanted "$WORK/hints") - $(number hint_used "$WORK/hints")))" \
		"$(number hint_wanted "$WORK/hints")")"
# the same in an instance, which is told the command by who joins
rm -rf "$WORK/cache/chunks"
lr instance start --index "$WORK/home/scipy.lzi" "$IMAGE" kept || fault "instance start"
: >"$REGISTRY_LOG"
lr exec --index "$WORK/home/scipy.lzi" --profile=off --no-home --pwd / "$IMAGE" \
	python3 -c 'import scipy.stats' || fault "import in an instance"
at_most "with hints in an instance: requests for a blob" 100 "$(blob_requests)"
lr instance stop kept
# a mount follows what is read, too
chunks_of_mount() {
	as_user python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.lazyrun.chunks_fetched").decode())' "$WORK/mnt"
}
read_in_mount() { # --hints VALUE: the first bytes of a program, in a mount of its own
	wait_for "an empty cache" rm -rf "$WORK/cache/chunks" # what is still coming
	lr mount --hints "$1" --index "$WORK/home/scipy.lzi" "$IMAGE" "$WORK/mnt" || fault "mount"
	as_user head -c 4 "$WORK/mnt/usr/bin/python3" >/dev/null
}
more_than() { [ "$(chunks_of_mount)" -gt "$1" ]; }
if command -v fusermount3 >/dev/null; then
	user_folder "$WORK/mnt"
	read_in_mount off
	alone=$(chunks_of_mount)
	lr umount "$WORK/mnt"
	read_in_mount auto
	wait_for "more than $alone chunks, with hints" more_than "$alone"
	lr umount "$WORK/mnt"
fi
# the same start with the profile that the first one left
rm -rf "$WORK/cache/chunks"
start "$WORK/profile"
at_most "with a profile: bytes fetched, % of those touched" 112.5 \
	"$(percent "$(number bytes_fetched "$WORK/profile")" "$cold")"
at_most "with a profile: HTTP requests (bytes / 1 MiB + 20)" \
	"$(awk -v b="$(number bytes_fetched "$WORK/profile")" 'BEGIN {print int(b / 1048576) + 20}')" \
	"$(number http_requests "$WORK/profile")"
# 9.9 % on Debian 12's packages of November 2026, and 55 requests.
at_most "with a profile: bytes fetched, % of the image" 10 \
	"$(percent "$(number bytes_fetched "$WORK/profile")" "$image")"
at_most "with a profile: FUSE requests" 2500 "$(number fuse_requests "$WORK/profile")"
start "$WORK/warm"
equal "warm: requests for a blob" 0 "$(blob_requests)"
equal "warm: HTTP requests" 0 "$(number http_requests "$WORK/warm")"
equal "warm: bytes fetched" 0 "$(number bytes_fetched "$WORK/warm")"
at_most "warm: FUSE requests" 2500 "$(number fuse_requests "$WORK/warm")"

# The third start: from native files, next to nothing is asked.
export LAZYRUN_HOT_TREE=auto
HOT=$LAZYRUN_CACHEDIR/hot
start "$WORK/learned"
learned "a start"
start "$WORK/hot"
# What a start reads of large libraries is a part of them, and files that lack
# chunks in the cache stay behind FUSE: their reads are what is left (166).
equal "hot: HTTP requests" 0 "$(number http_requests "$WORK/hot")"
at_most "hot: FUSE reads" 200 "$(number fuse_reads "$WORK/hot")"
if grep -q '"hot_tree":"whole"' "$WORK/hot"; then
	at_most "hot: FUSE requests" 220 "$(number fuse_requests "$WORK/hot")"
else # Linux before 6.16
	at_most "hot: FUSE requests" 1350 "$(number fuse_requests "$WORK/hot")"
fi
settled "the builder"
export LAZYRUN_HOT_TREE=off

if [ "$(id -u)" = 0 ]; then
	export LAZYRUN_CACHEDIR=$WORK/root-cache
	mkdir "$WORK/m"
	"$LAZYRUN" -q --index "$WORK/home/scipy.lzi" mount --foreground "$IMAGE" "$WORK/m" &
	server=$!
	wait_for "the mount" mountpoint -q "$WORK/m"
	tar -C "$WORK/m" -cf - . | cat >/dev/null &
	reader=$!
	peak=0
	while kill -0 $reader 2>/dev/null; do
		private=$(awk '/^Private_/ {s += $2} END {print s + 0}' /proc/$server/smaps_rollup)
		[ "$private" -le $peak ] || peak=$private
		sleep 0.1
	done
	at_most "private memory while all is read, KiB" 65536 $peak
	umount "$WORK/m"
	wait $server
fi
