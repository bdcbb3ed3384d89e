#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 900
# A real HTCondor with lazyrun in apptainer's place: probes, jobs of every kind
# of image, GPUs, a broken image, condor_ssh_to_job, the transfer plugin.
#
#	LAZYRUN_ACCEPTANCE=1 [HTCONDOR_TREE=DIR] bash tests/acceptance/htcondor.sh [STEP...]
#
# The pool runs in a Debian sid tree (about 500 MB, made by mmdebstrap when it is
# not there), in namespaces of its own: nothing of it is left on the host.
. "$(dirname "$0")/../integration/lib.sh"
[ -n "${LAZYRUN_ACCEPTANCE:-}" ] ||
	skip "a pool needs a Debian tree of 500 MB: LAZYRUN_ACCEPTANCE=1 runs it"
[ "$(id -u)" = 0 ] || skip "a pool that serves several users needs root"
for tool in unshare umoci busybox gcc; do need "$tool"; done
TREE=${HTCONDOR_TREE:-${BUILD_ROOT:-$ROOT/build-tests}/htcondor-tree}
PARTS=$HERE/../acceptance/htcondor
[ -x "$LAZYRUN" ] || skip "$LAZYRUN is not built"

make_tree() {
	local uri
	need mmdebstrap
	uri=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null)
	mmdebstrap --variant=minbase --mode=root \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--aptopt='APT::Install-Recommends "false"' \
		--include=condor,apptainer,ca-certificates,iproute2,procps,busybox-static,openssh-server,openssh-client,util-linux,python3 \
		sid "$TREE" ${uri:+"$uri"} >"$WORK/mmdebstrap.log" 2>&1 || {
		tail -n 5 "$WORK/mmdebstrap.log"
		rm -rf "$TREE"
		skip "the Debian tree could not be made"
	}
}

# lazyrun, and of the libraries that it is linked with, or loads when needed,
# what the tree does not have under the same name
install_lazyrun() {
	local name path loaded
	install -m 755 "$LAZYRUN" "$TREE/usr/bin/lazyrun"
	rm -rf "$TREE/usr/local/lib/lazyrun"
	mkdir -p "$TREE/usr/local/lib/lazyrun"
	loaded=$(ldconfig -p | sed -n 's/.*\(archive\.so\.13\|microhttpd\.so\.12\|yaml-0\.so\.2\|squashfs\.so\.1\|curl\.so\.4\) .*=> //p')
	chroot "$TREE" ldconfig
	chroot "$TREE" ldconfig -p | sed 's/^[[:space:]]*\([^ ]*\).*/\1/' >"$WORK/has"
	for path in $loaded $(ldd "$LAZYRUN" $loaded | sed -n 's/.* => \(\/[^ ]*\).*/\1/p' | sort -u); do
		name=${path##*/}
		grep -qxF "$name" "$WORK/has" || cp -L "$path" "$TREE/usr/local/lib/lazyrun/"
	done
	echo /usr/local/lib/lazyrun >"$TREE/etc/ld.so.conf.d/lazyrun.conf"
	chroot "$TREE" ldconfig
	chroot "$TREE" /usr/bin/lazyrun --version || fault "lazyrun does not start in the tree"
	mkdir -p "$TREE/usr/libexec/lazyrun"
	install -m 755 "$ROOT"/tools/htcondor/lazyrun-* "$TREE/usr/libexec/lazyrun/"
	sed 's#@bindir@#/usr/bin#; s#@libexecdir@#/usr/libexec#' "$ROOT/tools/htcondor/50-lazyrun.conf.in" \
		>"$TREE/etc/condor/config.d/50-lazyrun.conf"
	install -m 644 "$PARTS/90-pool.conf" "$TREE/etc/condor/config.d/"
}

[ -x "$TREE/usr/sbin/condor_master" ] || make_tree
install_lazyrun
layout=$(image_layout tiny)
. "$HERE/fake_driver.sh"
rm -rf "$TREE/test"
mkdir "$TREE/test"
cp -r "$layout" "$TREE/test/tiny"
cp "$PARTS"/*.sh "$PARTS"/*.py "$TREE/test/"
fake_driver "$TREE/test/driver"
chmod 755 "$TREE/test/gpus.sh"
chmod -R go+rX,go-w "$TREE/test"

# in the tree: its own mounts, processes and loopback; killed with its init
unshare --mount --net --pid --fork --kill-child --propagation private \
	bash "$PARTS/enter.sh" "$TREE" bash /test/inside.sh "$@"
status=$?
rm -rf "$TREE/test"
[ $status = 0 ] || fault "the pool's checks failed (status $status)"
