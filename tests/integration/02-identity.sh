#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 600
# The mounted tree equals what umoci unpacks, entry by entry: the image of all
# nasty cases, and Debian base and scipy images (IDENTITY_IMAGES adds others).
. "$(dirname "$0")/lib.sh"
need umoci
[ "$(id -u)" = 0 ] || skip "only root sees real ids, devices and capabilities"
export LAZYRUN_CACHEDIR=$WORK/root-cache # root's own
mkdir -p "$WORK/m"

# same IMAGE KNOWN: mount against umoci's unpacked tree
same() {
	local image=$1 known=$2
	rm -rf "$WORK/bundle"
	check "umoci unpacks $image" umoci unpack --image "${image#oci:}" "$WORK/bundle" >/dev/null
	check "mount $image" "$LAZYRUN" -q mount "$image" "$WORK/m" || return
	python3 "$HERE/compare_trees.py" --ignore-file "$known" \
		"$WORK/bundle/rootfs" "$WORK/m" >"$WORK/compare" ||
		{ fault "$image differs from umoci's tree"; head -n 40 "$WORK/compare"; }
	tail -n 1 "$WORK/compare"
	check "umount" "$LAZYRUN" umount "$WORK/m"
	rm -rf "$WORK/bundle"
}

python3 "$HERE/make_nasty.py" "$WORK/nasty"
same "oci:$WORK/nasty:nasty" "$HERE/known-umoci.txt"

# GNU sparse files: umoci refuses them, GNU tar does not.
mkdir "$WORK/sparse"
blob=$(python3 - "$WORK/nasty" <<'PY'
import json, sys
root = sys.argv[1]
index = json.load(open(root + "/index.json"))
one = next(m for m in index["manifests"]
           if m["annotations"]["org.opencontainers.image.ref.name"] == "sparse")
blob = lambda d: root + "/blobs/sha256/" + d.split(":")[1]
print(blob(json.load(open(blob(one["digest"])))["layers"][0]["digest"]))
PY
)
tar -C "$WORK/sparse" -xpf "$blob"
"$LAZYRUN" -q mount "oci:$WORK/nasty:sparse" "$WORK/m"
grep -v '^dotted' "$HERE/known-umoci.txt" >"$WORK/known"
echo '. mode the folder tar wrote into is ours' >>"$WORK/known"
chmod 700 "$WORK/sparse"
check "sparse files equal GNU tar's" python3 "$HERE/compare_trees.py" \
	--ignore-file "$WORK/known" "$WORK/sparse" "$WORK/m"
"$LAZYRUN" umount "$WORK/m"

# What tries to leave the root stays inside.
"$LAZYRUN" -q mount "oci:$WORK/nasty:escaping" "$WORK/m"
for name in absolute-entry parent-entry dotdot-entry; do
	[ -f "$WORK/m/$name" ] || fault "$name is not in the root"
	[ ! -e "/$name" ] || fault "/$name was made on the host"
done
"$LAZYRUN" umount "$WORK/m"

: >"$WORK/none"
for name in base scipy ${IDENTITY_IMAGES:-}; do
	layout=$(image_layout "$name") || { echo "$layout"; continue; }
	echo '. mtime umoci writes into the root after setting its time' >"$WORK/known"
	same "oci:$layout:1" "$WORK/none"
done
