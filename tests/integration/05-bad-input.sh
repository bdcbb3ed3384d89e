#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 180
# Whatever is wrong gets its own sentence and status, leaves nothing mounted
# and the cache as it was.
. "$(dirname "$0")/lib.sh"
need umoci
layout=$(image_layout tiny)
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
lr() { as_user "$LAZYRUN" -q "$@"; }
sum=$(lr exec "$IMAGE" sha256sum /srv/random) # fills the cache

# fails WHAT STATUS WORDS COMMAND...: the status, one sentence with the words
fails() {
	local what=$1 status=$2 words=$3
	shift 3
	"$@" >"$WORK/out" 2>"$WORK/err"
	equal "$what: status" "$status" $?
	contains "$what" "$words" "$(cat "$WORK/err")"
	[ "$(wc -l <"$WORK/err")" -le 2 ] || fault "$what: more than a sentence: $(cat "$WORK/err")"
	echo "$what: $(tail -n 1 "$WORK/err")"
}

fails "no command" 2 usage lr exec "$IMAGE"
fails "unknown option" 2 --no-such lr exec --no-such "$IMAGE" true
fails "unknown command" 2 frobnicate lr frobnicate
fails "wrong reference" 125 docker:// lr exec "ftp://host/b.sif" true
fails "wrong name" 125 "Upper" lr exec "docker://127.0.0.1:$PORT/Upper" true
fails "wrong digest" 125 sha256 lr exec "docker://127.0.0.1:$PORT/tiny@sha256:12" true
fails "unreachable host" 125 127.0.0.1:1 lr exec docker://127.0.0.1:1/x true
fails "unknown host" 125 no.such.host.invalid lr exec docker://no.such.host.invalid/x true
fails "404" 125 "no such" lr exec "docker://127.0.0.1:$PORT/other:1" true
fails "404 of a tag" 125 "no such" lr exec "docker://127.0.0.1:$PORT/tiny@sha256:$(printf '0%.0s' $(seq 64))" true
fails "no layout" 125 /no/such/dir lr exec oci:/no/such/dir true
fails "wrong size" 2 --cache-size lr --cache-size lots exec "$IMAGE" true
fails "wrong platform" 125 "" lr --platform nonsense exec "$IMAGE" true
fails "cache belongs to nobody we are" 125 cache \
	lr --cache-dir /proc/no exec "$IMAGE" true

# an index: not one, cut, of another image
head -c 5000 /dev/urandom >"$WORK/home/garbage.lzi"
lr index "$IMAGE" -o "$WORK/home/good.lzi" || fault "index"
head -c 6000 "$WORK/home/good.lzi" >"$WORK/home/cut.lzi"
python3 - "$WORK/home/good.lzi" "$WORK/home/flipped.lzi" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[4096 + 100] ^= 1
open(sys.argv[2], "wb").write(data)
PY
for index in garbage cut flipped; do
	fails "$index index" 125 "$index.lzi" lr exec --index "$WORK/home/$index.lzi" "$IMAGE" true
done
fails "no index" 125 none.lzi lr exec --index "$WORK/home/none.lzi" "$IMAGE" true

# a layer's byte is wrong in the registry
cp -a "$layout" "$WORK/bad"
bad=$(ls -S "$WORK/bad/blobs/sha256" | head -n 1)
python3 - "$WORK/bad/blobs/sha256/$bad" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    size = f.seek(0, 2)
    f.seek(size * 3 // 4)
    byte = f.read(1)[0]
    f.seek(size * 3 // 4)
    f.write(bytes([byte ^ 1]))
PY
chmod -R a+rX "$WORK/bad"
export LAZYRUN_CACHEDIR=$WORK/bad-cache
user_folder "$LAZYRUN_CACHEDIR"
lr index "oci:$WORK/bad:1" 2>"$WORK/err"
equal "indexing a layer with a wrong bit" 1 $?
contains "indexing a layer with a wrong bit" sha256 "$(cat "$WORK/err")"
# with a good index the wrong chunk is EIO, and only that
lr exec --index "$WORK/home/good.lzi" "oci:$WORK/bad:1" sha256sum /srv/random >"$WORK/out" 2>"$WORK/err"
equal "a wrong chunk" 1 $?
contains "a wrong chunk" EIO "$(cat "$WORK/err")"
equal "the rest is right" hello "$(lr exec --index "$WORK/home/good.lzi" "oci:$WORK/bad:1" echo hello)"
LAZYRUN_CACHEDIR=$WORK/cache

# damage in the cache is repaired from the registry
find "$WORK/cache" -path '*chunks*' -type f | while read -r f; do
	printf X | dd of="$f" bs=1 seek=200 conv=notrunc 2>/dev/null
done
equal "a damaged cache" "$sum" "$(lr exec "$IMAGE" sha256sum /srv/random)"

# a full disk: the job runs, the cache is harmless
if [ "$(id -u)" = 0 ]; then
	mkdir "$WORK/small"
	mount -t tmpfs -o size=1500k,mode=777 none "$WORK/small"
	export LAZYRUN_CACHEDIR=$WORK/small/cache
	user_folder "$LAZYRUN_CACHEDIR"
	equal "a full disk" "$sum" "$(lr exec --index "$WORK/home/good.lzi" "$IMAGE" sha256sum /srv/random)"
	rm -rf "$LAZYRUN_CACHEDIR"
	user_folder "$LAZYRUN_CACHEDIR"
	equal "a full disk, again" "$sum" "$(lr exec --index "$WORK/home/good.lzi" "$IMAGE" sha256sum /srv/random)"
	rm -rf "$LAZYRUN_CACHEDIR"
	user_folder "$LAZYRUN_CACHEDIR"
	head -c 2000000 /dev/zero >"$WORK/small/fill" 2>/dev/null
	fails "a disk without a byte left" 125 "space" lr exec "$IMAGE" true
	rm -f "$WORK/small/fill"
	umount "$WORK/small"
	LAZYRUN_CACHEDIR=$WORK/cache

	# no /dev/fuse; user namespaces switched off
	fails "no /dev/fuse" 125 /dev/fuse unshare -m sh -c \
		"mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec setpriv --reuid=$TEST_UID --regid=$TEST_GID --clear-groups env HOME=$WORK/home '$LAZYRUN' -q exec '$IMAGE' true"
	# in a user namespace of our own, whose limit we may set
	fails "user namespaces switched off" 125 user.max_user_namespaces \
		setpriv --reuid="$TEST_UID" --regid="$TEST_GID" --clear-groups \
		env HOME="$WORK/home" unshare -U --map-user="$TEST_UID" \
		--map-group="$TEST_GID" --keep-caps sh -c \
		"echo 0 >/proc/sys/user/max_user_namespaces; exec '$LAZYRUN' -q exec '$IMAGE' true"
fi

equal "nothing is left mounted" "" "$(grep lazyrun /proc/self/mounts)"
: >"$REGISTRY_LOG"
equal "the cache is intact" "$sum" "$(lr exec "$IMAGE" sha256sum /srv/random)"
equal "and needs no blob" 0 "$(blob_requests)"
