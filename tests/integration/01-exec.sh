#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# exec, run and shell as an ordinary user on an unmodified image in the
# embedded registry: output, exit statuses, environment, binds, directories.
. "$(dirname "$0")/lib.sh"
need umoci
need busybox
layout=$(image_layout tiny)
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
lr() { as_user "$LAZYRUN" "$@"; }
cd / || exit 1

equal "output" hello "$(lr -q exec "$IMAGE" echo hello)"
equal "content" "$(umoci unpack --rootless --image "$layout:1" "$WORK/b" >/dev/null 2>&1
	sha256sum <"$WORK/b/rootfs/srv/random")" \
	"$(lr exec "$IMAGE" sha256sum - <"$WORK/b/rootfs/srv/random")"
equal "a file read whole" "$(sha256sum <"$WORK/b/rootfs/srv/random" | cut -c1-64)" \
	"$(lr exec "$IMAGE" sha256sum /srv/random | cut -c1-64)"
equal "standard input" through "$(echo through | lr exec "$IMAGE" cat)"

# exit statuses
for n in 0 1 37 255; do
	lr exec "$IMAGE" sh -c "exit $n"
	equal "exit status" $n $?
done
lr exec "$IMAGE" no-such-command 2>"$WORK/err"
equal "a command not found" 127 $?
contains "a command not found" no-such-command "$(cat "$WORK/err")"
lr exec "$IMAGE" /bin/not-executable 2>"$WORK/err"
equal "a command not executable" 126 $?
lr exec "$IMAGE" sh -c 'kill -SEGV $$'
equal "death by signal" 139 $?
lr exec --pid "$IMAGE" sh -c 'kill -KILL $$'
equal "death by signal, --pid" 137 $?
equal "a script" "script a b" "$(lr exec "$IMAGE" script a b)"
equal "a script without #!" "no interpreter line" "$(lr exec "$IMAGE" bare-script)"

# run and shell
equal "run with arguments" x "$(lr run "$IMAGE" echo x)"
equal "run's directory is the image's" /srv "$(lr run "$IMAGE" pwd)"
equal "run --entrypoint" "script 1" "$(lr run --entrypoint /bin/script "$IMAGE" 1)"
equal "run without arguments is the image's command" shell \
	"$(echo 'echo shell' | lr run "$IMAGE")"
equal "shell" inside "$(echo 'echo inside' | lr shell "$IMAGE")"

# environment
equal "the image's PATH" /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	"$(PATH=/host/only:$PATH lr exec "$IMAGE" sh -c 'echo $PATH')"
equal "the caller's variables" yes "$(FOO=yes lr exec "$IMAGE" sh -c 'echo $FOO')"
equal "--cleanenv" "" "$(FOO=yes lr exec -e "$IMAGE" sh -c 'echo $FOO')"
odd='a $HOME `id` "b" \n'
equal "--env is byte exact" "$odd" "$(lr exec --env "ODD=$odd" "$IMAGE" sh -c 'printf %s "$ODD"')"
equal "HOME" "$WORK/home" "$(lr exec "$IMAGE" sh -c 'echo $HOME')"

# who and where
equal "the user" "$(as_user id -u)" "$(lr exec "$IMAGE" id -u)"
equal "the user is in /etc/passwd" 1 "$(lr exec "$IMAGE" grep -c ":$(as_user id -u):" /etc/passwd)"
user_folder "$WORK/home/job"
equal "the caller's directory" "$WORK/home/job" "$(cd "$WORK/home/job" && lr exec "$IMAGE" pwd)"
equal "--pwd" /srv "$(lr exec --pwd /srv "$IMAGE" pwd)"
lr exec --pwd /no/such "$IMAGE" true 2>"$WORK/err"
equal "--pwd to nowhere" 125 $?
equal "home can be written" w "$(lr exec "$IMAGE" sh -c "echo w >$WORK/home/f; cat $WORK/home/f")"

# binds
user_folder "$WORK/data"
echo content >"$WORK/data/file"
equal "--bind" content "$(lr exec -B "$WORK/data:/new/place" "$IMAGE" cat /new/place/file)"
equal "--bind of a file" content "$(lr exec -B "$WORK/data/file:/srv/one" "$IMAGE" cat /srv/one)"
equal "two binds in one" content "$(lr exec -B "$WORK/data:/a,$WORK/data:/b:ro" "$IMAGE" cat /b/file)"
lr exec -B "$WORK/data:/a:ro" "$IMAGE" touch /a/x 2>/dev/null &&
	fault "a read-only bind could be written"
lr exec -B "$WORK/data:/a" "$IMAGE" touch /a/x || fault "a bind could not be written"
lr exec -B /no/such/source:/a "$IMAGE" true 2>"$WORK/err"
equal "a bind from nowhere" 125 $?
contains "a bind from nowhere" /no/such/source "$(cat "$WORK/err")"

# the root
lr exec "$IMAGE" touch /srv/x 2>/dev/null && fault "the image could be written"
equal "--writable-tmpfs" new "$(lr exec --writable-tmpfs "$IMAGE" sh -c 'echo new >/srv/x; cat /srv/x')"
equal "--writable-tmpfs, a file of the image" 7 \
	"$(lr exec --writable-tmpfs "$IMAGE" sh -c 'echo more >>/bin/script; rm /srv/random; mkdir /srv/random && echo 7')"
equal "--pid" 1 "$(lr exec --pid "$IMAGE" sh -c 'echo $PPID')"
equal "no new privileges" 1 "$(lr exec "$IMAGE" grep NoNewPrivs /proc/self/status | tr -dc 01)"
equal "no capabilities" 0000000000000000 \
	"$(lr exec "$IMAGE" grep CapEff /proc/self/status | cut -f2)"

# an index in a file; a second run sends no blob request
lr -q index "$IMAGE" -o "$WORK/home/tiny.lzi" || fault "index -o"
before=$(blob_requests)
lr exec --index "$WORK/home/tiny.lzi" "$IMAGE" sha256sum /srv/random >/dev/null
equal "a warm run sends no request for a blob" "$before" "$(blob_requests)"

# an OCI layout on disk
equal "oci:" from-disk "$(lr -q exec "oci:$layout:1" echo from-disk)"
equal "help" 0 "$("$LAZYRUN" exec --help >/dev/null; echo $?)"
