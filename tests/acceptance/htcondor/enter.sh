# SPDX-License-Identifier: Apache-2.0
# enter.sh TREE COMMAND...: a tree as the root of a new mount and pid namespace
set -e
tree=$1
shift
mount --bind "$tree" "$tree"
cd "$tree"
mkdir -p .old
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 run run
pivot_root . .old
cd /
umount -l /.old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	LANG=C.UTF-8 "$@"
