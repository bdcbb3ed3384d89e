#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# However a job ends, nothing is left: signals reach it, SIGKILL of any process
# of the tree leaves no orphan and no mount, background processes keep their
# root until the last one ends.
. "$(dirname "$0")/lib.sh"
need umoci
layout=$(image_layout tiny)
as_user "$LAZYRUN" -q index "oci:$layout:1" || fault "index"
IMAGE=oci:$layout:1
TAG=lazyrun-ends-$$

# start COMMAND...: a job in the background; PID is lazyrun's
start() {
	# what a shell starts in the background ignores SIGINT
	"${AS_USER[@]}" env --default-signal=INT "$LAZYRUN" -q exec "${OPTIONS[@]}" "$IMAGE" "$@" \
		>"$WORK/out" 2>"$WORK/err" &
	PID=$!
}
OPTIONS=(--env "MARK=$TAG")
ours() { grep -lsa "MARK=$TAG" /proc/[0-9]*/environ | wc -l; }
gone() { [ "$(ours)" = 0 ]; }
ready() { grep -q ready "$WORK/out"; }

for pid in "" --pid; do
	OPTIONS=(--env "MARK=$TAG" ${pid:+"$pid"})
	for signal in TERM INT HUP USR1; do
		start sh -c "trap 'echo got $signal; exit 9' $signal; echo ready; while :; do sleep 0.05; done"
		wait_for "the job" ready
		kill -$signal $PID
		wait $PID
		equal "status after SIG$signal $pid" 9 $?
		contains "the job got it $pid" "got $signal" "$(cat "$WORK/out")"
	done
	start sh -c 'echo ready; sleep 1000'
	wait_for "the job" ready
	kill -TERM $PID
	wait $PID
	equal "death by SIGTERM $pid" 143 $?
	wait_for "the end of the job $pid" gone

	# SIGKILL of each process of the tree, in turn
	for victim in parent child; do
		start sh -c 'echo ready; exec sleep 1000'
		wait_for "the job" ready
		if [ $victim = parent ]; then
			kill -KILL $PID
		else
			kill -KILL "$(cat /proc/$PID/task/$PID/children | awk '{print $1}')"
		fi
		wait $PID
		wait_for "no orphan after SIGKILL of the $victim $pid" gone
	done
done

# the job is lazyrun's first child (condor_ssh_to_job takes that one)
OPTIONS=(--env "MARK=$TAG")
start sh -c 'echo ready; exec sleep 1000'
wait_for "the job" ready
wait_for "exec of sleep" grep -q sleep "/proc/$(awk '{print $1}' /proc/$PID/task/$PID/children)/comm"
kill -KILL $PID
wait $PID
wait_for "the end" gone

# a background process keeps its root
start sh -c '(sleep 1; cat /srv/random | wc -c; echo late) & echo ready'
wait $PID
contains "a background process reads on" late "$(cat "$WORK/out")"
contains "a background process reads on" 3000000 "$(cat "$WORK/out")"
wait_for "the end" gone

equal "no process holds a lazyrun mount" "" "$(grep -ls fuse.lazyrun /proc/[0-9]*/mounts)"
