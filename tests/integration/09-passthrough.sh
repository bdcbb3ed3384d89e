#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
# Large files of root's mounts, read by the kernel from the hot tree: the same
# tree as without, in every way of reading, below overlays, and off where it
# cannot be or would cost more than it gives.
. "$(dirname "$0")/lib.sh"
cd /
need umoci
need getfattr
[ "$(id -u)" = 0 ] || skip "passthrough takes root"
export LAZYRUN_HOT_TREE=auto LAZYRUN_CACHEDIR=$WORK/root-cache
HOT=$LAZYRUN_CACHEDIR/hot
M=$WORK/m
BASELINE=$(dirname "$LAZYRUN")/../bench/fs_baseline
[ -x "$BASELINE" ] || skip "there is no $BASELINE"
mkdir "$M" "$LAZYRUN_CACHEDIR"
lr() { "$LAZYRUN" -q "$@"; }
opens() { getfattr -n user.lazyrun.passthrough_opens --only-values "$M" 2>/dev/null; }
# mount_image OPTION...: and unmount_image: until its process has ended, too
mount_image() {
	"$LAZYRUN" -q mount --foreground "$@" "$IMAGE" "$M" &
	mounter=$!
	wait_for "the mount" mountpoint -q "$M"
}
unmount_image() {
	check "umount" lr umount "$M"
	wait $mounter || fault "the end of a mount: status $?"
}
requests() { getfattr -n user.lazyrun.fuse_requests --only-values "$M" 2>/dev/null; }

# Two large files, one with two names and executable, and many small ones.
R=$WORK/r
mkdir -p "$R"/{bin,data,many,proc,sys,dev,tmp,etc,usr}
cp "$(command -v busybox)" "$R/bin/busybox" || skip "busybox is not installed"
for applet in sh cat sha256sum; do ln -s busybox "$R/bin/$applet"; done
{ cat "$R/bin/busybox"; seq 2500000; } >"$R/data/program"
chmod 755 "$R/data/program"
mkdir "$R/run"
ln "$R/data/program" "$R/run/busybox"
{ seq 3000000; head -c 20000001 /dev/zero; } >"$R/data/big"
for i in $(seq 100); do echo "$i" >"$R/many/$i"; done
umoci init --layout "$WORK/i"
umoci new --image "$WORK/i:1"
umoci insert --image "$WORK/i:1" "$R" / >/dev/null
IMAGE=oci:$WORK/i:1

# Does this kernel pass files of this file system through?  Asked of another
# program.  If not, everything must be as ever.
mkdir "$WORK/b"
"$BASELINE" -p "$R/data/big" "$WORK/b" &
servers+=($!)
wait_for "the smallest server" mountpoint -q "$WORK/b"
can=0
cmp -s "$WORK/b/data" "$R/data/big" && can=1
umount "$WORK/b"
[ $can = 1 ] || echo "no passthrough here (Linux 6.9, no overlay below the cache): the rest is tested without"
# passed WHAT COUNT: so many opens were, if any can be
passed() { equal "$1: opens passed through" $(($2 * can)) "$(opens)"; }

describe() { # FILE: attributes and contents of what is mounted
	(cd "$M" && find . -printf '%p %y %m %u %g %s %n %l %t %A@ %C@ %i\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$WORK/$1"
}

# Who reads everything is not to be served so: too many files for their size.
mount_image
describe without
passed "before anything was read" 0
unmount_image
settled "a builder"
[ ! -e "$HOT" ] || fault "a tree was made of many small files"
# Who reads large ones is, the next time.
mount_image
cat "$M/data/big" "$M/run/busybox" >/dev/null
unmount_image
learned "a mount with large files"
# Without a tree, and with a record of what was read: as killed builders leave it.
rm -rf "$HOT"/*/current "$HOT"/*/tree-*
mount_image
cat "$M/data/big" >/dev/null
passed "without a tree" 0
learned "a mount after one whose builder was killed"
unmount_image
settled "a builder"
mount_image
cat "$M/data/big" >/dev/null
passed "with that tree" 1
unmount_image
mount_image
describe with
check "all is the same" cmp "$WORK/without" "$WORK/with"
passed "each name read once" 3

# Ways to read, and to use.
cat >"$WORK/ways.py" <<'PY'
import mmap, os, sys
path, truth = sys.argv[1], open(sys.argv[2], "rb").read()
fd = os.open(path, os.O_RDONLY)
assert mmap.mmap(fd, 0, prot=mmap.PROT_READ)[:] == truth, "mmap"
assert os.pread(fd, 100, len(truth) - 50) == truth[-50:], "the end"
assert os.pread(fd, 100, len(truth)) == b"", "behind the end"
direct, page = os.open(path, os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, 1 << 20)
assert os.preadv(direct, [page], 1 << 20) == 1 << 20 and page[:] == truth[1 << 20:2 << 20], "O_DIRECT"
r, w = os.pipe()
n = os.splice(fd, w, 65536, offset_src=4096)
assert os.read(r, n) == truth[4096:4096 + n], "splice"
for flags in os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC:
    try:
        os.open(path, flags)
    except OSError as e:
        assert e.errno == 30, e
    else:
        raise AssertionError("opened for writing")
PY
check "ways to read" python3 "$WORK/ways.py" "$M/data/big" "$R/data/big"
equal "a program" hello "$("$M/run/busybox" echo hello)"
chmod 755 "$WORK"
equal "as another user" "$(sha256sum <"$R/data/big")" \
	"$(setpriv --reuid="$TEST_UID" --regid="$TEST_GID" --clear-groups sha256sum <"$M/data/big")"
before=$(opens)
exec 9<"$M/data/big" # held open beside others, and outlives the mount
cmp "$M/data/big" "$R/data/big" || fault "a file that is open elsewhere"
equal "both opens" $((before + 2 * can)) "$(opens)"

# Overlays above: one level fits; a job has one of its own.
mkdir "$WORK"/{upper,work,o}
if mount -t overlay overlay -o "lowerdir=$M,upperdir=$WORK/upper,workdir=$WORK/work" "$WORK/o" 2>/dev/null; then
	check "below an overlay" cmp "$WORK/o/data/big" "$R/data/big"
	echo changed >"$WORK/o/data/big"
	equal "copied up" changed "$(cat "$WORK/o/data/big")"
	equal "a program below an overlay" hello "$("$WORK/o/run/busybox" echo hello)"
	umount "$WORK/o"
fi
equal "a job in the mount" "$(sha256sum <"$R/data/big")" \
	"$(lr exec --no-home --pwd / "$M" /bin/sha256sum <"$M/data/big")"
equal "a job's program" hello "$(lr exec --no-home --pwd / "$M" /run/busybox echo hello)"
user_folder "$WORK/home/user-cache"
equal "a user's job in the mount" hello "$(LAZYRUN_CACHEDIR=$WORK/home/user-cache \
	as_user "$LAZYRUN" -q exec --no-home --pwd / "$M" /run/busybox echo hello)"
equal "a job beside it" "$(sha256sum <"$R/data/big" | cut -c 1-64)" \
	"$(lr exec --no-home --pwd / "$IMAGE" /bin/sha256sum /data/big | cut -c 1-64)"
if command -v bwrap >/dev/null; then
	equal "bwrap" hello "$(bwrap --ro-bind "$M" / /run/busybox echo hello)"
fi
lr cache rm --all 2>"$WORK/rm" && fault "a tree in use was removed"
check "the mount after cache rm" cmp "$M/data/big" "$R/data/big"
umount -l "$M"
check "an open file of a mount that goes" cmp /proc/self/fd/9 "$R/data/big"
exec 9<&-
wait $mounter || fault "the end of a mount that was let go: status $?"
settled "a builder of the jobs"

# Off.
mount_image --hot-tree=off
describe off
check "all is the same without" cmp "$WORK/without" "$WORK/off"
equal "opens passed through when off" 0 "$(opens)"
before=$(requests)
python3 -c 'import os, sys
for i in range(1, 101): os.close(os.open(f"{sys.argv[1]}/many/{i}", os.O_RDONLY))' "$M"
equal "requests for a hundred opens" $((before + 2)) "$(requests)" # getfattr's own
unmount_image
lr mount --hot-tree=sometimes "$IMAGE" "$M" 2>"$WORK/err"
equal "a wrong mode" 2 $?
contains "a wrong mode" "auto or off" "$(cat "$WORK/err")"
# Root of a user namespace cannot.
unshare -Ur true 2>/dev/null || skip "no user namespaces: the rest"
equal "root of a user namespace" 0 "$(unshare -Urm bash -c '
	"$1" -q mount "$2" "$3" && cmp "$3/data/big" "$4" &&
	getfattr -n user.lazyrun.passthrough_opens --only-values "$3" 2>/dev/null
	"$1" -q umount "$3"' sh "$LAZYRUN" "$IMAGE" "$M" "$R/data/big")"
