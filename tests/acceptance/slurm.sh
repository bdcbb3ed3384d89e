#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
# A real SLURM on this machine (slurmd, slurmctld, munge; one node, loopback, in
# a folder of its own): the SPANK plugin, a job array on a cold image, srun
# --container. By hand, as root: LAZYRUN=... SPANK=... tests/acceptance/slurm.sh
NODES="localhost 8"
. "$(dirname "$0")/slurm_lib.sh"

# a plain step is left alone
equal "srun without the option" 8 "$(as_slurm srun -n 8 id -un | grep -cx "$user")"

# eight ranks: one mount, one user namespace
as_slurm srun -n 8 --lazy-image="$IMAGE" --lazy-env=LAZY=yes sh -c \
	'echo $(stat -Lc %i /proc/self/ns/mnt) $(stat -Lc %i /proc/self/ns/user) $(id -u) \
	$(grep CapBnd /proc/self/status | cut -f2) $LAZY $PATH $(pwd) $(stat -c %d /srv/random)' >"$WORK/ranks" ||
	fault "srun of eight ranks: status $?"
equal "ranks" 8 "$(wc -l <"$WORK/ranks")"
equal "what they see is the same" 1 "$(sort -u "$WORK/ranks" | wc -l)"
read -r mount users uid caps lazy path pwd _ <"$WORK/ranks"
[ "$mount" != "$(stat -Lc %i /proc/self/ns/mnt)" ] || fault "the ranks are in the host's mount namespace"
[ "$users" != "$(stat -Lc %i /proc/self/ns/user)" ] || fault "the ranks are in the host's user namespace"
equal "uid" "$TEST_UID" "$uid"
equal "no capabilities" 0000000000000000 "$caps"
equal "--lazy-env" yes "$lazy"
equal "the image's PATH" /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$path"
equal "the working directory" "$WORK/out" "$pwd"
wait_for "the end of the mount with the step" none_kept
equal "each rank has its number" "0 1 2 3 4 5 6 7" "$(as_slurm srun -n 8 --lazy-image="$IMAGE" \
	sh -c 'echo $SLURM_PROCID' | sort -n | xargs)"
equal "--lazy-workdir" /srv "$(as_slurm srun --lazy-image="$IMAGE" --lazy-workdir=/srv pwd)"
user_folder "$WORK/data"
echo content >"$WORK/data/file"
equal "--lazy-bind" content "$(as_slurm srun --lazy-image="$IMAGE" --lazy-bind="$WORK/data:/d:ro" cat /d/file)"
equal "a command that the host has elsewhere" script "$(as_slurm srun --lazy-image="$IMAGE" script a 2>/dev/null |
	cut -d' ' -f1)"
as_slurm srun -n 2 --lazy-image="$IMAGE" sh -c 'exit 7' 2>/dev/null
equal "exit status" 7 $?
equal "PMI's descriptor" "2" "$(as_slurm srun --mpi=pmi2 -n 2 --lazy-image="$IMAGE" \
	sh -c '[ -S /proc/self/fd/$PMI_FD ] && echo open' | grep -c open)"

# failures: the step's, with a sentence; the node stays
as_slurm srun -n 4 --lazy-image=docker://127.0.0.1:1/no/such true 2>"$WORK/err" &&
	fault "an image that is not there"
contains "an image that is not there" "lazyrun: docker://127.0.0.1:1/no/such:" "$(cat "$WORK/err")"
wait_for "an idle node after a failure" idle
as_slurm srun --lazy-image= true 2>/dev/null && fault "an empty image"

# ends: scancel, a killed slurmstepd
as_slurm srun -n 2 --lazy-image="$IMAGE" -J cancelled sleep 4720 2>/dev/null &
pid=$!
running() { pgrep -u "$TEST_UID" -f "^[^ ]*sleep $1\$" >/dev/null; }
wait_for "a step" running 4720
as_slurm scancel -n cancelled
wait $pid
wait_for "the end of the mount after scancel" none_kept
as_slurm srun -n 2 --lazy-image="$IMAGE" -J killed sleep 4721 2>/dev/null &
pid=$!
wait_for "another step" running 4721
kill -KILL "$(pgrep -n slurmstepd)"
wait_for "the end of the mount after SIGKILL" none_kept
pkill -KILL -u "$TEST_UID" -f "^[^ ]*sleep 4721\$" # slurm leaves the tasks of a killed slurmstepd
as_slurm scancel -n killed 2>/dev/null
wait $pid 2>/dev/null
wait_for "an idle node after a kill" idle

# fifty tasks of one cold image: every byte once
rm -rf "$WORK/cache"
user_folder "$WORK/cache"
: >"$REGISTRY_LOG"
cat >"$WORK/out/job" <<END
#!/bin/sh
exec $LAZYRUN -q exec $IMAGE sha256sum /srv/random
END
as_slurm sbatch --array=1-50 -o "$WORK/out/%a.out" "$WORK/out/job" >/dev/null || fault "sbatch"
finished() { [ "$(cat "$WORK"/out/*.out 2>/dev/null | grep -c random)" = 50 ]; }
for _ in 1 2 3 4 5 6; do finished || wait_for "the array" finished 2>/dev/null; done
equal "tasks that printed the sum" 50 "$(cat "$WORK"/out/*.out | grep -c random)"
equal "sums" 1 "$(sort -u "$WORK"/out/*.out | wc -l)"
equal "bytes served twice" 0 "$(grep 'GET .*/blobs/' "$REGISTRY_LOG" | grep -i bytes |
	python3 "$ROOT/tests/integration/overlaps.py")"

# the batch script runs on the host, its steps in the image
cat >"$WORK/out/job" <<'END'
#!/bin/sh
[ -e /srv/random ] && echo batch inside || echo batch outside
srun sh -c '[ -e /srv/random ] && echo step inside'
END
as_slurm sbatch -n 1 --lazy-image="$IMAGE" -o "$WORK/out/batch" "$WORK/out/job" >/dev/null
batch_done() { grep -q step "$WORK/out/batch"; }
wait_for "a batch job" batch_done
equal "a batch job" "batch outside step inside" "$(xargs <"$WORK/out/batch")"

# srun --container, as oci.conf has it
mkdir "$WORK/out/bundle" "$WORK/out/rooted"
jq -n --arg image "$IMAGE" '{ociVersion: "1.0.0", root: {path: "rootfs"}, process: {cwd: "/", args: ["sh"],
	env: ["FROM_BUNDLE=yes"]}, annotations: {"org.lazyrun.image": $image}}' >"$WORK/out/bundle/config.json"
chown -R "$TEST_UID:$TEST_GID" "$WORK/out/bundle"
as_slurm srun --container="$WORK/out/bundle" sh -c 'ls /srv/random; echo $FROM_BUNDLE $SLURM_JOB_ID; pwd; id -u' \
	>"$WORK/contained" 2>"$WORK/err" || fault "srun --container: status $?: $(cat "$WORK/err")"
contains "srun --container" "/srv/random" "$(cat "$WORK/contained")"
contains "the bundle's environment, and the job's" "yes " "$(cat "$WORK/contained")"
contains "the job's user" "$TEST_UID" "$(tail -n 1 "$WORK/contained")"
as_slurm srun --container="$WORK/out/bundle" sh -c 'exit 9' 2>/dev/null
equal "exit status of srun --container" 9 $?
umoci raw unpack --rootless --image "$layout:1" "$WORK/out/rooted/rootfs" >/dev/null 2>&1
jq 'del(.annotations)' "$WORK/out/bundle/config.json" >"$WORK/out/rooted/config.json"
chown -R "$TEST_UID:$TEST_GID" "$WORK/out/rooted"
equal "a bundle with a root of its own" /srv/random \
	"$(as_slurm srun --container="$WORK/out/rooted" ls /srv/random 2>/dev/null)"
