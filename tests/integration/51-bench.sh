#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# `lazyrun bench` on a tiny image behind the embedded registry: the rows, what
# each fetched, JSON and page, no trace of it afterwards; its failures.
. "$(dirname "$0")/lib.sh"
need umoci
need jq
layout=$(image_layout tiny) || { echo "$layout"; exit 77; }
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
user_folder "$WORK/tmp"
bench() { as_user env TMPDIR="$WORK/tmp" "$LAZYRUN" bench "$@"; }
left() { find "$WORK/tmp" "$WORK/cache" -mindepth 1 | head -n 3; }

bench -n 2 --json --html "$WORK/home/page.html" "$IMAGE" -- sha256sum /bin/script \
	>"$WORK/json" 2>"$WORK/err" || { fault "bench"; cat "$WORK/err"; }
equal "rows" "nothing prepared,cold,cold, profile,warm,all fetched first" \
	"$(jq -r '[.starts[].start] | join(",")' "$WORK/json")"
equal "runs" "1,2,2,2,1" "$(jq -r '[.starts[].runs | tostring] | join(",")' "$WORK/json")"
value() { jq -r ".starts[] | select(.start == \"$1\") | .$2" "$WORK/json"; }
image_bytes=$(jq .image_bytes "$WORK/json")
# everything is read to make an index, and by a full fetch; nothing when warm
[ "$(value 'nothing prepared' bytes)" -ge "$image_bytes" ] ||
	fault "an index was made from $(value 'nothing prepared' bytes) bytes"
[ "$(value 'all fetched first' bytes)" -ge $((image_bytes * 99 / 100)) ] ||
	fault "a full fetch of $(value 'all fetched first' bytes) bytes"
equal "bytes of a warm start" 0 "$(value warm bytes)"
[ "$(value cold bytes)" -gt 0 ] && [ "$(value cold bytes)" -lt $((image_bytes / 2)) ] ||
	fault "a cold start of $(value cold bytes) bytes"
jq -e '[.starts[] | .began_seconds > 0 and .began_seconds <= .seconds_max] | all' \
	"$WORK/json" >/dev/null || fault "a command began after it ended"
equal "command" "sha256sum /bin/script" "$(jq -r '.command | join(" ")' "$WORK/json")"
equal "waterfalls of the page" 5 "$(grep -c '<svg' "$WORK/home/page.html")"
# the pull's requests are in the last one, too
[ "$(sed -n '/<h2>all fetched first/,$p' "$WORK/home/page.html" | grep -c 'fill="#1f5f99"')" -gt 0 ] ||
	fault "the waterfall of a full fetch has no range"
equal "what is left" "" "$(left)"

table=$(bench -q -n 1 "$IMAGE" -- true) || fault "bench, as a table"
contains "the table" "all fetched first" "$table"
as_user "$LAZYRUN" -q --cache-dir "$WORK/home/other" index "$IMAGE" -o "$WORK/home/x.lzi" ||
	fault "index"
table=$(bench -q -n 1 --index "$WORK/home/x.lzi" "$IMAGE" -- true) || fault "bench --index"
case $table in *"nothing prepared"*) fault "with an index something was prepared" ;; esac

# the builder of a hot tree has ended before its cache is removed
LAZYRUN_HOT_TREE=auto bench -q -n 1 "$IMAGE" -- sha256sum /bin/script >/dev/null || fault "bench with hot trees"
equal "what is left of hot trees" "" "$(left)"
pgrep -f "hot-tree.*$WORK" >/dev/null && fault "a builder outlives its bench"
bench -q "$IMAGE" -- false 2>"$WORK/err" && fault "a command that fails"
contains "a command that fails" "ended with status 1" "$(cat "$WORK/err")"
bench -q --timeout 1s "$IMAGE" -- sleep 60 2>"$WORK/err" && fault "a command that lasts"
contains "a command that lasts" "--timeout allows more" "$(cat "$WORK/err")"
bench -q -n 0x "$IMAGE" -- true 2>"$WORK/err"
equal "status of wrong usage" 2 $?
bench -q -n 1000 "$IMAGE" -- true 2>"$WORK/err"
equal "status of too many runs" 2 $?
bench -q --work-dir /no/such "$IMAGE" -- true 2>"$WORK/err" && fault "no work folder"
contains "no work folder" "--work-dir chooses another" "$(cat "$WORK/err")"

# interrupted in the middle: what was made is removed, the job ends
"${AS_USER[@]}" env TMPDIR="$WORK/tmp" "$LAZYRUN" bench -q "$IMAGE" -- sleep 777 2>/dev/null &
pid=$!
wait_for "the job" pgrep -f "^sleep 777"
kill -TERM $pid
wait $pid && fault "an interrupted bench succeeds"
pgrep -f "^sleep 777" >/dev/null && fault "the job outlives its bench"
equal "what is left" "" "$(left)"
