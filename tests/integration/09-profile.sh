#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# Profiles: recorded by a run, played by the next one of the same command on an
# empty cache; carried to another node; damaged, misleading and foreign ones.
. "$(dirname "$0")/lib.sh"
need umoci
need busybox
export LAZYRUN_HINTS=off # they would have the first run's ranges joined
layout=$(image_layout tiny)
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
lr() { as_user "$LAZYRUN" -q "$@"; }
cd / || exit 1
number() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$WORK/home/statistics"; }
job() { # [OPTION...]: one start, its statistics in $WORK/home/statistics
	rm -f "$WORK/home/statistics"
	as_user "$LAZYRUN" exec --index "$WORK/home/tiny.lzi" --no-home --pwd / \
		--statistics "$WORK/home/statistics" "$@" "$IMAGE" sha256sum /srv/random >/dev/null ||
		fault "the job"
}
forget_chunks() { rm -rf "$WORK/cache/chunks"; }

lr --cache-dir "$WORK/home/other" index "$IMAGE" -o "$WORK/home/tiny.lzi"
job
cold=$(number ranges_fetched)
equal "nothing to play in the first run" 0 "$(number profile_wanted)"
contains "profile show" "sha256sum random" "$(lr profile show "$IMAGE")"
equal "profile show --json, runs" 1 "$(lr --json profile show "$IMAGE" | sed -n 's/.*"runs":\([0-9]*\).*/\1/p')"

forget_chunks
: >"$REGISTRY_LOG"
job
# On a busy machine the job asks for its first chunk before the player does.
at_most "chunks touched and not played" 1 $(($(number chunks_touched) - $(number profile_wanted)))
# the head in parts of 512 KiB (docs/profiles.md)
at_most "ranges with a profile" 10 "$(number ranges_fetched)"
[ "$(number ranges_fetched)" -lt "$cold" ] || fault "no fewer ranges than $cold"
at_most "bytes with a profile, of those touched" 1.25 \
	"$(awk -v a="$(number bytes_fetched)" -v b="$(number bytes_touched)" 'BEGIN {print a / b}')"
equal "no byte is fetched twice" 0 "$(python3 "$HERE/overlaps.py" <"$REGISTRY_LOG")"

# at hand: nothing is asked for
job
equal "nothing to play when all is at hand" 0 "$(number profile_wanted)"
equal "nothing is fetched" 0 "$(number ranges_fetched)"

# off: neither played nor recorded
forget_chunks
runs=$(lr --json profile show "$IMAGE")
job --profile off
equal "--profile off plays nothing" 0 "$(number profile_wanted)"
equal "--profile off records nothing" "$runs" "$(lr --json profile show "$IMAGE")"

# to another node, and as a file
lr profile export "$IMAGE" -o "$WORK/home/tiny.lzp" || fault "profile export"
lr profile rm "$IMAGE" || fault "profile rm"
lr profile show "$IMAGE" 2>"$WORK/err" && fault "profile show after rm"
contains "profile show after rm" "no profile" "$(cat "$WORK/err")"
forget_chunks
job --profile "$WORK/home/tiny.lzp"
[ "$(number profile_wanted)" -gt 0 ] || fault "--profile FILE played nothing"
lr profile rm "$IMAGE"
lr profile import "$IMAGE" "$WORK/home/tiny.lzp" || fault "profile import"
contains "profile import" "sha256sum random" "$(lr profile show "$IMAGE")"

# damaged: said once, and the job runs
head -c 100 "$WORK/home/tiny.lzp" >"$WORK/home/cut.lzp"
forget_chunks
job --profile "$WORK/home/cut.lzp" 2>"$WORK/err"
contains "a damaged file" "cut.lzp" "$(cat "$WORK/err")"
lr profile import "$IMAGE" "$WORK/home/cut.lzp" 2>"$WORK/err"
equal "import of a damaged file" 1 $?
contains "import of a damaged file" damaged "$(cat "$WORK/err")"
for f in "$WORK"/cache/profiles/*.lzp; do head -c 50 /dev/urandom >"$f"; done
job
equal "a damaged profile in the cache is none" 0 "$(number profile_wanted)"
contains "and is replaced" "sha256sum random" "$(lr profile show "$IMAGE")"

# another command of the same program: what the index's hints say; a guess only without them
another() { # [OPTION...]: it, with nothing but the first command's profile
	lr profile rm "$IMAGE"
	job
	forget_chunks
	rm -f "$WORK/home/statistics"
	lr exec --index "$WORK/home/tiny.lzi" --statistics "$WORK/home/statistics" "$@" \
		"$IMAGE" sha256sum /bin/busybox >/dev/null || fault "another command"
}
another --hints=auto
equal "a guess is not played where there are hints" 0 "$(number profile_wanted)"
another
[ "$(number profile_wanted)" -gt 0 ] || fault "without hints nothing was guessed"

# an instance fetches for those who join: it plays, and records the first one
job_joins() { # COMMAND...: one job of the instance, and what that has fetched by then
	lr exec --index "$WORK/home/tiny.lzi" --no-home --pwd / --statistics "$WORK/home/joined" \
		"$IMAGE" "$@" >/dev/null || fault "a joined job"
	lr ps --json | sed -n 's/.*"bytes_fetched": *\([0-9]*\).*/\1/p'
}
keep() { lr instance start --index "$WORK/home/tiny.lzi" "$IMAGE" kept || fault "instance start"; }
lr profile rm "$IMAGE"
forget_chunks
keep
sleep 1.1 # what it records counts from the job's start, not from its own
[ "$(job_joins sha256sum /srv/random)" -gt 0 ] || fault "the instance fetched nothing"
job_joins cat /srv/random >/dev/null
lr instance stop kept || fault "instance stop"
contains "the first job of an instance is recorded" "sha256sum random" "$(lr profile show "$IMAGE")"
equal "and no later one" "" "$(lr profile show "$IMAGE" | grep "cat random")"
forget_chunks
: >"$REGISTRY_LOG"
keep
job_joins sha256sum /srv/random >/dev/null
lr instance stop kept
at_most "ranges of an instance with a profile" 12 "$(blob_requests)"
[ "$(blob_requests)" -lt "$cold" ] || fault "no fewer ranges than $cold"
forget_chunks
: >"$REGISTRY_LOG"
keep
LAZYRUN_PROFILE=off job_joins sha256sum /srv/random >/dev/null
lr instance stop kept
[ "$(blob_requests)" -gt 6 ] || fault "a joined job with --profile off plays one"

lr profile 2>/dev/null
equal "usage" 2 $?
lr profile frobnicate "$IMAGE" 2>/dev/null
equal "an unknown verb" 2 $?
