#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# A tag that was moved to another image since its index was made: with --index
# that is said before anything runs, once the registry may be asked; what was
# named by digest runs on.
. "$(dirname "$0")/lib.sh"
need umoci
layout=$WORK/tiny
cp -a "$(image_layout tiny)" "$layout"
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
lr() { as_user "$LAZYRUN" -q "$@"; }
marker() { lr exec "$@" sh -c 'echo "ran ${MOVED:-before}"'; }

lr index "$IMAGE" -o "$WORK/home/old.lzi" || fault "index"
old=$(lr inspect --json --index "$WORK/home/old.lzi" "$IMAGE" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["digest"])')
equal "with its index" "ran before" "$(marker --index "$WORK/home/old.lzi" "$IMAGE")"

# the tag moves: same layers, another configuration
umoci config --image "$layout:1" --config.env MOVED=after >/dev/null 2>&1 ||
	fault "umoci config"
chmod -R a+rX "$layout"
equal "within --tag-ttl the tag means what it meant" "ran before" \
	"$(marker --tag-ttl 1h --index "$WORK/home/old.lzi" "$IMAGE")"

# refused HOW COMMAND...: one sentence, status 125, and nothing ran
refused() {
	local how=$1
	shift
	"$@" >"$WORK/out" 2>"$WORK/err"
	equal "$how: status" 125 $?
	equal "$how: what ran" "" "$(cat "$WORK/out")"
	contains "$how" "this is not the index of $IMAGE" "$(cat "$WORK/err")"
	contains "$how" "lazyrun index" "$(cat "$WORK/err")"
	equal "$how: lines" 1 "$(wc -l <"$WORK/err")"
}
refused "exec" marker --tag-ttl 0 --index "$WORK/home/old.lzi" "$IMAGE"
cat "$WORK/err"
rm -rf "$WORK/cache"
user_folder "$WORK/cache"
refused "exec with an empty cache" marker --index "$WORK/home/old.lzi" "$IMAGE"
mkdir "$WORK/m"
user_folder "$WORK/m"
lr mount --index "$WORK/home/old.lzi" "$IMAGE" "$WORK/m" 2>"$WORK/err" &&
	fault "mount took the index of another image"
contains "mount" "is not the index of $IMAGE" "$(cat "$WORK/err")"
equal "nothing is left mounted" "" "$(grep "$WORK" /proc/self/mounts)"

# by digest it is still the image that the index is of
name=docker://127.0.0.1:$PORT/tiny
equal "the old image by digest" "ran before" \
	"$(marker --index "$WORK/home/old.lzi" "$name@$old")"

# what the sentence says helps
lr index "$IMAGE" -o "$WORK/home/new.lzi" || fault "index of the new one"
equal "with a new index" "ran after" \
	"$(marker --tag-ttl 0 --index "$WORK/home/new.lzi" "$IMAGE")"
equal "without one" "ran after" "$(marker --tag-ttl 0 "$IMAGE")"
