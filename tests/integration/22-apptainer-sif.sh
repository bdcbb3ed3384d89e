#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 1800
# SIF files that Apptainer itself built: the mounted tree is what unsquashfs
# unpacks of the same partition, entry by entry and to the last byte, and a first
# start of a large one fetches less than 1 % of it.
#
# Needs $SIFS, a folder of such files, and twice the largest one's size in $TMPDIR.
. "$(dirname "$0")/lib.sh"
need unsquashfs
[ -n "${SIFS:-}" ] || skip "SIFS names no folder of SIF files built by Apptainer"
[ "$(id -u)" = 0 ] || skip "only root can unpack owners and devices"
lr() { as_user "$LAZYRUN" -q "$@"; }

# part FILE: offset of its root partition
part() {
	lr inspect --json "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["object"]["image_off"])'
}

for sif in "$SIFS"/*.sif; do
	size=$(stat -L -c %s "$sif")
	rm -f "$WORK/home/stats"
	check "first start of $sif" lr exec --cache-dir "$WORK/home/first" --statistics "$WORK/home/stats" "$sif" true
	fetched=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).read())["bytes_fetched"])' "$WORK/home/stats")
	# file data, and what the tables took: two ends and what is between
	tables=$(lr inspect --cache-dir "$WORK/home/first" --json "$sif" | python3 -c 'import json, sys; print(json.load(sys.stdin)["index"]["mount_bytes"])')
	[ "$size" -lt 2000000000 ] ||
		at_most "percent of ${sif##*/} for a first start" 1 "$(awk -v f="$fetched" -v t="$tables" -v s="$size" 'BEGIN {print 100 * (f + t + 1310720) / s}')"
	rm -rf "$WORK/home/first"
	unsquashfs -quiet -no-progress -offset "$(part "$sif")" -dest "$WORK/u" "$sif" >/dev/null 2>&1
	mkdir -p "$WORK/m"
	check "mount $sif" "$LAZYRUN" -q mount --cache-dir "$WORK/mc" "$sif" "$WORK/m" || continue
	python3 "$HERE/compare_trees.py" "$WORK/u" "$WORK/m" >"$WORK/compare.log" ||
		fault "$sif differs from unsquashfs: $(tail -n 5 "$WORK/compare.log")"
	echo "${sif##*/}: $(tail -n 1 "$WORK/compare.log")"
	umount "$WORK/m"
	rm -rf "$WORK/u" "$WORK/mc"
done
