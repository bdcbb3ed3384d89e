#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make_image.sh NAME DIR: a real image as the OCI layout DIR/NAME, tag 1.
#
#   tiny    busybox alone, one gzip layer
#   base    Debian minbase
#   scipy   base, and Python with numpy, scipy, pandas, matplotlib: two layers
#   torch   scipy, torch, and the machine's CUDA: four layers, 5 GB unpacked
#
# From Debian's packages (mmdebstrap) and what the machine has; by umoci.  Made
# once: an image that is there is left alone.
set -euo pipefail
name=$1
dir=$2
layout=$dir/$name
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
[ -f "$layout/.complete" ] && exit 0
rm -rf "$layout"
work=$(mktemp -d "$dir/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

new_layout() {
	umoci init --layout "$layout"
	umoci new --image "$layout:1"
	umoci config --image "$layout:1" --config.env "PATH=$path" "$@"
}

# from NAME: begin with a copy of another image's layout
from() {
	flock -u 9
	bash "$0" "$1" "$dir"
	flock 9
	rm -rf "$layout"
	cp -a "$dir/$1" "$layout"
	rm -f "$layout/.complete"
}

# packages PACKAGE...: a layer with packages on top of the unpacked image
packages() {
	umoci unpack --image "$layout:1" "$work/bundle" >/dev/null 2>&1
	cp /etc/resolv.conf "$work/bundle/rootfs/etc/resolv.conf" 2>/dev/null || true
	mount --bind /proc "$work/bundle/rootfs/proc"
	chroot "$work/bundle/rootfs" sh -c "apt-get -q update && DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install $* && rm -rf /var/lib/apt/lists/* /var/cache/apt/*"
	umount "$work/bundle/rootfs/proc"
	umoci repack --image "$layout:1" "$work/bundle" >/dev/null 2>&1
	rm -rf "$work/bundle"
}

case $name in
tiny)
	new_layout --config.cmd /bin/sh --config.workingdir /srv
	root=$work/root
	mkdir -p "$root"/{bin,etc,tmp,srv,proc,sys,dev,usr/bin}
	cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in sh true false cat ls env id echo sleep sync pwd kill ps stat \
		mount grep head tail wc test mkdir touch rm ln readlink find dd tar sha256sum; do
		ln -s busybox "$root/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\n' >"$root/etc/group"
	printf 'not a program\n' >"$root/bin/not-executable"
	printf '#!/bin/sh\necho script "$@"\n' >"$root/bin/script"
	printf 'echo no interpreter line\n' >"$root/bin/bare-script"
	chmod 755 "$root/bin/script" "$root/bin/bare-script"
	head -c 3000000 /dev/urandom >"$root/srv/random"
	umoci insert --image "$layout:1" "$root" / >/dev/null
	;;
base)
	mmdebstrap --quiet --variant=minbase --include=ca-certificates \
		bookworm "$work/base.tar"
	new_layout --config.cmd bash
	umoci raw add-layer --image "$layout:1" "$work/base.tar"
	;;
scipy)
	from base
	packages python3 python3-numpy python3-scipy python3-pandas python3-matplotlib
	;;
torch)
	from scipy
	packages python3-torch
	[ -d /usr/local/cuda ] || { echo "no /usr/local/cuda here"; exit 1; }
	umoci insert --image "$layout:1" "$(readlink -f /usr/local/cuda)" /usr/local/cuda
	;;
*)
	echo "unknown image $name"
	exit 2
	;;
esac
umoci gc --layout "$layout"
chmod -R a+rX "$layout"
touch "$layout/.complete"
