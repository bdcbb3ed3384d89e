# SPDX-License-Identifier: Apache-2.0
# Runs within the tree, as root: a pool, its jobs, and what is expected of them.
# Arguments: the steps to run, all of them without any.
set -u
REGISTRY=21301 FEDERATION=21302
faults=0
fault() { echo "FAULT: $*"; faults=$((faults + 1)); }
ok() { echo "ok: $*"; }
equal() { if [ "$2" = "$3" ]; then ok "$1"; else fault "$1: expected \"$2\", got \"$3\""; fi; }
contains() { case $3 in *"$2"*) ok "$1" ;; *) fault "$1: no \"$2\" in: $3" ;; esac; }
as_user() { su u1 -c "$*"; }

set_up() {
	ip link set lo up
	id u1 >/dev/null 2>&1 || useradd -m -s /bin/bash u1
	hostname htcondor-test 2>/dev/null
	grep -qw "$(hostname)" /etc/hosts 2>/dev/null || echo "127.0.0.1 localhost $(hostname)" >>/etc/hosts
	install -d -m 1777 /run/lock
	install -d -o condor -g condor -m 755 /run/condor /var/log/condor /var/lib/condor \
		/var/spool/condor /var/lib/condor/execute /var/lock/condor /run/lock/condor
	install -d -m 700 /etc/condor/passwords.d /etc/condor/tokens.d
	install -d -m 755 /run/sshd
	rm -rf /var/lib/condor/execute/* /var/spool/condor/* /var/log/condor/* ~u1/j ~u1/.cache ~u1/hotcache
	rm -f /etc/condor/config.d/99-pool.conf
	mkdir -p /etc/lazyrun
	echo "export LAZYRUN_FEDERATION=http://127.0.0.1:$FEDERATION" >/etc/lazyrun/htcondor.sh
	# images: a directory, its SIF, the SIF that the startd's probe wants
	[ -f /images/bb.sif ] || {
		mkdir -p /images/bb/bin /images/bb/dev /images/bb/proc /images/bb/sys /images/bb/tmp \
			/images/bb/etc /images/bb/var/tmp /images/bb/home /images/bb/root /images/bb/usr
		cp /usr/bin/busybox /images/bb/bin/
		for a in sh ls cat env id echo sleep pwd readlink cp; do ln -sf busybox /images/bb/bin/$a; done
		echo 'root:x:0:0:root:/root:/bin/sh' >/images/bb/etc/passwd
		echo bb-image >/images/bb/etc/image-id
		as_user 'cd && apptainer -s build -F bb.sif /images/bb'
		install -m 644 ~u1/bb.sif /images/bb.sif
	}
	[ -f /usr/libexec/condor/exit_37.sif ] || {
		as_user 'cd && apptainer -s build -F exit_37.sif /usr/libexec/condor/singularity_test_sandbox'
		install -m 644 ~u1/exit_37.sif /usr/libexec/condor/exit_37.sif
	}
	mkdir -p /test/fed/ns
	cp /images/bb.sif /test/fed/ns/bb.sif
	echo "no image at all, only text" >/images/broken.sif
	chmod -R a+rX /images /test
	mkdir -p /home/u1/j
	echo hello-in >/home/u1/j/infile
	chown -R u1:u1 /home/u1/j
}

start() {
	lazyrun serve /test/tiny --listen 127.0.0.1:$REGISTRY --log /tmp/registry.log >/tmp/serve.out 2>&1 &
	python3 /test/federation.py $FEDERATION /test/fed /tmp/federation.log >/tmp/federation.out 2>&1 &
	condor_master -pidfile /run/condor/master.pid </dev/null >/tmp/master.out 2>&1
	for _ in $(seq 240); do
		[ -n "$(as_user 'condor_status -af Name' 2>/dev/null)" ] &&
			[ -n "$(as_user 'condor_status -schedd -af Name' 2>/dev/null)" ] && return
		sleep 0.25
	done
	fault "the pool did not start"
	tail -n 20 /var/log/condor/*Log
}

# reads what was transferred, and leaves a file to be transferred back
SCRIPT="arguments = \"-c 'cat infile; id -u; echo back > \$(NAME).back'\""

# submit NAME LINE...: a job; lines replace or add to the common ones
submit() {
	local name=$1
	shift
	{
		cat <<'S'
universe = vanilla
executable = /bin/sh
transfer_executable = false
should_transfer_files = YES
when_to_transfer_output = ON_EXIT
transfer_input_files = infile
request_cpus = 1
request_memory = 64
request_disk = 20480
output = $(NAME).out
error = $(NAME).err
log = $(NAME).log
S
		printf '%s\n' "$@" queue
	} >/home/u1/j/$name.sub
	as_user "cd ~/j && ${SUBMIT_ENV:-} condor_submit NAME=$name $name.sub" >/tmp/submit.out 2>&1 ||
		fault "$name could not be submitted: $(tail -n 3 /tmp/submit.out)"
	sed -n 's/.*cluster \([0-9]*\)\..*/\1/p' /tmp/submit.out >/tmp/cluster.$name
}

# expect_output NAME LINE...: the job ends, its output has these lines
expect_output() {
	local name=$1
	shift
	if ! as_user "condor_wait -wait 40 ~/j/$name.log" >/dev/null; then
		fault "$name did not end: $(as_user "condor_q $(cat /tmp/cluster.$name) -af JobStatus HoldReason NumJobStarts")"
		return
	fi
	equal "$name: output" "$(printf '%s\n' "$@")" "$(cat /home/u1/j/$name.out)"
	[ -s /home/u1/j/$name.err ] && fault "$name: $(cat /home/u1/j/$name.err)"
	return 0
}

probes() {
	local ad
	ad=$(as_user 'condor_status -long')
	for name in HasSingularity HasSIF HasSandboxImage HasContainer HasDockerURL; do
		equal "startd: $name" "$name = true" "$(echo "$ad" | grep "^$name =")"
	done
	contains "startd: SingularityVersion" lazyrun "$(echo "$ad" | grep ^SingularityVersion)"
	for _ in $(seq 60); do
		ad=$(as_user 'condor_status -af HasLazyrun')
		[ "$ad" = true ] && break
		sleep 0.5
	done
	equal "startd: HasLazyrun" true "$ad"
}

jobs() {
	local name uid
	submit docker "container_image = docker://127.0.0.1:$REGISTRY/tiny:1" "$SCRIPT"
	submit sif "container_image = /images/bb.sif" "$SCRIPT"
	submit sandbox "container_image = /images/bb" "transfer_container = false" "$SCRIPT"
	submit osdf "container_image = osdf:///ns/bb.sif" \
		"environment = \"LAZYRUN_FEDERATION=http://127.0.0.1:$FEDERATION\"" "$SCRIPT"
	submit universe "universe = container" "container_image = /images/bb.sif" "$SCRIPT"
	submit gpu "container_image = /images/bb.sif" "request_gpus = 1" \
		"environment = \"LAZYRUN_DRIVER_ROOT=/test/driver\"" \
		"arguments = \"-c 'ls /dev/nvidia?; echo \$NVIDIA_VISIBLE_DEVICES; readlink /.singularity.d/libs/libcuda.so.1'\""
	# as from an access point without our CONTAINER_SHARED_FS: the plugin
	SUBMIT_ENV="_CONDOR_CONTAINER_SHARED_FS=/cvmfs" \
		submit stub "container_image = osdf:///ns/bb.sif" \
		"arguments = \"-c 'cat infile; id -u; cp bb.sif stub.seen; echo back > stub.back'\"" \
		"environment = \"LAZYRUN_FEDERATION=http://127.0.0.1:$FEDERATION\""
	uid=$(id -u u1)
	for name in docker sif sandbox osdf universe stub; do
		expect_output $name hello-in "$uid"
		equal "$name: what it wrote came back" back "$(cat /home/u1/j/$name.back 2>/dev/null)"
	done
	expect_output gpu /dev/nvidia0 GPU-00000000-1 /.singularity.d/gpu/0/libcuda.so.550.54.14
	equal "osdf: the SIF was not downloaded whole" "" \
		"$(grep 'GET /cache/ns/bb.sif -$' /tmp/federation.log)"
	contains "stub: it was one" "url: osdf:///ns/bb.sif" "$(cat /home/u1/j/stub.seen 2>/dev/null)"
	grep -q 'GET /cache/ns/bb.sif bytes=' /tmp/federation.log || fault "osdf: no range was read"
}

# the caches outlive jobs, although APPTAINER_CACHEDIR is the job's scratch
second_job() {
	local before after
	before=$(grep -c /blobs/ /tmp/registry.log)
	submit again "container_image = docker://127.0.0.1:$REGISTRY/tiny:1" "arguments = \"-c 'cat infile'\""
	expect_output again hello-in
	after=$(grep -c /blobs/ /tmp/registry.log)
	equal "a second job fetches nothing" "$before" "$after"
}

# `lazyrun pull`: a file that stands for an image, where HTCondor wants a file
pulled() {
	as_user "cd ~/j && lazyrun -q pull tiny.sif docker://127.0.0.1:$REGISTRY/tiny:1" ||
		fault "lazyrun pull"
	submit pulled "container_image = tiny.sif" "$SCRIPT"
	expect_output pulled hello-in "$(id -u u1)"
	at_most_kb tiny.sif 1024
}
at_most_kb() {
	local size
	size=$(($(stat -c %s "/home/u1/j/$1") / 1024))
	if [ $size -le "$2" ]; then ok "$1 has $size KiB"; else fault "$1 has $size KiB"; fi
}

# What a job leaves behind is killed with it: the first job of a node teaches,
# the second builds the hot tree while it runs, the third starts from it.
hot_tree() {
	local name seconds
	rm -f /home/u1/j/hot.json
	for name in hot1:0 hot2:100 hot3:0; do
		seconds=${name#*:} name=${name%:*}
		submit $name "container_image = docker://127.0.0.1:$REGISTRY/tiny:1" \
			"environment = \"LAZYRUN_STATISTICS=/home/u1/j/hot.json LAZYRUN_CACHEDIR=/home/u1/hotcache\"" \
			"arguments = \"-c 'sha256sum /srv/random; sleep $seconds; echo done'\""
		if [ $seconds != 0 ]; then # until the builder beside it is done
			for _ in $(seq 160); do
				[ -e "$(echo /home/u1/hotcache/hot/*/current)" ] && break
				sleep 0.5
			done
			as_user "condor_rm $(cat /tmp/cluster.$name)" >/dev/null
			as_user "condor_wait -wait 40 ~/j/$name.log" >/dev/null
			continue
		fi
		as_user "condor_wait -wait 40 ~/j/$name.log" >/dev/null || fault "$name did not end"
		contains "$name ran" done "$(cat /home/u1/j/$name.out)"
	done
	echo "    $(grep -o '"hot_tree":"[a-z]*"' /home/u1/j/hot.json | xargs)"
	equal "the third job's hot tree" 1 \
		"$(tail -n 1 /home/u1/j/hot.json | grep -Ec '"hot_tree":"(whole|partial)"')"
}

# SINGULARITY_USE_LAUNCHER: HTCondor's script where the image has a shell, and
# lazyrun in its place where not
launcher() {
	echo "SINGULARITY_USE_LAUNCHER = true" >/etc/condor/config.d/95-launcher.conf
	condor_reconfig >/dev/null
	sleep 3
	mkdir -p /images/static/bin /images/static/tmp /images/static/var/tmp
	cp /usr/bin/busybox /images/static/bin/
	chmod -R a+rX /images/static
	submit launched "container_image = /images/bb.sif" "$SCRIPT"
	submit shellless "container_image = /images/static" "transfer_container = false" \
		"executable = /bin/busybox" "arguments = \"echo no shell\""
	expect_output launched hello-in "$(id -u u1)"
	expect_output shellless "no shell"
	submit unstarted "container_image = docker://127.0.0.1:$REGISTRY/tiny:1" \
		"executable = /no/such" "arguments = \"\""
	as_user "condor_wait -wait 30 ~/j/unstarted.log" >/dev/null ||
		fault "a missing command is no failure of the job: $(as_user "condor_q $(cat /tmp/cluster.unstarted) -af JobStatus HoldReason VacateReason NumJobStarts")"
	as_user "condor_rm $(cat /tmp/cluster.unstarted)" >/dev/null 2>&1
	rm /etc/condor/config.d/95-launcher.conf
	condor_reconfig >/dev/null
	sleep 3
}

broken() {
	local reason
	submit broken "container_image = /images/broken.sif" "arguments = \"-c true\""
	for _ in $(seq 160); do
		reason=$(as_user "condor_q $(cat /tmp/cluster.broken) -af JobStatus HoldReason")
		case $reason in 5*) break ;; esac
		sleep 0.5
	done
	[ "${reason%% *}" = 5 ] ||
		fault "a broken image: not held: $(as_user "condor_q $(cat /tmp/cluster.broken) -l" | grep -i 'vacate\|NumShadow\|NumJobS')"
	contains "a broken image: held with our sentence" "broken.sif: it is neither a SIF" "$reason"
	echo "    $reason"
	as_user "condor_rm $(cat /tmp/cluster.broken)" >/dev/null
}

ssh_to_job() {
	local cluster out
	submit sleeper "container_image = /images/bb.sif" "arguments = \"-c 'sleep 120'\""
	cluster=$(cat /tmp/cluster.sleeper)
	out=$(timeout 60 su u1 -c "condor_ssh_to_job -auto-retry $cluster.0 'cat /etc/image-id; pwd' </dev/null" 2>/tmp/ssh.err)
	contains "condor_ssh_to_job lands in the container" bb-image "$out"
	as_user "condor_rm $cluster" >/dev/null
}

set_up
start
[ $# -gt 0 ] || set -- probes jobs second_job pulled hot_tree broken ssh_to_job launcher
for step in "$@"; do $step; done
condor_off -master -fast >/dev/null 2>&1
echo "$faults faults"
[ $faults = 0 ]
