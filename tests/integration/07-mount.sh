#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# mount, umount, ls, cat, pull, verify, inspect, cache, serve.
. "$(dirname "$0")/lib.sh"
need umoci
layout=$(image_layout tiny)
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
lr() { as_user "$LAZYRUN" -q "$@"; }
umoci unpack --rootless --image "$layout:1" "$WORK/b" >/dev/null 2>&1
truth=$WORK/b/rootfs

# without a mount
equal "ls" "$(ls "$truth/srv")" "$(lr ls "$IMAGE:/srv")"
equal "ls -R" "$(find "$truth" -mindepth 1 | wc -l)" "$(($(lr ls -R "$IMAGE:/" | wc -l) - 1))"
contains "ls -l" "3000000" "$(lr ls -l "$IMAGE:/srv")"
equal "cat" "$(sha256sum <"$truth/srv/random")" "$(lr cat "$IMAGE:/srv/random" | sha256sum)"
equal "cat follows links" "$(sha256sum <"$truth/bin/busybox")" "$(lr cat "$IMAGE:/bin/sh" | sha256sum)"
lr cat "$IMAGE:/no/such" 2>"$WORK/err"
equal "cat of nothing" 1 $?
contains "cat of nothing" /no/such "$(cat "$WORK/err")"

# inspect
contains "inspect" "/bin/sh" "$(lr inspect "$IMAGE")"
lr inspect --json "$IMAGE" | python3 -c 'import json, sys; d = json.load(sys.stdin); assert d["config"]["config"]["WorkingDir"] == "/srv", d; assert d["index"]["chunks"] > 0' ||
	fault "inspect --json"

# index: deterministic, the same through the network and from disk
lr --cache-dir "$WORK/home/c2" index "$IMAGE" -o "$WORK/home/a.lzi"
lr --cache-dir "$WORK/home/c3" index "oci:$layout:1" -o "$WORK/home/b.lzi"
check "the index is the same to the byte" cmp "$WORK/home/a.lzi" "$WORK/home/b.lzi"
lr --cache-dir "$WORK/home/c2" --json index "$IMAGE" -o "$WORK/home/a.lzi" |
	python3 -c 'import json, sys; d = json.loads(sys.stdin.read()); assert d["index_bytes"] > 0 and d["chunks"] > 0' ||
	fault "index --json"

# pull: some, then all; afterwards the registry is not needed
rm -rf "$WORK/cache"
user_folder "$WORK/cache"
lr --json pull --index "$WORK/home/a.lzi" --path '/bin/busybox' "$IMAGE" >"$WORK/some"
lr --json pull --index "$WORK/home/a.lzi" "$IMAGE" >"$WORK/all"
python3 - "$WORK/some" "$WORK/all" <<'PY' || fault "pull --json"
import json, sys
some, all_ = (json.load(open(p)) for p in sys.argv[1:])
assert 0 < some["bytes_fetched"] < all_["wanted_bytes"], (some, all_)
assert 0 < all_["bytes_fetched"] < all_["wanted_bytes"], (some, all_)
PY
lr pull --path '/no/such*' "$IMAGE" 2>/dev/null && fault "pull of nothing"

# verify
lr verify "$IMAGE" || fault "verify"
lr verify --index "$WORK/home/a.lzi" "$IMAGE" || fault "verify --index"

# mount
umask 022
if [ "$(id -u)" = 0 ]; then
	mkdir "$WORK/m"
	export LAZYRUN_CACHEDIR=$WORK/root-cache # root's own
	check "mount" "$LAZYRUN" -q mount "$IMAGE" "$WORK/m"
	equal "content" "$(sha256sum <"$truth/srv/random")" "$(sha256sum <"$WORK/m/srv/random")"
	contains "xattr image" sha256: "$(getfattr -n user.lazyrun.image --only-values "$WORK/m" 2>&1)"
	for x in chunks_fetched bytes_fetched cache_hits; do
		getfattr -n user.lazyrun.$x --only-values "$WORK/m" 2>/dev/null | grep -qE '^[0-9]+$' ||
			fault "xattr user.lazyrun.$x"
	done
	touch "$WORK/m/x" 2>/dev/null && fault "the mount could be written"
	[ "$(stat -f -c %T "$WORK/m")" = fuseblk ] || [ "$(stat -f -c %s "$WORK/m")" -gt 0 ] || fault "statfs"
	"$LAZYRUN" -q mount "$IMAGE" "$WORK/no-such-dir" 2>"$WORK/err"
	equal "mount on nothing" 1 $?
	check "umount" "$LAZYRUN" umount "$WORK/m"
	"$LAZYRUN" umount "$WORK/m" 2>/dev/null && fault "umount twice"
	export LAZYRUN_CACHEDIR=$WORK/cache
fi
if command -v fusermount3 >/dev/null && [ -u "$(command -v fusermount3)" ]; then
	user_folder "$WORK/home/m"
	check "mount as a user" lr mount "$IMAGE" "$WORK/home/m"
	equal "content as a user" "$(sha256sum <"$truth/srv/random")" \
		"$(as_user sha256sum "$WORK/home/m/srv/random" | cut -d' ' -f1)  -"
	equal "owner as a user" "$(as_user id -u)" "$(as_user stat -c %u "$WORK/home/m/srv/random")"
	check "umount as a user" lr umount "$WORK/home/m"
	"${AS_USER[@]}" "$LAZYRUN" -q mount --foreground "$IMAGE" "$WORK/home/m" &
	pid=$!
	wait_for "a mount in the foreground" as_user test -f "$WORK/home/m/srv/random"
	kill -TERM $pid
	wait $pid
	equal "SIGTERM ends a mount in the foreground" 0 $?
fi

# cache
contains "cache ls" "sha256:" "$(lr cache ls)"
contains "cache du" "chunks" "$(lr cache du)"
check "cache gc" lr cache gc
check "cache rm IMAGE" lr cache rm "$IMAGE"
contains "cache rm leaves no chunk" '"chunks":0' "$(lr --json cache du)"
lr exec "$IMAGE" true
check "cache rm --all" lr cache rm --all
equal "cache ls after rm --all" "" "$(lr cache ls)"
lr exec "$IMAGE" sha256sum /srv/random >/dev/null
lr --cache-size 1M cache gc
size=$(lr --json cache du | sed 's/.*"bytes":\([0-9]*\).*/\1/')
at_most "bytes kept with --cache-size 1M" 1048576 "$size"

# serve: what other clients ask
for range in 0-99 2999900-; do
	equal "range $range" 206 "$(curl -s -o /dev/null -w '%{http_code}' -r $range \
		"http://127.0.0.1:$PORT/v2/tiny/blobs/sha256:$(ls -S "$layout/blobs/sha256" | head -n 1)")"
done
equal "no such blob" 404 "$(curl -s -o /dev/null -w '%{http_code}' \
	"http://127.0.0.1:$PORT/v2/tiny/blobs/sha256:$(printf '0%.0s' $(seq 64))")"
equal "out of the folder" 404 "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is \
	"http://127.0.0.1:$PORT/v2/tiny/blobs/../../../../etc/passwd")"
if command -v skopeo >/dev/null; then
	check "skopeo copies from it" skopeo copy -q --src-tls-verify=false "$IMAGE" "oci:$WORK/copy:1"
fi
