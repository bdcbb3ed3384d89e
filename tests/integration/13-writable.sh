#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# --writable: the job writes to a directory that is its image, and lazyrun does
# not. --overlay with a SquashFS file that lazyrun mounts.
. "$(dirname "$0")/lib.sh"
need umoci
need mksquashfs
layout=$(image_layout tiny)
IMAGE=oci:$layout:1
lr() { as_user "$LAZYRUN" -q "$@"; }
box=$WORK/box
umoci raw unpack --rootless --image "$layout:1" "$box" >/dev/null 2>&1
mkdir -p "$box"/{proc,sys,dev,tmp}
ln -s /no/such "$box/etc/localtime"
ln -s /etc/passwd "$box/etc/hosts"
[ "$(id -u)" != 0 ] || chown -R "$TEST_UID:$TEST_GID" "$box"
list() { (cd "$box" && find . -printf '%p %y %l %u %m\n' | sort; cat etc/passwd); }
before=$(list)

# nothing of ours is left: no mount point, no user, links as they were
lr exec --writable "$box" true || fault "--writable"
lr exec -C -w "$box" sh -c '[ $$ -lt 100 ]' || fault "-C --writable"
lr exec -w -f "$box" true || fault "-f --writable"
equal "the image is as it was" "$before" "$(list)"

# what the job does stays
lr exec -w "$box" sh -c 'echo made >/made; rm /srv/random' || fault "writing"
equal "made" made "$(cat "$box/made")"
[ ! -e "$box/srv/random" ] || fault "a file was not removed"
equal "the whole root is one mount" "1" "$(lr exec -w "$box" grep -c ' / ' /proc/self/mounts)"
equal "nothing else shows it" "0" "$(lr exec -w "$box" grep -c ' /proc/tty' /proc/self/mounts)"
lr exec -w "$box" sh -c 'cp /bin/busybox /su && chmod 4755 /su && grep " / " /proc/self/mounts' >"$WORK/out"
contains "no setuid" nosuid "$(cat "$WORK/out")"

# a place for what is bound must be there
lr exec -w -B "$WORK/out:/nope" "$box" true 2>"$WORK/err"
equal "a missing target: status" 125 $?
contains "a missing target" "/nope does not exist and lies in a directory of the host" "$(cat "$WORK/err")"
[ ! -e "$box/nope" ] || fault "a mount point was made"
lr exec -w -B "$WORK/out:/made" "$box" grep -q nosuid /made || fault "a bind"

# other images
lr exec --writable "$IMAGE" true 2>"$WORK/err"
equal "an image: status" 125 $?
contains "an image" "--overlay DIR keeps" "$(cat "$WORK/err")"

# a SquashFS file as overlay, as the refusal says
mkdir -p "$WORK/add/data"
echo added >"$WORK/add/data/file"
mksquashfs "$WORK/add" "$WORK/add.sqfs" -quiet -noappend >/dev/null 2>&1
chmod 644 "$WORK/add.sqfs"
lr exec --overlay "$WORK/add.sqfs" "$IMAGE" true 2>"$WORK/err" && fault "a file as overlay"
contains "a file as overlay" "lazyrun mount FILE DIR" "$(cat "$WORK/err")"
user_folder "$WORK/m"
"${AS_USER[@]}" "$LAZYRUN" -q mount "$WORK/add.sqfs" "$WORK/m" >/dev/null 2>&1 &
wait_for "the mount" as_user test -e "$WORK/m/data/file"
equal "mounted as overlay" added "$(lr exec --overlay "$WORK/m:ro" "$IMAGE" cat /data/file)"
lr umount "$WORK/m" || fault "umount"
