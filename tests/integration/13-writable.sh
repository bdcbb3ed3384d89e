#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# --writable: the job writes to a directory that is its image, and lazyrun does
# not. --overlay with SquashFS and ext3 files.
. "$(dirname "$0")/lib.sh"
need umoci
need mksquashfs
layout=$(image_layout tiny)
IMAGE=oci:$layout:1
lr() { as_user "$LAZYRUN" -q "$@"; }
box=$WORK/box
umoci raw unpack --rootless --image "$layout:1" "$box" >/dev/null 2>&1
mkdir -p "$box"/{proc,sys,dev,tmp}
ln -s /no/such "$box/etc/localtime"
ln -s /etc/passwd "$box/etc/hosts"
[ "$(id -u)" != 0 ] || chown -R "$TEST_UID:$TEST_GID" "$box"
list() { (cd "$box" && find . -printf '%p %y %l %u %m\n' | sort; cat etc/passwd); }
before=$(list)

# nothing of ours is left: no mount point, no user, links as they were
lr exec --writable "$box" true || fault "--writable"
lr exec -C -w "$box" sh -c '[ $$ -lt 100 ]' || fault "-C --writable"
lr exec -w -f "$box" true || fault "-f --writable"
equal "the image is as it was" "$before" "$(list)"

# what the job does stays
lr exec -w "$box" sh -c 'echo made >/made; rm /srv/random' || fault "writing"
equal "made" made "$(cat "$box/made")"
[ ! -e "$box/srv/random" ] || fault "a file was not removed"
equal "the whole root is one mount" "1" "$(lr exec -w "$box" grep -c ' / ' /proc/self/mounts)"
equal "nothing else shows it" "0" "$(lr exec -w "$box" grep -c ' /proc/tty' /proc/self/mounts)"
lr exec -w "$box" sh -c 'cp /bin/busybox /su && chmod 4755 /su && grep " / " /proc/self/mounts' >"$WORK/out"
contains "no setuid" nosuid "$(cat "$WORK/out")"

# a place for what is bound must be there
lr exec -w -B "$WORK/out:/nope" "$box" true 2>"$WORK/err"
equal "a missing target: status" 125 $?
contains "a missing target" "/nope does not exist and lies in a directory of the host" "$(cat "$WORK/err")"
[ ! -e "$box/nope" ] || fault "a mount point was made"
lr exec -w -B "$WORK/out:/made" "$box" grep -q nosuid /made || fault "a bind"

# other images
lr exec --writable "$IMAGE" true 2>"$WORK/err"
equal "an image: status" 125 $?
contains "an image" "--overlay DIR keeps" "$(cat "$WORK/err")"

# SquashFS files as overlays, below what is written and above the image
mkdir -p "$WORK/add/data" "$WORK/add/srv" "$WORK/top/data"
echo added >"$WORK/add/data/file"
echo added >"$WORK/add/data/both"
echo hidden >"$WORK/add/srv/random"
echo top >"$WORK/top/data/both"
for name in add top; do
	mksquashfs "$WORK/$name" "$WORK/$name.sqfs" -quiet -noappend >/dev/null 2>&1
	chmod 644 "$WORK/$name.sqfs"
done
both=(--overlay "$WORK/add.sqfs:ro" --overlay "$WORK/top.sqfs:ro")
equal "two of them, the last on top" "added top hidden" \
	"$(lr exec "${both[@]}" "$IMAGE" cat /data/file /data/both /srv/random | xargs)"
equal "above a directory" "added top" "$(lr exec "${both[@]}" "$box" cat /data/file /data/both | xargs)"
equal "with own process ids" top "$(lr exec -C "${both[@]}" "$IMAGE" cat /data/both)"
lr exec "${both[@]}" "$IMAGE" touch /data/new 2>/dev/null && fault "a SquashFS file was written to"
user_folder "$WORK/kept"
lr exec "${both[@]}" --overlay "$WORK/kept" "$IMAGE" sh -c 'echo mine >/data/both; rm /data/file' || fault "writing above"
equal "what is written lies above" "mine both" \
	"$(lr exec "${both[@]}" --overlay "$WORK/kept" "$IMAGE" sh -c 'cat /data/both; ls /data' | xargs)"
equal "--writable-tmpfs" new "$(lr exec "${both[@]}" --writable-tmpfs "$IMAGE" sh -c 'echo new >/data/both; cat /data/both')"
for image in "$IMAGE" "$box"; do
	equal "only the root shows them" 0 "$(lr exec --bind /:/host "${both[@]}" "$image" grep -c " fuse.lazyrun " /proc/self/mounts)"
	equal "a process left behind goes on reading" top \
		"$(lr exec "${both[@]}" "$image" sh -c '(sleep 0.5; cat /data/both) & exit 0')"
done
as_user "$LAZYRUN" exec --overlay "$WORK/top.sqfs" "$IMAGE" true 2>"$WORK/err" || fault "without :ro"
contains "without :ro" "can only be read" "$(cat "$WORK/err")"
lr instance start "${both[@]}" "$IMAGE" layered || fault "an instance with overlays"
equal "in an instance" top "$(lr exec instance://layered cat /data/both)"
equal "beside it" no "$(lr exec "$IMAGE" sh -c '[ -e /data ] || echo no')"
equal "with it" top "$(lr exec "${both[@]}" "$IMAGE" cat /data/both)"
lr instance stop layered || fault "instance stop"
echo text >"$WORK/text"
lr exec --overlay "$WORK/text:ro" "$IMAGE" true 2>"$WORK/err"
equal "another file: status" 125 $?
contains "another file" "neither a directory nor a SquashFS, SIF or ext3 file" "$(cat "$WORK/err")"
head -c 4096 "$WORK/top.sqfs" | head -c 200 >"$WORK/broken"
lr exec --overlay "$WORK/broken:ro" "$IMAGE" true 2>"$WORK/err" && fault "a broken file"
contains "a broken file" "--overlay" "$(cat "$WORK/err")"

# the same files on a web server, and what that says when they are not there
mkdir "$WORK/www"
cp "$WORK/add.sqfs" "$WORK/top.sqfs" "$WORK/www/"
python3 "$ROOT/tests/support/range_server.py" "$WORK/www" "$WORK/log" "$WORK/ready" &
servers+=($!)
wait_for "the web server" test -s "$WORK/ready"
URL=http://127.0.0.1:$(cat "$WORK/ready")
for image in "$IMAGE" "$box"; do
	equal "overlays of a web server" "added top hidden" \
		"$(lr exec --overlay "$URL/add.sqfs" --overlay "$URL/top.sqfs:ro" "$image" cat /data/file /data/both /srv/random | xargs)"
done
equal "the second time from the cache" 2 "$(grep -c "GET /top.sqfs" "$WORK/log" | awk '{print ($1 < 9) ? 2 : $1}')"
: >"$WORK/log"
equal "one of a web server above a file, below what is written" "top new" \
	"$(lr exec --overlay "$WORK/add.sqfs:ro" --overlay "$URL/top.sqfs:ro" --writable-tmpfs "$IMAGE" \
		sh -c 'cat /data/both; echo new >/data/both; cat /data/both' | xargs)"
equal "requests then" 0 "$(wc -l <"$WORK/log")"
lr exec --overlay "$URL/missing.sqfs:ro" "$IMAGE" true 2>"$WORK/err"
equal "an overlay that a web server lacks: status" 125 $?
contains "an overlay that a web server lacks" "$URL/missing.sqfs" "$(cat "$WORK/err")"
cp "$WORK/text" "$WORK/www/text.sqfs"
lr exec --overlay "$URL/text.sqfs:ro" "$IMAGE" true 2>"$WORK/err" && fault "a text on a web server"
contains "a text on a web server" "$URL/text.sqfs" "$(cat "$WORK/err")"
lr exec --overlay http://127.0.0.1:1/x.sqfs:ro "$IMAGE" true 2>"$WORK/err" && fault "no web server"
contains "no web server" "127.0.0.1" "$(cat "$WORK/err")"

# ext3 files, as `apptainer overlay create` lays them out, by the host's fuse2fs
[ "$faults" = 0 ] || exit 1
need fuse2fs
need mke2fs
mkdir -p "$WORK/ext/upper/ext3" "$WORK/ext/upper/data" "$WORK/ext/work"
echo conda >"$WORK/ext/upper/ext3/env"
echo ext >"$WORK/ext/upper/data/both"
mke2fs -q -t ext3 -d "$WORK/ext" "$WORK/e.ext3" 16m >/dev/null 2>&1 || fault "mke2fs"
chmod 644 "$WORK/e.ext3"
ext=(--overlay "$WORK/e.ext3:ro")
# one that mounts and then answers nothing, one that does not even mount
mkdir "$WORK/mute" "$WORK/idle"
cat >"$WORK/mute/fuse2fs" <<-'END'
	#!/usr/bin/env python3
	import ctypes, os, signal, sys
	fd = os.open("/dev/fuse", os.O_RDWR)
	options = f"fd={fd},rootmode=40755,user_id=0,group_id=0,allow_other".encode()
	if ctypes.CDLL(None).mount(b"mute", sys.argv[-1].encode(), b"fuse", 0, options) == 0:
	    signal.pause()
END
printf '#!/bin/sh\nexec sleep 100\n' >"$WORK/idle/fuse2fs"
chmod 755 "$WORK"/{mute,idle}{,/fuse2fs}
pids_of=()
for name in mute idle; do
	as_user env "PATH=$WORK/$name:$PATH" "$LAZYRUN" -q exec "${ext[@]}" "$IMAGE" true 2>"$WORK/$name.err" &
	pids_of[${#pids_of[@]}]=$!
done
for name in mute idle; do
	wait "${pids_of[0]}"
	equal "fuse2fs, $name: status" 125 $?
	contains "fuse2fs, $name" "within 10 seconds" "$(cat "$WORK/$name.err")"
	pids_of=("${pids_of[@]:1}")
done
wait_for "the end of what hangs" sh -c "! pgrep -u $TEST_UID -f '$WORK/(mute|idle)'"
helpers() { pgrep -r R,S,D -u "$TEST_UID" "fuse2fs|overlay" >/dev/null; }
gone() { ! helpers; }
for image in "$IMAGE" "$box"; do
	equal "ext3" conda "$(lr exec "${ext[@]}" "$image" cat /ext3/env)"
	equal "ext3 above SquashFS" "ext added" \
		"$(lr exec --overlay "$WORK/add.sqfs:ro" "${ext[@]}" "$image" cat /data/both /data/file | xargs)"
	equal "SquashFS above ext3, -C" top "$(lr exec -C "${ext[@]}" --overlay "$WORK/top.sqfs:ro" "$image" cat /data/both)"
	lr exec "${ext[@]}" "$image" touch /ext3/new 2>/dev/null && fault "an ext3 file was written to"
	wait_for "the end of fuse2fs with its job" gone
done
equal "a process left behind goes on reading ext3" conda \
	"$(lr exec "${ext[@]}" "$IMAGE" sh -c '(sleep 0.5; cat /ext3/env) & exit 0')"
lr exec "${ext[@]}" "$IMAGE" sh -c 'exit 7'
equal "the job's status" 7 $?
"${AS_USER[@]}" "$LAZYRUN" -q exec "${ext[@]}" "$IMAGE" sleep 100 &
pid=$!
wait_for "fuse2fs" helpers
wait_for "the job" pgrep -P $pid -x sleep
equal "the first child is the job" sleep "$(cat "/proc/$(pgrep -P $pid | sort -n | head -n 1)/comm")"
kill -KILL $pid
wait $pid 2>/dev/null
wait_for "the end of fuse2fs with a killed lazyrun" gone
lr exec --overlay "$WORK/e.ext3" "$IMAGE" true 2>"$WORK/err" && fault "a writable ext3 file"
contains "a writable ext3 file" "add :ro" "$(cat "$WORK/err")"
as_user env PATH=/nowhere "$LAZYRUN" -q exec "${ext[@]}" "$IMAGE" true 2>"$WORK/err"
equal "no fuse2fs: status" 125 $?
contains "no fuse2fs" "fuse2fs is needed" "$(cat "$WORK/err")"
head -c 3000 "$WORK/e.ext3" >"$WORK/half.ext3"
lr exec --overlay "$WORK/half.ext3:ro" "$IMAGE" true 2>"$WORK/err" && fault "half an ext3 file"
contains "half an ext3 file" "fuse2fs cannot mount it" "$(cat "$WORK/err")"
wait_for "the end of fuse2fs" gone
if [ "$(id -u)" = 0 ]; then
	equal "root's jobs" "conda 0" \
		"$("$LAZYRUN" -q exec --cache-dir "$WORK/root-cache" "${ext[@]}" "$IMAGE" sh -c 'cat /ext3/env; id -u' | xargs)"
	"$LAZYRUN" -q exec --cache-dir "$WORK/root-cache" "${ext[@]}" "$IMAGE" touch /ext3/new 2>/dev/null &&
		fault "root writes to an ext3 file"
	wait_for "the end of root's fuse2fs" sh -c "! pgrep -f '[f]use2fs.*$WORK'"
fi
