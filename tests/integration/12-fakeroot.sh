#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# --fakeroot with the ids that /etc/subuid gives, without them, and when they
# cannot be had. /etc/subuid is the script's own, in a mount namespace.
[ "$(id -u)" = 0 ] || { echo "skipped: root is needed to replace /etc/subuid"; exit 77; }
[ -n "${IN_NAMESPACE:-}" ] || IN_NAMESPACE=1 exec unshare -m --propagation private bash "$0" "$@"
. "$(dirname "$0")/lib.sh"
need newuidmap
need umoci
need cc
layout=$(image_layout tiny)
[ -u "$(command -v newuidmap)" ] || getcap "$(command -v newuidmap)" 2>/dev/null | grep -q setuid || skip "newuidmap has no power here"
touch /etc/subuid /etc/subgid 2>/dev/null
[ -e /etc/subuid ] && [ -e /etc/subgid ] || skip "/etc/subuid cannot be made"
user=$(id -un "$TEST_UID")
for file in subuid subgid; do
	printf 'nobody:1:1\n%s:300000:65536\n' "$user" >"$WORK/$file"
	mount --bind "$WORK/$file" "/etc/$file"
done
trap 'status=$?; umount /etc/subuid /etc/subgid; (exit $status); finish' EXIT
lr() { as_user "$LAZYRUN" -q "$@"; }
IMAGE=oci:$layout:1
user_folder "$WORK/jobs"
cd "$WORK/jobs" || exit 1

# ids of its own, inside as asked, outside from the range
out=$(lr exec -f --writable-tmpfs "$IMAGE" sh -c '
	touch mine f /made; chown 5:6 f /made; mkdir /srv/d; chown 7 /srv /srv/d
	stat -c %u:%g f /made /srv /srv/d /bin/busybox; cat /proc/self/uid_map; id -u')
equal "owners inside" "5:6 5:6 7:0 7:0 0:0 0 0 1 1 1 65536 0" "$(xargs <<<"$out")"
equal "owners outside" "300004:300005 $TEST_UID:$TEST_GID" "$(stat -c %u:%g f mine | xargs)"
equal "-C" "1:2" "$(lr exec -f -C "$IMAGE" sh -c 'touch /tmp/a; chown 1:2 /tmp/a; stat -c %u:%g /tmp/a')"
equal "--overlay" "300006" "$(user_folder "$WORK/over"; lr exec -f --overlay "$WORK/over" "$IMAGE" sh -c 'touch /k; chown 7 /k'; stat -c %u "$WORK/over/upper/k")"

# no more power than its own: the host's files, and other users' ids
touch "$WORK/roots"
lr exec -f -B "$WORK/roots" "$IMAGE" chown 0 "$WORK/roots" 2>/dev/null && fault "root's file was changed"
lr exec -f "$IMAGE" chown 65537 mine 2>/dev/null && fault "an id beyond the range"

# a process of another id is killed with the caller
cat >"$WORK/other.c" <<'END'
#include <unistd.h>
int main(void)
{
	if (setgid(9) || setuid(8))
		return 1;
	write(1, "ready\n", 6);
	sleep(4711);
	return 0;
}
END
cc -static -o "$WORK/other" "$WORK/other.c" || skip "no static programs can be made"
"${AS_USER[@]}" "$LAZYRUN" -q exec -f -B "$WORK/other" "$IMAGE" sh -c "$WORK/other & wait" >"$WORK/out" &
pid=$!
wait_for "a process of another id" grep -q ready "$WORK/out"
equal "its ids outside" 1 "$(pgrep -u 300007 -c other)"
kill -KILL $pid
wait $pid 2>/dev/null
gone() { ! pgrep -u 300007 other; }
wait_for "its end" gone

# as everybody else has it
equal "--ignore-subuid" "0 0 1" "$(lr exec -f --ignore-subuid "$IMAGE" cat /proc/self/uid_map | xargs)"
echo "nobody:1:1" >"$WORK/subgid"
equal "without a range" "0 0 1" "$(lr exec -f "$IMAGE" cat /proc/self/uid_map | xargs)"
echo "$user:300000:65536" >"$WORK/subgid"
equal "in a container" "0 0 1" "$(as_user setpriv --no-new-privs "$LAZYRUN" -q exec -f "$IMAGE" cat /proc/self/uid_map | xargs)"
# a range that holds the user itself cannot be mapped beside it
echo "$user:$TEST_UID:10" >"$WORK/subuid"
lr exec -f "$IMAGE" true 2>err
equal "a wrong range: status" 125 $?
contains "a wrong range" "or use --ignore-subuid" "$(cat err)"
