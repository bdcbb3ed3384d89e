#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 1800
# apptainer_flags.sh [TABLE.md]: the same command under Apptainer and lazyrun,
# for every flag of the command line: standard output, exit status, environment
# and mounts compared.  Prints a table; fails when a row that a drop-in must
# have differs without a reason given here.
#
# PEERS    a folder whose sid/ is a Debian tree with Apptainer and a user u1
# LAZYRUN  the binary to try (its libraries go along)
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
PEERS=${PEERS:-/work/peers}
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
TABLE=${1:-}
skip() { echo "skipped: $*"; exit 77; }
[ -x "$PEERS/sid/usr/bin/apptainer" ] || skip "no Debian tree with Apptainer in $PEERS/sid"
[ "$(id -u)" = 0 ] || skip "root is needed to enter the tree"
[ -x "$LAZYRUN" ] || skip "no lazyrun at $LAZYRUN"
busybox=$(command -v busybox) || skip "busybox is not installed"

# Both see this folder as /flags.
WORK=$(mktemp -d /tmp/apptainer-flags.XXXXXX)
trap 'rm -rf "$WORK"' EXIT
USER_ID=$(awk -F: '$1 == "u1" {print $3}' "$PEERS/sid/etc/passwd")
mkdir -p "$WORK"/{lib,bin,in,home}
cp "$LAZYRUN" "$WORK/bin/lazyrun.bin"
# the tree's own C library serves all others; three are loaded by name
loaded=$(ldconfig -p | awk '$1 ~ /^(libcurl\.so\.4|libarchive\.so\.13|libsquashfs\.so\.1)$/ {print $NF}')
{ ldd "$LAZYRUN" $loaded | awk '$3 ~ /^\// && $1 !~ /^lib(c|m|pthread|dl)\.so/ {print $3}'; echo "$loaded"; } |
	sort -u | xargs -I{} cp -Lf {} "$WORK/lib/"
cat >"$WORK/bin/lazyrun" <<'END'
#!/bin/sh
exec /lib64/ld-linux-x86-64.so.2 --argv0 apptainer --library-path /flags/lib /flags/bin/lazyrun.bin "$@"
END
chmod 755 "$WORK/bin/lazyrun"
cp "$busybox" "$WORK/in/busybox"
cp "$HERE/apptainer_flags_cases.sh" "$WORK/cases.sh"
chown -R "$USER_ID:$USER_ID" "$WORK"
chmod 755 "$WORK"
chmod 666 /dev/fuse

# A chroot allows no user namespaces: the tree becomes the root.
unshare -m --propagation private bash -c '
	mount --rbind "$1" "$1" && cd "$1" || exit 1
	for d in proc sys dev; do mount --rbind /$d ./$d; done
	mkdir -p flags .old
	mount --bind "$2" flags
	pivot_root . .old && cd / && umount -l /.old
	exec setpriv --reuid="$3" --regid="$3" --clear-groups --inh-caps=-all \
		env -i HOME=/home/u1 USER=u1 LOGNAME=u1 TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		bash /flags/cases.sh' - "$PEERS/sid" "$WORK" "$USER_ID" || exit 1
python3 "$HERE/apptainer_flags_table.py" "$WORK/out" "$TABLE"
