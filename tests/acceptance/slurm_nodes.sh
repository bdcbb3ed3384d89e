#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
# SLURM as clusters have it: two nodes (two slurmd on this machine),
# proctrack/cgroup and job_container/tmpfs, as far as this machine's cgroups
# allow. By hand, as root, as slurm.sh.
NODES=$'one 4\ntwo 4'
PROCTRACK=${PROCTRACK:-cgroup}
SLURM_LINES="ProctrackType=proctrack/$PROCTRACK
JobContainerType=job_container/tmpfs
PrologFlags=Contain"
# what the test has in /tmp, jobs would not see
export TMPDIR=/var/tmp
mode=$([ -e /sys/fs/cgroup/cgroup.controllers ] && echo v2 || echo v1)
slurm_files() {
	mkdir -p "$base/containers"
	printf 'AutoBasePath=true\nBasePath=%s\n' "$base/containers" >"$base/etc/job_container.conf"
	printf 'CgroupPlugin=cgroup/%s\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n' "$mode" >"$base/etc/cgroup.conf"
}
slurm_ended() { # what slurmd leaves behind
	find /sys/fs/cgroup -depth -type d -path '*/slurm_*' -exec rmdir {} + 2>/dev/null
	awk -v b="$base/containers" 'index($2, b) == 1 {print $2}' /proc/self/mounts | sort -r | xargs -r umount -l
}
. "$(dirname "$0")/slurm_lib.sh"

# a step on two nodes: a mount for each, shared by the ranks there
as_slurm srun -N 2 -n 8 --lazy-image="$IMAGE" sh -c 'echo $SLURMD_NODENAME $(stat -Lc %i /proc/self/ns/mnt) $(ls /srv/random) $(grep -c . /proc/self/cgroup)' \
	>"$WORK/ranks" 2>"$WORK/err" || fault "srun on two nodes: $(cat "$WORK/err")"
equal "ranks" 8 "$(wc -l <"$WORK/ranks")"
equal "four on each node" "4 one 4 two" "$(cut -d' ' -f1 "$WORK/ranks" | sort | uniq -c | xargs)"
equal "a mount for each node" 2 "$(cut -d' ' -f2 "$WORK/ranks" | sort -u | wc -l)"
equal "the image" 8 "$(grep -c ' /srv/random ' "$WORK/ranks")"
wait_for "the end of both mounts" none_kept

# exec in each task: chunks are fetched once for both
rm -rf "$WORK/cache"
user_folder "$WORK/cache"
: >"$REGISTRY_LOG"
equal "exec on two nodes" 1 "$(as_slurm srun -N 2 -n 8 "$LAZYRUN" -q exec "$IMAGE" sha256sum /srv/random | sort -u | wc -l)"
equal "bytes served twice" 0 "$(grep 'GET .*/blobs/' "$REGISTRY_LOG" | grep -i bytes |
	python3 "$ROOT/tests/integration/overlaps.py")"

rm -f /tmp/mine
# job_container/tmpfs: a /tmp of the job's own, in the image as on the node
private='echo $SLURM_JOB_ID >/tmp/mine; cat /tmp/mine; ls /tmp | wc -l'
equal "a private /tmp" "1" "$(as_slurm srun -N 1 sh -c "$private" | tail -n 1)"
equal "the same with --lazy-image" "1" "$(as_slurm srun -N 1 --lazy-image="$IMAGE" sh -c "$private" | tail -n 1)"
equal "the same with exec" "1" "$(as_slurm srun -N 1 "$LAZYRUN" -q exec "$IMAGE" sh -c "$private" | tail -n 1)"
[ ! -e /tmp/mine ] || fault "the node's /tmp was written to"

# proctrack/cgroup: scancel ends everything, whatever left its session
if [ "$PROCTRACK" = cgroup ]; then
	contains "tasks are in the step's cgroup" "/slurm" "$(as_slurm srun -N 1 --lazy-image="$IMAGE" cat /proc/self/cgroup)"
	as_slurm srun -N 2 -n 2 -J away --lazy-image="$IMAGE" sh -c 'busybox setsid sleep 4713 & sleep 4714' 2>/dev/null &
	step=$!
	away() { [ "$(pgrep -u "$TEST_UID" -fc 'sleep 4713')" -ge 2 ]; }
	gone() { ! pgrep -u "$TEST_UID" -f 'sleep 471[34]'; }
	wait_for "processes in sessions of their own" away
	as_slurm scancel -n away
	wait $step
	wait_for "their end" gone
	wait_for "the end of the mounts" none_kept
	as_slurm srun -N 1 -J kept "$LAZYRUN" -q exec --keep 1h "$IMAGE" true || fault "--keep in a step"
	wait_for "the end of --keep with its step" none_kept
fi

# hot trees: what a job leaves behind is killed with its step, so the builder
# works beside a later job
rm -rf "$WORK/cache"
user_folder "$WORK/cache"
HOT=$WORK/cache/hot
hot_job() { # SECONDS
	as_slurm srun -N 1 env LAZYRUN_HOT_TREE=auto "$LAZYRUN" -q exec --statistics "$WORK/out/hot" "$IMAGE" \
		sh -c "sha256sum /srv/random; sleep $1" >/dev/null || [ "$1" != 0 ] || fault "a job"
}
hot_job 0
hot_job 100 2>/dev/null &
job=$!
built() { [ -e "$(echo "$HOT"/*/current)" ]; }
for _ in 1 2 3 4 5 6; do built || wait_for "a builder beside the job" built 2>/dev/null; done
as_slurm scancel -n "env"
wait $job
hot_job 0
equal "the third job's hot tree" 1 "$(tail -n 1 "$WORK/out/hot" | grep -Ec '"hot_tree":"(whole|partial)"')"
wait_for "idle nodes at the end" idle
