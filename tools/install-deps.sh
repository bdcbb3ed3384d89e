#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-deps.sh [build] [demo] [test] [bench] [slurm] [runners]: install what is missing, and say so.
#
#   build  compilers and libraries (the default)
#   demo   what tools/demo.sh makes its image with
#   test   what tests/run.sh needs beside both
#   bench  what bench/startup.sh and its plots need beside all of them
#   slurm  what the SPANK plugin and tests/acceptance/slurm.sh need
#   runners  what bench/startup_runners.sh compares with
#
# Debian and Ubuntu by apt, Fedora and its relatives by dnf.  Needs root, or
# sudo, only when something is missing.
set -eu

say() { printf 'install-deps: %s\n' "$*"; }

apt_packages() {
	case $1 in
	build) echo "gcc meson ninja-build pkg-config libfuse3-dev fuse3 \
libcurl4-openssl-dev libzstd-dev libxxhash-dev libssl-dev libdeflate-dev \
libisal-dev libarchive-dev libjansson-dev libinih-dev uthash-dev \
libmicrohttpd-dev libsquashfs-dev liblzma-dev liblz4-dev zlib1g-dev libyaml-dev ca-certificates" ;;
	demo) echo "mmdebstrap umoci" ;;
	test) echo "git clang clang-tidy clang-format libclang-rt-14-dev \
libcriterion-dev skopeo docker-registry apache2-utils openssl bubblewrap \
busybox-static isal pigz attr acl libcap2-bin mandoc python3 jq strace procps \
universal-ctags curl time util-linux iproute2 squashfs-tools uidmap \
squashfs-tools-ng fuse2fs e2fsprogs nginx-light" ;;
	bench) echo "docker-registry nginx-light openssl skopeo umoci mmdebstrap \
bubblewrap procps iperf3 python3-matplotlib xrootd-server \
xrootd-server-plugins xrootd-client xrootd-client-http-plugins \
xrootd-scitokens-plugins" ;;
	slurm) echo "slurmd slurmctld slurm-client munge libslurm-dev umoci jq" ;;
	runners) echo "charliecloud crun bubblewrap umoci jq procps" ;;
	esac
}

dnf_packages() {
	case $1 in
	build) echo "gcc meson ninja-build pkgconf-pkg-config fuse3-devel fuse3 \
libcurl-devel libzstd-devel xxhash-devel openssl-devel libdeflate-devel \
isa-l-devel libarchive-devel jansson-devel inih-devel uthash-devel \
libmicrohttpd-devel squashfs-tools-ng-devel xz-devel lz4-devel zlib-devel libyaml-devel ca-certificates" ;;
	demo) echo "umoci tar" ;;
	test) echo "git clang clang-tools-extra compiler-rt criterion-devel skopeo \
distribution httpd-tools openssl bubblewrap busybox isa-l-tools pigz attr acl \
libcap mandoc python3 jq strace procps-ng ctags curl time util-linux iproute shadow-utils \
squashfs-tools squashfs-tools-ng fuse2fs e2fsprogs nginx" ;;
	bench) echo "distribution nginx openssl skopeo umoci bubblewrap procps-ng \
iperf3 python3-matplotlib" ;;
	slurm) echo "slurm-slurmd slurm-slurmctld slurm munge slurm-devel umoci jq" ;;
	runners) echo "charliecloud crun bubblewrap umoci jq procps-ng" ;;
	esac
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		say "root is needed for: $*"
		return 1
	fi
}

missing_deb() {
	for p in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
		installed) ;;
		*) printf '%s ' "$p" ;;
		esac
	done
}

missing_rpm() {
	for p in "$@"; do
		rpm -q --whatprovides "$p" >/dev/null 2>&1 || printf '%s ' "$p"
	done
}

[ $# -gt 0 ] || set -- build
wanted=
if command -v apt-get >/dev/null 2>&1; then
	for set in "$@"; do wanted="$wanted $(apt_packages "$set")"; done
	# shellcheck disable=SC2086 # a list of words
	missing=$(missing_deb $wanted)
	[ -n "$missing" ] || { say "nothing is missing"; exit 0; }
	say "installing: $missing"
	as_root apt-get -o DPkg::Lock::Timeout=600 -q update >/dev/null
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get \
		-o DPkg::Lock::Timeout=600 -q -y --no-install-recommends \
		install $missing >/dev/null
elif command -v dnf >/dev/null 2>&1; then
	for set in "$@"; do wanted="$wanted $(dnf_packages "$set")"; done
	# shellcheck disable=SC2086
	missing=$(missing_rpm $wanted)
	[ -n "$missing" ] || { say "nothing is missing"; exit 0; }
	say "installing: $missing"
	# shellcheck disable=SC2086
	as_root dnf -q -y --setopt=install_weak_deps=False install $missing
else
	say "neither apt-get nor dnf is here; needed: the packages that this script names"
	exit 1
fi
say "done"
