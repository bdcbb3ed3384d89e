# SPDX-License-Identifier: Apache-2.0
# Apptainer and lazyrun side by side in a Debian tree that has Apptainer, as its
# ordinary user u1.  Sourced; $PEERS is a folder whose sid/ is the tree.

tree_missing() { # prints why it cannot be entered, or nothing
	if [ ! -x "$PEERS/sid/usr/bin/apptainer" ]; then
		echo "no Debian tree with Apptainer in $PEERS/sid (set PEERS)"
	elif [ "$(id -u)" != 0 ]; then
		echo "root is needed to enter the tree"
	elif ! command -v busybox >/dev/null; then
		echo "busybox is not installed"
	fi
}

# tree_stage DIR: DIR becomes what the tree sees as /flags: lazyrun with its
# libraries, a busybox, and room for the tree's user
tree_stage() {
	local dir=$1 loaded
	TREE_USER=$(awk -F: '$1 == "u1" {print $3}' "$PEERS/sid/etc/passwd")
	mkdir -p "$dir"/{lib,bin,in,home}
	cp "$LAZYRUN" "$dir/bin/lazyrun.bin"
	# the tree's own C library serves all others; three are loaded by name
	loaded=$(ldconfig -p | awk '$1 ~ /^(libcurl\.so\.4|libarchive\.so\.13|libsquashfs\.so\.1)$/ {print $NF}')
	# shellcheck disable=SC2086
	{
		ldd "$LAZYRUN" $loaded | awk '$3 ~ /^\// && $1 !~ /^lib(c|m|pthread|dl)\.so/ {print $3}'
		echo "$loaded"
	} | sort -u | xargs -I{} cp -Lf {} "$dir/lib/"
	cat >"$dir/bin/lazyrun" <<'END'
#!/bin/sh
exec /lib64/ld-linux-x86-64.so.2 --argv0 apptainer --library-path /flags/lib /flags/bin/lazyrun.bin "$@"
END
	chmod 755 "$dir/bin/lazyrun"
	cp "$(command -v busybox)" "$dir/in/busybox"
	chown -R "$TREE_USER:$TREE_USER" "$dir"
	chmod 755 "$dir"
	chmod 666 /dev/fuse
}

# tree_run DIR SIFS COMMAND...: in the tree, with DIR at /flags and SIFS (may be
# empty) at /flags/sifs.  A chroot allows no user namespaces: the tree becomes
# the root.
tree_run() {
	local dir=$1 sifs=$2
	shift 2
	mkdir -p "$dir/sifs"
	unshare -m --propagation private bash -c '
		tree=$1 dir=$2 sifs=$3 user=$4
		shift 4
		mount --rbind "$tree" "$tree" && cd "$tree" || exit 1
		for d in proc sys dev; do mount --rbind /$d ./$d; done
		mkdir -p flags .old
		mount --bind "$dir" flags
		[ -z "$sifs" ] || mount --bind "$sifs" flags/sifs
		pivot_root . .old && cd / && umount -l /.old
		exec setpriv --reuid="$user" --regid="$user" --clear-groups --inh-caps=-all \
			env -i HOME=/home/u1 USER=u1 LOGNAME=u1 TERM=dumb \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' - \
		"$PEERS/sid" "$dir" "$sifs" "$TREE_USER" "$@"
}
