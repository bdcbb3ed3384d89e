#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs within the tree, as its user, for apptainer_sif.sh.
set -u
cd /flags || exit 1
unset OLDPWD
faults=0
cases=0

plain=/flags/in/plain
mkdir -p $plain/{bin,etc,tmp,proc,sys,dev,root,var/tmp,home,mnt,srv} built out
cp in/busybox $plain/bin/busybox
for a in sh ls cat env id stat head wc sort grep test printf echo pwd true false readlink tty sed; do
	ln -sf busybox $plain/bin/$a
done
echo 'root:x:0:0:root:/root:/bin/sh' >$plain/etc/passwd
echo 'root:x:0:' >$plain/etc/group
touch $plain/etc/hosts $plain/etc/resolv.conf
seq 100000 >$plain/srv/numbers
head -c 300000 /dev/urandom >$plain/srv/noise
ln $plain/srv/noise $plain/srv/again
cat >in/box.def <<'END'
Bootstrap: localimage
From: /flags/in/plain
%environment
export GREETING="good day" PATH=/image/bin:$PATH
for i in 1 2; do export LOOP$i=$i; done
%runscript
echo "run: $# arguments, $GREETING"
for a in "$@"; do echo "<$a>"; done
exit 7
%test
echo "tested with $GREETING, $*"
exit 3
%startscript
echo started
%labels
Author somebody
Purpose comparing
%help
the help text
of two lines
%appenv one
export ONE=1
%apprun one
echo "app one: $ONE $*"
END
apptainer build --notest built/gzip.sif in/box.def >in/build.log 2>&1 &&
	apptainer build --notest --mksquashfs-args '-comp zstd' built/zstd.sif in/box.def >>in/build.log 2>&1 ||
	{ cat in/build.log; exit 1; }

# compare COMMAND...: "apptainer" and "lazyrun" in turn with these arguments;
# $INPUT is their standard input
compare() {
	local tool status
	cases=$((cases + 1))
	for tool in apptainer lazyrun; do
		case $tool in
		apptainer) printf '%s' "${INPUT:-}" | /usr/bin/apptainer "$@" >out/apptainer 2>out/apptainer.err ;;
		lazyrun) printf '%s' "${INPUT:-}" | /flags/bin/lazyrun "$@" >out/lazyrun 2>out/lazyrun.err ;;
		esac
		status=$?
		echo "status $status" >>out/$tool
	done
	if ! cmp -s out/apptainer out/lazyrun; then
		faults=$((faults + 1))
		echo "FAULT: $* ${INPUT:+(input: $INPUT)}"
		diff out/apptainer out/lazyrun | head -n 12
		tail -n 2 out/apptainer.err out/lazyrun.err
	fi
}
# the same on a terminal, whose prompt names the program
compare_terminal() {
	local tool
	cases=$((cases + 1))
	for tool in /usr/bin/apptainer /flags/bin/lazyrun; do
		printf '%s' "$INPUT" | script -qec "$tool -q $*" /dev/null | tr -d '\r' >"out/${tool##*/}" 2>&1
		echo "status ${PIPESTATUS[1]}" >>"out/${tool##*/}"
	done
	if ! cmp -s out/apptainer out/lazyrun; then
		faults=$((faults + 1))
		echo "FAULT: on a terminal: $*"
		diff out/apptainer out/lazyrun | head -n 12
	fi
}

for name in gzip zstd; do
	sif=/flags/built/$name.sif
	compare exec $sif echo hello
	compare exec $sif sh -c 'echo $GREETING $LOOP1 $LOOP2; echo $PATH; exit 5'
	# LAZYRUN_IMAGE is ours; USER_PATH is what Apptainer keeps for itself
	compare exec $sif sh -c 'env | grep -vE "^(_|SHLVL|LAZYRUN_IMAGE|USER_PATH)=" | sort'
	compare exec $sif sh -c 'cat /srv/numbers /srv/noise /srv/again | wc -c; ls -l /srv | sed 1d; readlink /bin/sh'
	compare exec $sif cat /.singularity.d/runscript /.singularity.d/labels.json /.singularity.d/env/90-environment.sh
	compare exec $sif /no/such/program
	compare exec $sif false
	compare exec --pwd /srv $sif pwd
	compare exec --app one $sif sh -c 'echo $ONE'
	compare run $sif
	compare run $sif a 'b c' ''
	compare run --app one $sif x y
	compare test $sif
	compare test $sif p q
	INPUT='echo from stdin; echo $GREETING; pwd; exit 4
' compare shell $sif
	INPUT='echo $0 $-; exit 2
' compare shell $sif
	INPUT='echo direct
' compare shell --shell /bin/sh $sif
	INPUT='cat
' compare exec $sif sh
	for flag in --labels --runscript --test --environment --helpfile --deffile --startscript; do
		compare inspect $flag $sif
	done
	INPUT='exit
' compare_terminal shell $sif
	cp $sif in/program.sif
	chmod 755 in/program.sif
done

for sif in /flags/sifs/*.sif; do
	[ -f "$sif" ] || continue
	compare exec "$sif" python3 -c 'import sys, json, decimal; print(sys.version, sys.path)'
	compare exec "$sif" sh -c 'id -u; cat /etc/os-release; ls /usr/lib | head -n 50'
	compare run "$sif" sh -c 'echo runscript; exit 6'
	INPUT='echo $0; ls / | sort; exit 3
' compare shell "$sif"
	compare test "$sif"
	compare inspect --labels "$sif"
done
echo "$cases cases, $faults faults"
[ "$faults" = 0 ]
