#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
# Hostile images and absurd command lines: contained, or refused with a
# sentence; the host's files stay as they are.
. "$(dirname "$0")/lib.sh"
busybox=$(command -v busybox) && file -L "$busybox" | grep -q static || skip "there is no static busybox"
need setpriv
box=$WORK/box
trap_dir=$WORK/trap # what nothing may ever be made in
user_folder "$trap_dir" "$WORK/data"
echo data >"$WORK/data/file"
chmod 777 "$trap_dir"
lr() { as_user "$LAZYRUN" "$@"; }

# fresh_box: a root with a shell, owned by the job's user
fresh_box() {
	rm -rf "$box"
	mkdir -p "$box"/{bin,etc,dev,proc,sys,tmp,var/tmp,home,mnt}
	cp "$busybox" "$box/bin/busybox"
	for name in sh cat ls stat id mount touch readlink mknod grep wc env ping; do ln -s busybox "$box/bin/$name"; done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$box/etc/passwd"
	echo 'root:x:0:' >"$box/etc/group"
	[ "$(id -u)" != 0 ] || chown -R "$TEST_UID:$TEST_GID" "$box"
}

# contained WHAT COMMAND...: ends by itself; a failure has one sentence; the
# trap is empty
contained() {
	local what=$1 status
	shift
	timeout 20 "${AS_USER[@]}" "$LAZYRUN" "$@" >"$WORK/out" 2>"$WORK/err"
	status=$?
	[ "$status" != 124 ] || fault "$what: does not end"
	if [ "$status" = 125 ]; then
		[ "$(grep -c . "$WORK/err")" = 1 ] || fault "$what: no single sentence: $(cat "$WORK/err")"
	fi
	[ -z "$(ls -A "$trap_dir")" ] || { fault "$what: made $(ls -A "$trap_dir") on the host"; rm -rf "${trap_dir:?}"/*; }
	[ "$(cat "$WORK/data/file")" = data ] || fault "$what: changed a file of the host"
}

# --- links and ".." where something is to be mounted, or read
before=$(sha256sum /etc/passwd /etc/group /etc/hosts 2>/dev/null)
for target in dev proc sys tmp var var/tmp etc home mnt etc/passwd etc/group etc/hosts etc/resolv.conf; do
	for to in "../../../../../../..$trap_dir" /proc/1/root / .. "/$target" nowhere/at/all; do
		fresh_box
		rm -rf "${box:?}/$target"
		ln -s "$to" "$box/$target"
		contained "/$target -> $to" exec -C -W "$WORK/data" -B "$WORK/data:/$target/deep/er" "$box" /bin/busybox true
	done
done
equal "the host's accounts" "$before" "$(sha256sum /etc/passwd /etc/group /etc/hosts 2>/dev/null)"

# --- the same where contained jobs of an instance copy a root: what one writes to is never another's
if command -v mksquashfs >/dev/null; then
	for link in "dev $trap_dir" "dev /tmp" "tmp /dev" "tmp /mnt" "var/tmp ../tmp" "mnt /tmp" "etc /tmp" "proc /tmp"; do
		fresh_box
		rm -rf "${box:?}/${link% *}"
		ln -s "${link#* }" "$box/${link% *}"
		mksquashfs "$box" "$WORK/hostile.sqfs" -noappend -quiet -no-progress >/dev/null 2>&1
		chmod 644 "$WORK/hostile.sqfs"
		lr -q instance start "$WORK/hostile.sqfs" hostile || fault "an instance of ${link// / -> }"
		for i in 1 2 3; do
			contained "joined, ${link// / -> }" -q exec -C -B "$WORK/data:/mnt" --no-home -S /new "$WORK/hostile.sqfs" /bin/busybox sh -c \
				'for d in /dev /tmp /var/tmp /dev/shm /new; do [ ! -e $d/seen ] || echo SHARED $d; done
				for d in /tmp /var/tmp /dev/shm /new; do : >$d/seen; done'
			! grep -q SHARED "$WORK/out" || fault "joined, ${link// / -> }: $(xargs <"$WORK/out")"
			rm -f "$WORK/data/seen"
		done
		lr -q instance stop hostile || fault "the end of an instance"
	done
fi

# --- files, pipes and sockets where directories are to be, and the reverse
for target in dev proc tmp etc etc/passwd; do
	fresh_box
	rm -rf "${box:?}/$target"
	mkfifo "$box/$target"
	contained "/$target is a pipe" exec -c "$box" /bin/busybox true
	rm -rf "${box:?}/$target"
	echo x >"$box/$target"
	contained "/$target is a file" exec -C "$box" /bin/busybox true
done
fresh_box
rm "$box/etc/passwd" && mkdir "$box/etc/passwd"
contained "/etc/passwd is a directory" exec "$box" /bin/busybox true

# --- scripts of /.singularity.d that want to stay, or to be elsewhere
fresh_box
mkdir -p "$box/.singularity.d/env"
mkfifo "$box/.singularity.d/env/10-pipe.sh"
contained "a pipe as a script" exec "$box" /bin/busybox true
contains "a pipe as a script" "10-pipe.sh" "$(cat "$WORK/err")"
fresh_box
mkdir -p "$box/.singularity.d"
ln -s /etc "$box/.singularity.d/env"
contained "scripts that are elsewhere" exec "$box" /bin/busybox true
fresh_box
mkdir -p "$box/.singularity.d/env"
head -c 3000000 /dev/zero | tr '\0' x >"$box/.singularity.d/env/90-large.sh"
contained "a large script" exec "$box" /bin/busybox true
contains "a large script" "90-large.sh" "$(cat "$WORK/err")"
# its variables decide nothing of ours, whatever they are called
printf 'export LD_PRELOAD=/x.so PATH=/nowhere LAZYRUN_CACHEDIR=%s HOME=/ IFS=/ ENV=%s/x\n' "$trap_dir" "$trap_dir" >"$box/.singularity.d/env/90-hostile.sh"
rm "$box/.singularity.d/env/90-large.sh"
contained "hostile variables" exec "$box" /bin/busybox true
[ "$(lr exec "$box" /bin/busybox id -u)" = "$(as_user id -u)" ] || fault "hostile variables: another user"

# --- so do those of an image's configuration: they are the job's, and not ours
if command -v umoci >/dev/null && layout=$(image_layout tiny); then
	cp -a "$layout" "$WORK/hostile"
	umoci config --image "$WORK/hostile:1" --config.env LD_PRELOAD=/x.so --config.env LD_AUDIT=/x.so \
		--config.env "LAZYRUN_CACHEDIR=$trap_dir" --config.env "REGISTRY_AUTH_FILE=$trap_dir/x" \
		--config.env "http_proxy=http://127.0.0.1:9" --config.env 'X=$(touch /tmp/hostile)`touch /tmp/hostile`' \
		--config.env HOME=/nowhere >/dev/null || fault "umoci config"
	chmod -R a+rX "$WORK/hostile"
	contained "a hostile configuration" exec "oci:$WORK/hostile:1" /bin/busybox true
	equal "it is the job's, byte for byte" 'LD_PRELOAD=/x.so X=$(touch /tmp/hostile)`touch /tmp/hostile`' \
		"$(lr exec "oci:$WORK/hostile:1" /bin/busybox env | grep -E '^(X|LD_PRELOAD)=' | sort | xargs -d '\n')"
	equal "home stays the caller's" "$WORK/home" "$(lr exec "oci:$WORK/hostile:1" /bin/busybox sh -c 'echo $HOME')"
	[ ! -e /tmp/hostile ] || fault "a variable's value was executed"
fi

# --- setuid files and device nodes give nothing
fresh_box
rm "$box/bin/id"
cp "$busybox" "$box/bin/id"
if [ "$(id -u)" = 0 ]; then
	chown root "$box/bin/id"
	chmod 4755 "$box/bin/id"
	mknod "$box/mnt/mem" c 1 1
	chmod 666 "$box/mnt/mem"
	mknod "$box/mnt/null" c 1 3
	chmod 666 "$box/mnt/null"
	lr exec "$box" /bin/cat /mnt/null >"$WORK/out" 2>&1 && fault "a device node of the image works"
	cp -p "$box/bin/id" "$WORK/data/id"
	equal "setuid in a bind" "$TEST_UID" "$(lr exec -B "$WORK/data:/mnt" "$box" /mnt/id -u)"
	rm -f "$WORK/data/id"
fi
equal "setuid" "$(as_user id -u)" "$(lr exec "$box" /bin/id -u)"
lr exec --writable-tmpfs "$box" /bin/mknod /x c 1 3 >/dev/null 2>&1 && fault "a device node can be made"
lr exec --fakeroot --writable-tmpfs "$box" sh -c 'mknod /x c 1 3 && cat /x' >/dev/null 2>&1 && fault "fakeroot: a device node works"
lr exec "$box" /bin/mount -t tmpfs none /mnt >/dev/null 2>&1 && fault "a job can mount"
lr exec --fakeroot "$box" sh -c 'mount -o remount,rw / 2>/dev/null && touch /made' >/dev/null 2>&1
[ ! -e "$box/made" ] || fault "fakeroot writes to the image"

# --- 10,000 binds, two megabytes of arguments, of one argument, of environment
fresh_box
binds=()
for i in $(seq 100); do
	list=
	for j in $(seq 100); do list+=",$WORK/data/file:/m/$i/$j:ro"; done
	binds+=(-B "${list#,}")
done
start=$SECONDS
out=$(lr exec "${binds[@]}" "$box" sh -c 'cat /m/1/1 /m/100/100; grep -c " /m/" /proc/self/mounts' 2>&1)
equal "10,000 binds" "data data 10000" "$(xargs <<<"$out")"
echo "10,000 binds: $((SECONDS - start)) s"
many=()
for i in $(seq 17000); do many+=("$(printf '%0120d' 0)"); done
equal "2 MB of arguments" 17000 "$(ulimit -s 65536 && lr exec "$box" sh -c 'echo $#' sh "${many[@]}" 2>/dev/null)"
# 128 KiB is the kernel's bound for one
one=$(head -c 131000 /dev/zero | tr '\0' x)
equal "one long argument" 131000 "$(lr exec "$box" sh -c 'echo ${#1}' sh "$one" 2>/dev/null)"
for i in $(seq 12); do export "BIG_$i=$one"; done
equal "1.5 MB of environment" 131000 "$(lr exec "$box" sh -c 'echo ${#BIG_12}' 2>/dev/null)"
for i in $(seq 12); do unset "BIG_$i"; done
equal "20,000 binds are refused" 125 "$(lr exec "${binds[@]}" "${binds[@]}" "$box" true 2>"$WORK/err"; echo $?)"
contains "20,000 binds" "more than" "$(cat "$WORK/err")"

# --- descriptors: ours stay outside, the caller's go along
there=$(as_user "$busybox" ls /proc/self/fd 7</dev/null | xargs)
contains "the test's own descriptors" 7 "$there"
equal "descriptors" "$there" "$(lr exec "$box" /bin/ls /proc/self/fd 7</dev/null | xargs)"
echo done
