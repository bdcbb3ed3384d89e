#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# lazyrun inside Apptainer and podman, as far as they are here. PEERS names the
# folder with a sid tree that holds both, INSID the script that runs in it.
. "$(dirname "$0")/../integration/lib.sh"
[ "$(id -u)" = 0 ] || skip "root is needed, to enter the tree"
PEERS=${PEERS:-}
INSID=${INSID:-}
[ -x "$PEERS/sid/usr/bin/apptainer" ] && [ -x "$INSID" ] ||
	skip "PEERS and INSID do not name a tree with apptainer"
need umoci
layout=$(image_layout tiny)
inside=$PEERS/sidtmp/nesting
rm -rf "$inside"
mkdir -p "$inside/lib" "$inside/home"
trap 'status=$?; in_tree podman unshare rm -rf podman 2>/dev/null; rm -rf "$inside"; (exit $status); finish' EXIT
cp -a "$layout" "$inside/layout"
cp "$LAZYRUN" "$inside/lazyrun"
# a program of this host in another distribution: with its own libraries
later=$(ldconfig -p | awk '/lib(archive|curl)\.so\.[0-9]/ {print $NF}')
# shellcheck disable=SC2086 # a list of words
ldd "$LAZYRUN" $later | awk '$3 ~ /^\// {print $3} $1 ~ /^\/.*[^:]$/ {print $1}' | sort -u |
	xargs -I{} cp -L {} "$inside/lib/"
cp -L $later "$inside/lib/"
loader=$(basename "$(ldd "$LAZYRUN" | awk '$1 ~ /^\// {print $1}')")
cat >"$inside/lr" <<END
#!/bin/sh
export LAZYRUN_CACHEDIR=/tmp/nesting/cache
exec /tmp/nesting/lib/$loader --library-path /tmp/nesting/lib /tmp/nesting/lazyrun -q "\$@"
END
chmod 755 "$inside/lr"
umoci raw unpack --rootless --image "$layout:1" "$inside/dir" >/dev/null 2>&1
chown -R "$(awk -F: '$1 == "u1" {print $3 ":" $4}' "$PEERS/sid/etc/passwd")" "$inside"
in_tree() {
	"$INSID" sh -c 'mount -t cgroup2 none /sys/fs/cgroup; exec su u1 -c "$1"' x \
		"cd /tmp/nesting && HOME=/tmp/nesting/home $*"
}

equal "in the tree alone" alone "$(in_tree ./lr exec oci:/tmp/nesting/layout:1 echo alone)"
equal "in apptainer" apptainer "$(in_tree apptainer -q exec -B /tmp/nesting dir /tmp/nesting/lr exec \
	oci:/tmp/nesting/layout:1 echo apptainer)"
equal "in apptainer --containall with /dev/fuse" contained "$(in_tree apptainer -q exec -C -B /tmp/nesting \
	-B /dev/fuse dir /tmp/nesting/lr exec oci:/tmp/nesting/layout:1 echo contained)"
in_tree apptainer -q exec -C -B /tmp/nesting dir /tmp/nesting/lr exec oci:/tmp/nesting/layout:1 true 2>"$WORK/err"
contains "in apptainer --containall" "/dev/fuse" "$(cat "$WORK/err")"
if [ -x "$PEERS/sid/usr/bin/podman" ]; then
	podman="podman --root /tmp/nesting/podman --runroot /tmp/nesting/run --cgroup-manager=cgroupfs run --rm --network=none"
	if in_tree "$podman --rootfs /tmp/nesting/dir true" 2>"$WORK/err"; then
		equal "in podman" podman "$(in_tree "$podman --device /dev/fuse --security-opt=unmask=ALL --security-opt seccomp=unconfined \
			-v /tmp/nesting:/tmp/nesting --rootfs /tmp/nesting/dir /tmp/nesting/lr exec oci:/tmp/nesting/layout:1 echo podman")"
	else
		echo "podman does not run here, left out: $(tail -n 1 "$WORK/err")"
	fi
fi
