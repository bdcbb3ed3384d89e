#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# In place of apptainer: its name, HTCondor's probes and argument vectors by
# hand, its options and their variables, docker's letters.
. "$(dirname "$0")/lib.sh"
need cc
busybox=$(command -v busybox) && file -L "$busybox" | grep -q static || skip "there is no static busybox"
need setpriv

# A sandbox as HTCondor ships it: nothing but a program that exits with 37.
mkdir -p "$WORK/sandbox/dev" "$WORK/sandbox/proc" "$WORK/bin"
echo 'int main(void) { return 37; }' >"$WORK/exit.c"
cc -static -o "$WORK/sandbox/exit_37" "$WORK/exit.c" || skip "no static programs can be made"
ln -s "$LAZYRUN" "$WORK/bin/apptainer"
ln -s "$LAZYRUN" "$WORK/bin/singularity"
# A root with a shell and files of /.singularity.d.
box=$WORK/box
mkdir -p "$box"/{bin,etc,dev,proc,sys,tmp,var/tmp,.singularity.d}
cp "$busybox" "$box/bin/busybox"
for name in sh cat ls env stat id pwd mount readlink; do ln -s busybox "$box/bin/$name"; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$box/etc/passwd"
printf '#!/bin/sh\necho ran "$@"\n' >"$box/.singularity.d/runscript"
printf '#!/bin/sh\necho tested\nexit 3\n' >"$box/.singularity.d/test"
chmod 755 "$box"/.singularity.d/*
user_folder "$WORK/execute"
cd "$WORK/execute" || exit 1

# bare COMMAND...: with an empty environment
USER_ONLY=()
[ "$(id -u)" != 0 ] || USER_ONLY=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_GID" --clear-groups --inh-caps=-all)
bare() { "${USER_ONLY[@]}" env -i "$@"; }
lr() { as_user "$LAZYRUN" "$@"; }
lr_as() { as_user "$WORK/bin/$1" "${@:2}"; }

# --- names and versions
contains "apptainer --version" "apptainer version 1." "$(bare "$WORK/bin/apptainer" --version)"
contains "singularity --version" "apptainer version 1." "$(bare "$WORK/bin/singularity" --version)"
[[ $(bare "$WORK/bin/apptainer" version) =~ ^1\.[0-9]+\.[0-9]+ ]] || fault "apptainer version is no number"
contains "lazyrun --version" "lazyrun " "$(bare "$LAZYRUN" --version)"

# --- HTCondor's probes: an empty environment, nothing in the sandbox
for name in "$LAZYRUN" "$WORK/bin/apptainer"; do
	bare "$name" exec -C "$WORK/sandbox" /exit_37 >"$WORK/out" 2>&1
	equal "exec -C: status" 37 $?
	equal "exec -C: output" "" "$(cat "$WORK/out")"
	bare "$name" exec --contain --ipc --cleanenv "$WORK/sandbox" /exit_37
	equal "exec --contain --ipc --cleanenv" 37 $?
	bare "$name" -s -q test -S /tmp -S /var/tmp -C "$WORK/sandbox"
	equal "test without a test" 0 $?
done

# --- an unknown option: all options on the standard output, the sentence first
bare "$WORK/bin/apptainer" exec --no-such "$box" true >"$WORK/out" 2>"$WORK/err"
equal "an unknown option of apptainer" 1 $?
equal "its help" "Options for exec command:" "$(head -n 1 "$WORK/out")"
contains "and what it lists" "--writable-tmpfs" "$(cat "$WORK/out")"
contains "its sentence" 'Error for command "exec": unknown flag: --no-such' "$(head -n 1 "$WORK/err")"
bare "$LAZYRUN" exec --no-such "$box" true >"$WORK/out" 2>"$WORK/err"
equal "an unknown option of lazyrun" 2 $?
equal "a sentence alone" "" "$(cat "$WORK/out")"

# --- its argument vector; the last home wins, and nobody expanded its name
out=$(bare "$WORK/bin/apptainer" -s exec -S /tmp -S /var/tmp -W "$WORK/execute" --pwd "$WORK/execute" \
	-B "$WORK/execute" --home "$WORK/execute" -C "$box" sh -c 'pwd; echo $HOME; echo $$; ls -d /dev/fuse; stat -c %a /tmp; echo x >f; echo y >/tmp/y' 2>&1)
contains "working directory" "$WORK/execute" "$(head -n 1 <<<"$out")"
contains "home" "$WORK/execute" "$(sed -n 2p <<<"$out")"
equal "own process ids" 2 "$(sed -n 3p <<<"$out")"
contains "no devices" "No such file" "$out"
equal "scratch mode" 750 "$(tail -n 1 <<<"$out")"
equal "written to the job's directory" x "$(cat "$WORK/execute/f")"
equal "written to scratch" y "$(cat "$WORK/execute/scratch/tmp/y")"
equal "modes below the workdir" "1777 1777" "$(stat -c %a "$WORK/execute"/{tmp,var_tmp} | xargs)"
out=$(bare "$WORK/bin/apptainer" -s exec -S /tmp -W "$WORK/execute" --pwd /srv -B "$WORK/execute:/srv" \
	--home "$WORK/execute" --home '$_CONDOR_SCRATCH_DIR:/srv' -C "$box" sh -c 'pwd; echo $HOME; cat f; cat /etc/passwd' 2>&1)
equal "literal home" "/srv /srv x" "$(head -n 3 <<<"$out" | xargs)"
contains "home in passwd" ":/srv:" "$out"
lr exec -B "$PWD:/doesnotexist" "$box" ls /doesnotexist/f >/dev/null || fault "a missing target is not made"

# --- run, test, shell
equal "run" "ran a b" "$(lr run "$box" a b)"
equal "test" tested "$(lr test "$box")"
lr test "$box" >/dev/null
equal "test's status" 3 $?
equal "shell" shelled "$(echo 'echo shelled' | lr shell "$box")"
equal "shell of choice" /bin/busybox "$(lr shell -s /bin/readlink "$box" -f /bin/sh)"

# --- statuses and errors
# ends NAME STATUS WORDS COMMAND...
ends() {
	local name=$1 status=$2 words=$3
	shift 3
	lr_as "$name" "$@" >"$WORK/out" 2>&1
	equal "$name $*: status" "$status" $?
	contains "$name $*" "$words" "$(cat "$WORK/out")"
}
ln -s "$LAZYRUN" "$WORK/bin/lazyrun"
ends apptainer 255 "FATAL:   " exec "$box" /no/such
ends apptainer 255 "FATAL:   " exec "$WORK/no/such" true
ends apptainer 1 "Error for command" exec --bogus "$box" true
ends lazyrun 127 "lazyrun exec: " exec "$box" /no/such
ends lazyrun 255 "lazyrun exec: " --exit-style apptainer exec "$box" /no/such
ends lazyrun 2 "docker or apptainer" --exit-style other exec "$box" true
ends apptainer 5 "" exec "$box" sh -c 'exit 5'
for option in --apply-cgroups=x --oom-kill-disable --keep-privs --security=x --nvccli --sharens --docker-login --net --network=bridge; do
	ends lazyrun 2 "--" exec "$option" "$box" true
done
ends lazyrun 125 "does not exist" exec -B /no/such/source "$box" true
contains "--no-mount of nothing known" "ignoring it" "$(lr exec --no-mount bogus "$box" sh -c : 2>&1)"

# --- variables stand for options
equal "SINGULARITY_CONTAIN" 0 "$(as_user env SINGULARITY_CONTAIN=1 "$LAZYRUN" exec "$box" ls /dev | grep -c fuse)"
equal "APPTAINER_BIND and -B" "2" "$(as_user env "APPTAINER_BIND=$PWD:/a" "SINGULARITY_BINDPATH=$PWD:/b" "$LAZYRUN" exec "$box" ls /a/f /b/f | wc -l)"
equal "false stays false" 1 "$(as_user env APPTAINER_CONTAIN=false "$LAZYRUN" exec "$box" ls /dev | grep -c fuse)"
contains "-c FILE before the command" "cannot read" "$(lr -c /no/such/file exec "$box" true 2>&1)"

# --- the environment: the image's scripts, the user's own, the caller's
mkdir -p "$box/.singularity.d/env"
cat >"$box/.singularity.d/env/90-environment.sh" <<'END'
export IMAGE="from image" BOTH=image
if [ -n "${APPTAINER_APPNAME:-}" ]; then . /no/such; fi
END
printf 'export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs"\n' >"$box/.singularity.d/env/99-base.sh"
printf 'A="q r"\nexport B=$A-$HOSTS\n' >"$WORK/env.file"
# printed NAMES... COMMAND...: the values of variables, a line each
job_env() { as_user env HOSTS=host BOTH=host "ODD=\$HOME \`id\`" 'APPTAINERENV_V=$BOTH' SINGULARITYENV_W=w "$@"; }
names='echo "$IMAGE,$BOTH,$HOSTS,$ODD,$V,$W,$A,$B,$LD_LIBRARY_PATH,$SINGULARITY_NAME"'
equal "lazyrun's environment" 'from image,image,host,$HOME `id`,$BOTH,w,q r,q r-host,/.singularity.d/libs,box' \
	"$(job_env "$LAZYRUN" exec --env-file "$WORK/env.file" "$box" sh -c "$names")"
equal "apptainer's environment" 'from image,image,host,$HOME `id`,image,w,q r,q r-host,/.singularity.d/libs,box' \
	"$(job_env "$WORK/bin/apptainer" exec --env-file "$WORK/env.file" "$box" sh -c "$names")"
equal "apptainer --no-eval" '$BOTH' "$(job_env "$WORK/bin/apptainer" exec --no-eval "$box" sh -c 'echo "$V"')"
equal "clean environment" "C,," "$(job_env LANG=x "$WORK/bin/apptainer" exec -e "$box" sh -c 'echo "$LANG,$HOSTS,$W"' | sed s/w$//)"
equal "paths" "/pre:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/post" \
	"$(as_user env APPTAINERENV_PREPEND_PATH=/pre SINGULARITYENV_APPEND_PATH=/post "$LAZYRUN" exec "$box" /bin/sh -c 'echo $PATH')"
ends lazyrun 125 "line 1" exec --env-file "$WORK/exit.c" "$box" true
ends apptainer 255 "has no runscript" run --app none "$box"
before=$(ls /tmp | grep -c lazyrun-cache)
lr exec --disable-cache "$box" sh -c : || fault "--disable-cache"
equal "--disable-cache leaves nothing" "$before" "$(ls /tmp | grep -c lazyrun-cache)"

# --- namespaces
equal "--hostname" node7 "$(lr exec --hostname node7 "$box" cat /proc/sys/kernel/hostname)"
equal "--network none" 1 "$(lr exec --network none "$box" cat /proc/net/dev | grep -c :)"
equal "--pid --no-init" 1 "$(lr exec -p --no-init "$box" sh -c 'echo $$')"
equal "--containall --no-pid" 1 "$(lr exec -C --no-pid "$box" sh -c '[ $$ -gt 2 ] && echo 1')"
equal "--fakeroot" 0 "$(lr exec -f "$box" id -u)"
equal "--no-umask" 0022 "$(umask 077; lr exec --no-umask "$box" sh -c umask)"
equal "--no-mount" "" "$(lr exec --no-mount tmp,home,cwd,sys "$box" sh -c 'ls /tmp /sys; ls -d $HOME 2>/dev/null' | grep -v ':$' | xargs)"
equal "--mount" x "$(lr exec --mount "type=bind,src=$PWD,dst=/m,ro" "$box" cat /m/f)"
equal "-B with escapes" x "$(mkdir "$WORK/a:b,c" && echo x >"$WORK/a:b,c/f"; lr exec -B "$WORK/a\\:b\\,c:/m\\:1" "$box" cat /m:1/f)"

# --- docker's letters
equal "docker's letters" "/etc 1,2 x" "$(lr run --rm -it -e A=1,2 -w /etc -v "$PWD:/v" -u "$TEST_UID:$TEST_GID" --entrypoint sh "$box" -c 'pwd; echo $A; cat /v/f' | xargs)"
equal "-e is still --cleanenv" "" "$(as_user env B=2 "$LAZYRUN" run -e --entrypoint sh "$box" -c 'echo $B')"
ends lazyrun 2 "--user" run -u 77:77 "$box"
echo done
