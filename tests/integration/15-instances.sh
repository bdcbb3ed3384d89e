#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# Instances: start, join, list, stop; how jobs that joined end, and how the
# instance does; what joins and what must not.
. "$(dirname "$0")/lib.sh"
need umoci
need busybox
need jq
need python3
layout=$(image_layout tiny)
user_folder "$WORK/layout"
cp -a "$layout/." "$WORK/layout"
chmod -R a+rX "$WORK/layout"
IMAGE=oci:$WORK/layout:1
lr() { as_user "$LAZYRUN" -q "$@"; }
instances() { lr ps --json; }
jobs_of() { instances | jq ".[] | select(.name == \"$1\") | .jobs | length"; }
has_jobs() { [ "$(jobs_of "$1")" = "$2" ]; }
gone() { [ "$(instances | jq length)" = 0 ]; }
joined() { tail -n 1 "$WORK/home/statistics" | jq -r .instance; }
requests() { instances | jq ".[] | select(.name == \"$1\") | .fuse_requests"; }
cd / || exit 1

lr exec "$IMAGE" true || fault "exec without an instance"
equal "no instance, none listed" 0 "$(instances | jq length)"

# a named one: its root, and its mount for others
check "instance start" lr instance start "$IMAGE" one
lr instance start "$IMAGE" one 2>"$WORK/err" && fault "the same name twice"
contains "the same name twice" "runs already" "$(cat "$WORK/err")"
equal "list" one "$(lr instance list -j | jq -r '.instances[].instance')"
equal "exec in the root" hello "$(lr exec instance://one echo hello)"
equal "process 1 is the instance's" lazyrun-init "$(lr exec instance://one cat /proc/1/comm)"
lr exec instance://one sh -c 'exit 37'
equal "exit status" 37 $?
equal "one mount namespace for all" \
	"$(lr exec instance://one stat -Lc %i /proc/self/ns/mnt /proc/self/ns/user)" \
	"$(lr exec instance://one stat -Lc %i /proc/self/ns/mnt /proc/self/ns/user)"
equal "no capabilities" 0000000000000000 \
	"$(lr exec instance://one grep CapBnd /proc/self/status | cut -f2)"
lr exec instance://other true 2>"$WORK/err"
equal "an unknown instance" 125 $?
contains "an unknown instance" "no instance \"other\"" "$(cat "$WORK/err")"

lr exec --statistics "$WORK/home/statistics" "$IMAGE" sha256sum /srv/random >"$WORK/first"
equal "exec of the image joins" one "$(joined)"
before=$(requests one)
lr exec --statistics "$WORK/home/statistics" "$IMAGE" sha256sum /srv/random >"$WORK/second"
after=$(requests one)
equal "the same bytes" "$(cat "$WORK/first")" "$(cat "$WORK/second")"
at_most "FUSE requests of a second job (one page cache)" 24 $((after - before))
user_folder "$WORK/data"
echo content >"$WORK/data/file"
equal "a joined job has its own binds" content "$(lr exec -B "$WORK/data:/new" "$IMAGE" cat /new/file)"
equal "a joined job can have a writable root" new \
	"$(lr exec --writable-tmpfs "$IMAGE" sh -c 'echo new >/srv/x; cat /srv/x')"
lr exec "$IMAGE" test -e /srv/x && fault "another job's file"
equal "a joined job with --pid" 1 "$(lr exec --pid "$IMAGE" sh -c 'echo $PPID')"
lr exec "$IMAGE" sh -c 'kill -SEGV $$'
equal "death by signal" 139 $?
equal "a later bind mount's source" late "$(user_folder "$WORK/late"; echo late >"$WORK/late/f"
	lr exec -B "$WORK/late:/late" "$IMAGE" cat /late/f)"
lr exec --join never --statistics "$WORK/home/statistics" "$IMAGE" true
equal "--join never" null "$(joined)"

# jobs alike copy one root; others have their own; nobody sees a difference
root_of() { lr exec "$@" stat -c %d /; }
first=$(root_of "$IMAGE")
equal "a job alike copies the root" "$first" "$(root_of "$IMAGE")"
equal "so does one with other words and variables" "$first" \
	"$(root_of --env A=b --pwd /srv --pid --cleanenv "$IMAGE")"
equal "its environment" "b /srv" "$(lr exec --env A=b --pwd /srv "$IMAGE" sh -c 'echo $A $PWD')"
equal "its process ids" 1 "$(lr exec --pid "$IMAGE" sh -c 'echo $PPID')"
equal "its user" "$TEST_UID" "$(lr exec "$IMAGE" id -u)"
equal "no capabilities in a copied root" 0000000000000000 \
	"$(lr exec "$IMAGE" grep CapEff /proc/self/status | cut -f2)"
lr exec "$IMAGE" sh -c 'echo x >/srv/x' 2>/dev/null && fault "a copied root is written to"
for different in "-B $WORK/data:/new" "--no-home" "--home $WORK/data" "--writable-tmpfs" "--contain" \
	"--no-mount tmp"; do
	[ "$(root_of $different "$IMAGE")" != "$first" ] || fault "$different: another job's root"
done
equal "the caller's directory" "$WORK/data" "$(cd "$WORK/data" && lr exec "$IMAGE" pwd)"
equal "a home of its own" "$WORK/data content" \
	"$(lr exec --home "$WORK/data" "$IMAGE" sh -c 'echo $HOME $(cat ~/file)')"
second=$(root_of -B "$WORK/data:/new" "$IMAGE")
equal "binds alike" "$second" "$(root_of -B "$WORK/data:/new" "$IMAGE")"
mv "$WORK/data" "$WORK/old"
user_folder "$WORK/data"
echo another >"$WORK/data/file"
equal "a folder that took another's place" another \
	"$(lr exec -B "$WORK/data:/new" "$IMAGE" cat /new/file)"
for i in $(seq 10); do user_folder "$WORK/cwd$i"; (cd "$WORK/cwd$i" && root_of "$IMAGE" >"$WORK/root$i"); done
equal "roots that nobody joins give way" 10 "$(cat "$WORK"/root? "$WORK"/root?? | wc -l)"
check "and are made anew" lr exec "$IMAGE" true
# with directories of their own: two at once share the rest of the root, and nothing that they write to
lr exec -C "$IMAGE" true || fault "-C of an instance"
user_folder "$WORK/meet"
private='/tmp /var/tmp $HOME /dev /dev/shm /scratch'
both="$(root_of -C -B "$WORK/meet:/meet" -S /scratch "$IMAGE")"
for me in 1 2 3; do
	lr exec -C -B "$WORK/meet:/meet" -S /scratch "$IMAGE" sh -c '
		exec 3<>/dev/ptmx
		for dir in '"$private"'; do echo '$me' >$dir/of-'$me' || exit 1; done
		stat -c %d / >/meet/root-'$me'
		>/meet/ready-'$me'
		i=0
		while [ "$(ls /meet | grep -c ready)" -lt 3 ]; do i=$((i + 1)); [ $i -lt 1000 ] || exit 2; usleep 20000; done
		for dir in '"$private"'; do ls -d $dir/of-*; stat -c "%d device" $dir; done >/meet/seen-'$me'
		ls /dev/pts >>/meet/terminals-'$me'
		cat /proc/self/mountinfo >/meet/mounts-'$me'
		echo x >/dev/null && head -c 2 /dev/zero | wc -c >/meet/zero-'$me'
		>/meet/done-'$me'
		while [ "$(ls /meet | grep -c done)" -lt 3 ]; do i=$((i + 1)); [ $i -lt 1000 ] || exit 3; usleep 20000; done' &
	pids[me]=$!
done
for me in 1 2 3; do wait "${pids[me]}" || fault "contained job $me: status $?"; done
for me in 1 2 3; do
	equal "contained job $me has the root that others have" "$both" "$(cat "$WORK/meet/root-$me")"
	equal "contained job $me sees its own files alone" 6 "$(grep -c "/of-$me\$" "$WORK/meet/seen-$me")"
	equal "contained job $me sees nobody's files" 6 "$(grep -c /of- "$WORK/meet/seen-$me")"
	equal "contained job $me has its own terminals" "0 ptmx" "$(xargs <"$WORK/meet/terminals-$me")"
	equal "contained job $me has devices" 2 "$(cat "$WORK/meet/zero-$me")"
done
equal "no directory in memory is another job's" "" \
	"$(for me in 1 2 3; do grep device "$WORK/meet/seen-$me" | sort -u; done | sort | uniq -d)"
equal "-c, too, copies a root" "$(root_of -c "$IMAGE")" "$(root_of -c "$IMAGE")"
equal "a bind below a directory in memory" content \
	"$(user_folder "$WORK/in"; echo content >"$WORK/in/f"; for i in 1 2; do lr exec -C -B "$WORK/in:/tmp/in" "$IMAGE" \
		sh -c 'cat /tmp/in/f; echo >/tmp/x'; done | sort -u)"
equal "a device that was bound" fuse \
	"$(for i in 1 2; do lr exec -C -B /dev/fuse "$IMAGE" ls /dev | grep fuse; done | sort -u)"
equal "no terminals where none are asked for" "" \
	"$(for i in 1 2; do lr exec -C --no-mount devpts "$IMAGE" ls /dev | grep pt; done)"
if command -v nsenter >/dev/null; then
	"${AS_USER[@]}" "$LAZYRUN" -q exec -C "$IMAGE" sleep 300 &
	caller=$!
	wait_for "a contained job" has_jobs one 1
	wait_for "its process 1" pgrep -P "$caller" lazyrun-init
	init=$(pgrep -P "$caller" lazyrun-init)
	wait_for "the job" pgrep -P "$init" sleep
	# with all the power that the user has in the job's namespaces
	as_user python3 - "$(pgrep -P "$init" sleep)" >"$WORK/power" 2>&1 <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		spaces = [os.open(f"/proc/{sys.argv[1]}/ns/{name}", os.O_RDONLY) for name in ("user", "mnt")]
		for fd in spaces:
		    if libc.setns(fd, 0) < 0:
		        print("setns", ctypes.get_errno())
		own = ["mqueue", "pts", "shm", "null", "zero", "random", "urandom", "tty", ""]
		for name in own:
		    if libc.umount2(f"/dev/{name}".encode(), 0) < 0:
		        print("own", name)
		# what is left is what all have
		for name in ("null", "tty", ""):
		    if libc.umount2(f"/dev/{name}".encode(), 0) == 0:
		        print("shared", name)
		for flags in (0x1020, 0x20):  # MS_REMOUNT, with MS_BIND
		    libc.mount(None, b"/dev", None, flags, None)
		    libc.mount(None, b"/", None, flags, None)
		for path in ("/dev/shared", "/shared"):
		    try:
		        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
		        print("made", path)
		    except OSError:
		        pass
		print(sorted(os.listdir("/dev")))
	END
	equal "what a user can do to the root that others copy" \
		"['null', 'random', 'tty', 'urandom', 'zero']" "$(cat "$WORK/power")"
	kill -TERM "$caller"
	wait "$caller"
	equal "a contained job ends by its signal" 143 $?
	wait_for "its end" has_jobs one 0
fi
lr exec --join perhaps "$IMAGE" true 2>"$WORK/err" && fault "--join perhaps"
contains "--join perhaps" "auto, never, always" "$(cat "$WORK/err")"
if [ "$(id -u)" = 0 ]; then
	# another mount namespace shows another host
	unshare -m "${AS_USER[@]}" "$LAZYRUN" -q exec --statistics "$WORK/home/statistics" "$IMAGE" true
	equal "another mount namespace does not join" null "$(joined)"
	"$LAZYRUN" -q exec --statistics "$WORK/root-statistics" "$IMAGE" true 2>/dev/null
	[ ! -e "$WORK/root-statistics" ] ||
		equal "root does not join a user's" null "$(jq -r .instance "$WORK/root-statistics")"
	setpriv --reuid="$TEST_UID" --regid=1 --clear-groups --inh-caps=-all env "HOME=$WORK/home" \
		"$LAZYRUN" -q exec --statistics "$WORK/home/statistics" "$IMAGE" true
	equal "another primary group does not join" null "$(joined)"
fi
inode() { stat -Lc %i "/proc/$1/ns/mnt"; }
if command -v nsenter >/dev/null; then
	"${AS_USER[@]}" "$LAZYRUN" -q exec "$IMAGE" sleep 300 &
	caller=$!
	wait_for "a job" has_jobs one 1
	job=$(pgrep -P "$caller" sleep)
	equal "the job is the caller's child" sleep "$(cat "/proc/$job/comm")"
	equal "nsenter into a joined job" /bin/busybox \
		"$(as_user nsenter -t "$job" -U -m --preserve-credentials /bin/busybox ls /bin/busybox)"
	kill -KILL "$caller"
	wait_for "the end of a killed caller's job" sh -c "! kill -0 $job"
	wait_for "the instance's notice" has_jobs one 0
	wait "$caller" 2>/dev/null
fi
# what a job leaves behind keeps its caller, as without an instance
begin=$(date +%s%N)
equal "background processes" "main" "$(lr exec "$IMAGE" sh -c 'sleep 0.5 >/dev/null 2>&1 & echo main')"
[ $(($(date +%s%N) - begin)) -ge 400000000 ] || fault "the caller did not wait for the background"

# stop: SIGTERM for the jobs first
"${AS_USER[@]}" "$LAZYRUN" -q exec "$IMAGE" sleep 300 &
first=$!
"${AS_USER[@]}" "$LAZYRUN" -q exec instance://one sleep 300 &
second=$!
wait_for "two jobs" has_jobs one 2
check "instance stop" lr instance stop one
wait $first
equal "a stopped job" 143 $?
wait $second
equal "a stopped job in the root" 143 $?
equal "nothing is left" 0 "$(instances | jq length)"
lr instance stop one 2>/dev/null && fault "stopped twice"

# an instance that dies takes its jobs along, with a sentence
check "start another" lr instance start "$IMAGE" two
"${AS_USER[@]}" "$LAZYRUN" -q exec "$IMAGE" sh -c 'trap "" TERM; sleep 300' 2>"$WORK/err" &
first=$!
wait_for "a job" has_jobs two 1
kill -KILL "$(instances | jq .[].pid)"
wait $first
equal "the job of a killed instance" 125 $?
contains "the job of a killed instance" "the instance two ended" "$(cat "$WORK/err")"
[ -n "$(ls "$WORK/cache/instances")" ] || fault "a killed instance should leave its socket"
equal "leftovers are removed" 0 "$(instances | jq length)"
equal "leftovers are gone" "" "$(ls "$WORK/cache/instances")"
equal "exec afterwards" again "$(lr exec "$IMAGE" echo again)"

# an instance and a caller that are killed at once leave nothing
check "start a third" lr instance start "$IMAGE" three
for option in "" --pid; do
	"${AS_USER[@]}" "$LAZYRUN" -q exec $option "$IMAGE" sh -c 'sleep 47110 & setsid sleep 47110 & wait' &
	first=$!
	wait_for "a job" has_jobs three 1
	wait_for "its children" sh -c '[ "$(pgrep -cxf "sleep 47110")" = 2 ]'
	keeper=$(instances | jq .[].pid)
	kill -STOP $first
	kill -KILL "$keeper"
	kill -KILL $first
	wait $first 2>/dev/null
	wait_for "the end of what the job started" sh -c '! pgrep -xf "sleep 47110"'
	[ -n "$option" ] || check "start it again" lr instance start "$IMAGE" three
done
instances >/dev/null # removes what the killed one left
# --keep starts one; it ends when idle
equal "--keep" kept "$(lr exec --keep 600ms --statistics "$WORK/home/statistics" "$IMAGE" echo kept)"
contains "--keep joins what it started" shared- "$(joined)"
lr exec --statistics "$WORK/home/statistics" "$IMAGE" true
contains "the next one joins" shared- "$(joined)"
wait_for "the end of an idle instance" gone
# a herd starts one
for i in $(seq 8); do lr exec --keep 5s "$IMAGE" sleep 0.2 & pids[i]=$!; done
sleep 0.1
for i in $(seq 8); do wait "${pids[i]}" || fault "one of a herd: status $?"; done
equal "a herd starts one instance" 1 "$(instances | jq length)"
check "stop --all" lr instance stop --all
equal "stop --all" 0 "$(instances | jq length)"

# tied to the session's leader
as_user setsid -w sh -c "$LAZYRUN -q exec --keep 60s $IMAGE true; $LAZYRUN ps --json" >"$WORK/during"
equal "kept within the session" 1 "$(jq length "$WORK/during")"
wait_for "the end with the session" gone

# a folder that others may write to is not trusted
chmod 777 "$WORK/cache/instances"
lr instance start "$IMAGE" three 2>"$WORK/err" && fault "a folder open to others"
contains "a folder open to others" 0700 "$(cat "$WORK/err")"
lr exec "$IMAGE" true || fault "exec beside a bad folder"
chmod 700 "$WORK/cache/instances"
lr instance start "$IMAGE" "../x" 2>"$WORK/err"
equal "a bad name" 2 $?
