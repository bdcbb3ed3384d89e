#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs within the tree, as its user, for apptainer_flags.sh: every case once
# under each tool, into /flags/out/TOOL/NUMBER.*
set -u
cd /flags || exit 1
unset OLDPWD
OUT=/flags/out
mkdir -p $OUT/apptainer $OUT/lazyrun

# --- images: a plain sandbox, one built from a definition, and its SIF
plain=/flags/in/plain
mkdir -p $plain/{bin,etc,tmp,proc,sys,dev,root,var/tmp,home,mnt,srv}
cp in/busybox $plain/bin/busybox
for a in sh ls cat env id stat head wc sort grep test printf echo pwd true false sleep mount \
	readlink touch rm mkdir ps tty sed cut tr od; do ln -sf busybox $plain/bin/$a; done
echo 'root:x:0:0:root:/root:/bin/sh' >$plain/etc/passwd
echo 'root:x:0:' >$plain/etc/group
touch $plain/etc/hosts $plain/etc/resolv.conf
cat >in/box.def <<'END'
Bootstrap: localimage
From: /flags/in/plain
%environment
NOT_EXPORTED=1
export FROM_IMAGE="a b" BOTH=image EMPTY_IMAGE=
export PATH=/image/bin:$PATH
export LD_LIBRARY_PATH=/image/lib
for i in 1 2; do export LOOP$i=$i; done
%runscript
echo runscript "$@"
%test
echo tested; exit 3
%labels
Author me
%help
the help text
END
apptainer build --notest --sandbox in/box in/box.def >in/build.log 2>&1 || { cat in/build.log; exit 1; }
apptainer build --notest in/box.sif in/box.def >>in/build.log 2>&1 || { cat in/build.log; exit 1; }
mkdir -p in/layer/srv
echo layered >in/layer/srv/file
mksquashfs in/layer in/layer.sqfs -quiet -no-progress >>in/build.log 2>&1 || { cat in/build.log; exit 1; }
mkdir -p in/data in/work in/overlay 'in/a:b,c' in/home
echo data >in/data/file
echo escaped >'in/a:b,c/file'
printf 'F1=x\nF2="q r"\nexport F3=$F1-$HOME\nF4=`echo sub`\n' >in/env.file
printf '#!/bin/sh\necho script $1\n' >in/script
printf 'echo no interpreter $1\n' >in/noshebang
chmod 755 in/script in/noshebang

number=0
# tool NAME: what is run for it
tool() { [ "$1" = apptainer ] && echo /usr/bin/apptainer || echo /flags/bin/lazyrun; }

# run_case NAME SUFFIX COMMAND...: into NUMBER.SUFFIX and NUMBER.SUFFIX.rc
run_case() {
	local name=$1 suffix=$2
	shift 2
	rm -rf in/work/* in/overlay/*
	env "${E[@]}" "$(tool "$name")" "$@" >"$OUT/$name/$number.$suffix" 2>"$OUT/$name/$number.$suffix.err" </dev/null
	echo $? >"$OUT/$name/$number.$suffix.rc"
}

# t ROW NEED WHAT FLAG... -- WORD...: exec FLAG... IMAGE WORD...; the
# environment and mounts of the same flags too.  SUB: another subcommand; E:
# variables; IMAGE: another image; FIRST: words before the subcommand.
t() {
	local row=$1 need=$2 what=$3 flags=()
	shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do flags+=("$1"); shift; done
	shift
	number=$((number + 1))
	printf '%s\t%s\t%s\t%s\n' "$number" "$row" "$need" "$what" >>$OUT/cases
	for name in apptainer lazyrun; do
		run_case $name out "${FIRST[@]}" "$SUB" "${flags[@]}" "$IMAGE" "$@"
		[ "$SUB" = exec ] && [ "$STATE" = yes ] || continue
		run_case $name state "${FIRST[@]}" exec "${flags[@]}" "$IMAGE" \
			/bin/sh -c '/bin/env; echo ---; /bin/cat /proc/self/mounts'
	done
	SUB=exec E=() IMAGE=in/box FIRST=() STATE=yes
}
SUB=exec E=() IMAGE=in/box FIRST=() STATE=yes

show='pwd; echo $HOME; ls -d $HOME /tmp /var/tmp /srv; id -u'
# --- rows 1 to 6: parsing, subcommands
FIRST=(-s -q)
t 1 M "-s -q before the subcommand" -- sh -c 'echo $APPTAINER_COMMAND'
t 1 M "-e after it, then the command verbatim" -e -- sh -c 'echo "$@"' sh -e --pid
t 1 M "unknown option" --no-such -- true
t 1 M "unknown letter" -Zb -- true
E=(APPTAINER_CONTAIN=1)
t 1 M "APPTAINER_CONTAIN=1" -- ls /dev
E=(SINGULARITY_CONTAIN=true)
t 1 M "SINGULARITY_CONTAIN=true" -- ls /dev
E=(APPTAINER_CONTAIN=nonsense)
t 1 M "APPTAINER_CONTAIN=nonsense" -- true
E=(APPTAINER_BIND=/flags/in/data:/mnt)
t 1 M "APPTAINER_BIND" -- cat /mnt/file
E=(SINGULARITY_BINDPATH=/flags/in/data:/srv)
t 1 M "SINGULARITY_BINDPATH and -B" -B /flags/in/data:/mnt -- cat /mnt/file /srv/file
E=(APPTAINER_PWD=/etc)
t 1 M "APPTAINER_PWD" -- pwd
t 2 M "exec" -- sh -c 'echo "$1|$2"' x 'a  b' '*'
t 2 M "exec: script" -- in/script 1
t 2 M "exec: file without interpreter" -- ./in/noshebang 1
t 2 M "exec: not found" -- no-such-command
t 2 M "exec: not executable" -- /etc/passwd
STATE=no IMAGE=in/none
t 2 M "exec: no image" -- true
SUB=run
t 3 M "run" -- a 'b c'
SUB=run IMAGE=in/box.sif
t 3 M "run: SIF" -- a 'b c'
SUB=test
t 4 M "test" --
SUB=test IMAGE=in/box.sif
t 4 M "test: SIF" --
SUB=test IMAGE=in/plain
t 4 M "test: image without one" --
IMAGE=in/box.sif
t 2 M "exec: SIF" -- sh -c "$show"
IMAGE=in/plain
t 2 M "exec: plain directory" -- sh -c "$show"

# --- row 7, 8: binds
t 7 M "-B SRC:DST" -B /flags/in/data:/mnt -- cat /mnt/file
t 7 M "-B SRC:DST:ro" -B /flags/in/data:/mnt:ro -- sh -c 'touch /mnt/x'
t 7 M "-B A:B:ro,C:D" -B /flags/in/data:/mnt:ro,/flags/in/data:/srv -- cat /mnt/file /srv/file
t 7 M "-B A:B,C" -B /flags/in/data:/mnt,/flags/in/work -- cat /mnt/file
t 7 M "-B with escapes" -B '/flags/in/a\:b\,c:/mnt' -- cat /mnt/file
t 7 M "-B: missing target" -B /flags/in/data:/no/such/place -- cat /no/such/place/file
t 7 M "-B: missing source" -B /no/such/source:/mnt -- true
t 7 M "-B: file" -B /flags/in/data/file:/etc/bound -- cat /etc/bound
t 7 M "-B: relative target" -B /flags/in/data:mnt -- true
t 7 M "-B: bad option" -B /flags/in/data:/mnt:bad -- true
t 7 M "-B: device" -c -B /dev/full -- ls /dev
t 8 "" "--mount" --mount type=bind,src=/flags/in/data,dst=/mnt,ro -- sh -c 'cat /mnt/file; touch /mnt/x'
t 8 "" "--mount: no type" --mount src=/flags/in/data,dst=/mnt -- cat /mnt/file

# --- row 9 to 13: places
t 9 M "-c -W" -c -W in/work -- sh -c "$show; stat -c %a /tmp /var/tmp \$HOME; touch /tmp/t; ls /flags/in/work"
STATE=no
t 9 M "-W: missing" -c -W in/none -- true
t 10 M "-S with -W" -W in/work -S /scratch -- sh -c 'stat -c %a /scratch; touch /scratch/x; cat /proc/self/mounts | grep -c " /scratch "'
t 10 M "-S A,B" -S /sa,/sb -- sh -c 'stat -c %a /sa /sb'
t 10 M "-S /tmp over -c" -c -W in/work -S /tmp -S /var/tmp -- sh -c 'stat -c %a /tmp /var/tmp'
t 11 M "--pwd" --pwd /etc -- sh -c 'pwd; echo $PWD'
t 11 M "--cwd" --cwd /srv -- pwd
t 11 M "--pwd: missing" --pwd /no/such -- true
t 11 M "no --pwd" -- pwd
t 11 M "no --pwd, contained" -c -- pwd
t 12 M "-H SRC" -H /flags/in/home -- sh -c "$show; grep u1 /etc/passwd"
t 12 M "-H SRC:DST" -H /flags/in/home:/srv -- sh -c "$show; grep u1 /etc/passwd"
t 12 M "-H twice" -H /flags/in/data -H /flags/in/home:/srv -- sh -c 'echo $HOME; ls /srv'
t 12 M "-H: missing source" -C -H '$_CONDOR_SCRATCH_DIR:/srv' -- sh -c "$show; touch /srv/x; stat -c %a /srv"
t 12 M "-H, then -B over it" -C -H '$_CONDOR_SCRATCH_DIR:/srv' -B /flags/in/data:/srv -- cat /srv/file
t 13 M "--no-home" --no-home -- sh -c 'pwd; echo $HOME; ls -d $HOME'
t 13 M "--no-mount tmp,home" --no-mount tmp,home -- sh -c 'ls /tmp; ls -d $HOME'
t 13 M "--no-mount dev" --no-mount dev -- ls /dev
t 13 M "--no-mount devpts" -c --no-mount devpts -- ls /dev
t 13 M "--no-mount sys" --no-mount sys -- ls /sys
t 13 M "--no-mount cwd" --no-mount cwd -- sh -c 'pwd'
t 13 M "--no-mount nonsense" --no-mount nonsense -- true

# --- row 14 to 16: containment, namespaces
t 14 M "-c" -c -- sh -c "$show; ls /dev /tmp \$HOME; stat -c '%n %a' /dev/shm \$HOME /tmp; readlink /dev/ptmx"
t 14 M "-c: ptmx works" -c -- sh -c 'exec 3<>/dev/ptmx; ls /dev/pts'
t 15 M "-C" -C -- sh -c "$show; ls /dev; [ \$\$ -lt 100 ] && echo small"
t 15 M "--contain --ipc --cleanenv" --contain --ipc --cleanenv -- sh -c "$show"
t 16 M "-p" -p -- sh -c '[ $$ -lt 100 ] && echo small; sleep 100 & exit 4'
t 16 M "-p --no-init" -p --no-init -- sh -c 'echo $$'
t 16 M "-i" -i -- sh -c 'ls /dev/mqueue 2>/dev/null | wc -l'
t 16 M "-u" -u -- id -u
t 16 "" "--uts --hostname" --uts --hostname node7 -- cat /proc/sys/kernel/hostname

# --- row 17 to 20: environment
E=(HOSTVAR=1 http_proxy=p NO_PROXY=q LANG=de LC_ALL=de TZ=x)
t 17 M "-e" -e -- true
t 18 M "--env A=1,B=2" --env A=1,B=2 --env 'C=x y' -- true
t 18 M "--env with commas" --env A=a,b -- true
E=(APPTAINERENV_A=fromenv APPTAINERENV_B=fromenv)
t 18 M "--env over APPTAINERENV_" --env A=cli -- true
t 18 M "--env-file" --env-file in/env.file -- true
t 18 M "--env-file, --env" --env-file in/env.file --env F1=cli -- true
E=(APPTAINERENV_A=a SINGULARITYENV_A=s SINGULARITYENV_B=s)
t 18 M "APPTAINERENV_, SINGULARITYENV_" -- true
E=(APPTAINERENV_PREPEND_PATH=/pre APPTAINERENV_APPEND_PATH=/post)
t 18 M "PREPEND_PATH, APPEND_PATH" -- true
E=('APPTAINERENV_PATH=/x:$PATH')
t 18 M "APPTAINERENV_PATH" -- true
E=(LD_LIBRARY_PATH=/h APPTAINER_SHELL=/s SINGULARITY_APPNAME= HOME=/nowhere)
t 18 M "host variables that stay out" -- sh -c 'echo $HOME'
t 18 M "--env HOME" --env HOME=/x -- sh -c 'echo $HOME'
E=(FROM_IMAGE=host BOTH=host EMPTY_IMAGE=host HOSTVAR='$x `y` "z"')
t 19 M "image over host" -- true
E=(APPTAINERENV_BOTH=user 'APPTAINERENV_V=$FROM_IMAGE `echo s` \$x "q" b\\c')
t 19 M "user over image, evaluated" -- true
E=('APPTAINERENV_V=$FROM_IMAGE `echo s`')
t 19 M "--no-eval" --no-eval -- true
E=(APPTAINERENV_LD_LIBRARY_PATH=/user)
t 19 M "LD_LIBRARY_PATH" -- true
IMAGE=in/plain
t 19 M "image without env scripts" -- true
IMAGE=in/box.sif
t 19 M "SIF" -- true
E=('APPTAINERENV_PS1=slot$ ')
t 20 M "PS1 of the user" -B /flags/in/data:/mnt -- true

# --- row 21 to 29
t 21 M "default mounts" -- sh -c 'grep -c u1 /etc/passwd; cat /etc/group; ls -d /proc/self /sys/class /dev/null'
STATE=no
t 23 "" "--writable-tmpfs" --writable-tmpfs -- sh -c 'touch /x /etc/y && ls /x /etc/y'
t 23 "" "--overlay DIR" --overlay in/overlay -- sh -c 'echo kept >/kept; cat /kept /flags/in/overlay/upper/kept'
t 23 "" "--overlay FILE.sqfs:ro" --overlay in/layer.sqfs:ro -- sh -c 'cat /srv/file; touch /srv/x'
t 23 "" "--overlay FILE.sqfs" --overlay in/layer.sqfs -- cat /srv/file
IMAGE=in/box.sif
t 23 "" "--overlay FILE.sqfs:ro, SIF" --overlay in/layer.sqfs:ro -- cat /srv/file
STATE=no
t 23 "" "--overlay DIR, FILE.sqfs" --overlay in/overlay --overlay in/layer.sqfs:ro -- sh -c 'echo kept >/srv/file; cat /srv/file /flags/in/overlay/upper/srv/file'
if command -v fuse2fs >/dev/null && command -v mke2fs >/dev/null; then
	mkdir -p in/ext/upper/srv in/ext/work
	echo extended >in/ext/upper/srv/file
	mke2fs -q -t ext3 -d in/ext in/layer.ext3 16m >>in/build.log 2>&1
	t 23 "" "--overlay FILE.ext3:ro" --overlay in/layer.ext3:ro -- sh -c 'cat /srv/file; touch /srv/x'
	t 23 "" "--overlay FILE.ext3:ro, FILE.sqfs:ro" --overlay in/layer.ext3:ro --overlay in/layer.sqfs:ro -- cat /srv/file
	IMAGE=in/box.sif
	t 23 "" "--overlay FILE.ext3:ro, SIF" -C --overlay in/layer.ext3:ro -- cat /srv/file
fi
STATE=no
t 23 "" "--overlay: no such file" --overlay in/none -- true
STATE=no
t 23 "" "--overlay: no image" --overlay in/env.file -- true
STATE=no IMAGE=in/plain
t 23 "" "-w" -w -- sh -c 'echo made >/made && cat /made && rm /made; ls -d /tmp; stat -c %a /etc/passwd'
STATE=no IMAGE=in/box.sif
t 23 "" "-w: SIF" -w -- true
t 24 "" "-f" -f -- sh -c 'id -u; id -g; echo $HOME; touch /flags/in/work/f && stat -c %u /flags/in/work/f'
t 24 "" "-f: other owners" -f -- sh -c 'touch /flags/in/work/f; chown 5:6 /flags/in/work/f 2>/dev/null; stat -c %u:%g /flags/in/work/f'
umask 0027
t 25 "" "umask" -- sh -c umask
t 25 "" "--no-umask" --no-umask -- sh -c umask
umask 0022
t 25 "" "--compat" --compat -- sh -c 'umask; echo $$; touch /x && ls /x; pwd'
t 27 "" "--network none" --network none -- sh -c 'grep -c : /proc/net/dev'
t 27 "" "--net" --net -- true
t 27 "" "--network bridge" --network bridge -- true
STATE=no
t 29 M "exit status" -- sh -c 'exit 5'
STATE=no
t 29 M "killed" -- sh -c 'kill -KILL $$'
STATE=no
t 29 M "killed, -p" -p -- sh -c 'kill -SEGV $$'
STATE=no
t 29 "" "--keep-privs" --keep-privs -- true
STATE=no
t 29 "" "--no-privs" --no-privs -- true
STATE=no SUB=run
t 29 "" "--app: missing" --app none --
