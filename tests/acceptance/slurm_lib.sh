# SPDX-License-Identifier: Apache-2.0
# What the SLURM scripts source: slurmd, slurmctld and munge in a folder of
# their own, on loopback. Before: NODES, a line "NAME CPUS" for each;
# SLURM_LINES, more lines of slurm.conf, which overrule; slurm_files, a function
# that writes further files into $base/etc; slurm_ended, one for the end.
[ "$(id -u)" = 0 ] || { echo "skipped: root is needed to start slurmd"; exit 77; }
[ -n "${IN_NAMESPACE:-}" ] || IN_NAMESPACE=1 exec unshare -u bash "$0" "$@"
. "$(dirname "$0")/../integration/lib.sh"
need slurmctld
need slurmd
need munged
need umoci
need jq
SPANK=${SPANK:-$(dirname "$LAZYRUN")/slurm/spank_lazyrun.so}
[ -e "$SPANK" ] || skip "$SPANK is not built (slurm/spank.h was missing)"
user=$(id -un "$TEST_UID")
base=$WORK/slurm
# daemons find each other by the host's name: one that has an address
hostname localhost || skip "the host name cannot be set"
host=localhost
install -d -m 755 "$base" "$base"/{etc,run,log,state,spool}
install -d -m 700 "$base/key"
user_folder "$WORK/out"

stop_slurm() {
	local file name pid
	for file in "$base"/run/slurmd.*.pid "$base"/run/{slurmctld,munged}.pid; do
		name=${file##*/}
		name=${name%%.*}
		pid=$(cat "$file" 2>/dev/null) || continue
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ] || continue
		kill "$pid"
		for _ in $(seq 100); do [ -d "/proc/$pid" ] && sleep 0.1; done
	done
	type slurm_ended >/dev/null 2>&1 && slurm_ended
}
trap 'status=$?; stop_slurm; (exit $status); finish' EXIT

head -c 1024 /dev/urandom >"$base/key/munge.key"
chmod 600 "$base/key/munge.key"
echo "required $SPANK lazyrun=$LAZYRUN timeout=60" >"$base/etc/plugstack.conf"
conf=$base/etc/slurm.conf
cat >"$conf" <<END
ClusterName=acceptance
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=21480
SrunPortRange=21400-21479
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$base/run/munge.socket
CredType=cred/munge
CryptoType=crypto/munge
StateSaveLocation=$base/state
SlurmdSpoolDir=$base/spool/%n
SlurmctldPidFile=$base/run/slurmctld.pid
SlurmdPidFile=$base/run/slurmd.%n.pid
SlurmctldLogFile=$base/log/slurmctld.log
SlurmdLogFile=$base/log/slurmd.%n.log
PlugStackConfig=$base/etc/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MailProg=/bin/true
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
MaxArraySize=1001
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
port=21481
while read -r name cpus; do
	mkdir -p "$base/spool/$name"
	echo "NodeName=$name NodeHostname=$host NodeAddr=127.0.0.1 Port=$port CPUs=$cpus Boards=1 SocketsPerBoard=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=2000 State=UNKNOWN" >>"$conf"
	port=$((port + 1))
done <<<"$NODES"
while IFS= read -r line; do
	[ -n "$line" ] || continue
	sed -i "/^${line%%=*}=/d" "$conf"
	echo "$line" >>"$conf"
done <<<"${SLURM_LINES:-}"
# the runtime of srun --container is searched by its path
sed "s#\"lazyrun#\"$LAZYRUN#" "$ROOT/tools/slurm/oci.conf" >"$base/etc/oci.conf"
export SLURM_CONF=$conf
! type slurm_files >/dev/null 2>&1 || slurm_files
# the runtime of srun --container has slurmd's environment, not the job's
daemon=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "SLURM_CONF=$SLURM_CONF" "LAZYRUN_CACHEDIR=$WORK/cache")
munged --key-file="$base/key/munge.key" --socket="$base/run/munge.socket" --pid-file="$base/run/munged.pid" \
	--log-file="$base/log/munged.log" --seed-file="$base/state/munge.seed" --num-threads=2 ||
	fault "munged does not start"
"${daemon[@]}" slurmctld -c
while read -r name _; do "${daemon[@]}" slurmd -N "$name"; done <<<"$NODES"
idle() { [ "$(sinfo -h -N -o %T | grep -cx idle)" = "$(wc -l <<<"$NODES")" ]; }
wait_for "idle nodes" idle || { tail "$base"/log/*; exit 1; }

as_slurm() { (cd "$WORK/out" && as_user env "USER=$user" "LOGNAME=$user" "$@"); }
layout=$(image_layout tiny)
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
# this test's, not those of another that runs beside it
kept() {
	local pid count=0
	for pid in $(pgrep -u "$TEST_UID" lazyrun); do
		grep -q "$WORK" "/proc/$pid/environ" 2>/dev/null && count=$((count + 1))
	done
	echo $count
}
none_kept() { [ "$(kept)" = 0 ]; }
