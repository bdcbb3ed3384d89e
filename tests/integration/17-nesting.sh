#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 90
# lazyrun inside lazyrun and inside bwrap: as deep as the kernel lets, with a
# sentence where it does not. Other containers: tests/acceptance/nesting.sh.
. "$(dirname "$0")/lib.sh"
need umoci
need busybox
need bwrap
layout=$(image_layout tiny)
cp -a "$layout" "$WORK/layout"
cp "$LAZYRUN" "$WORK/lazyrun"
chmod -R a+rX "$WORK/layout" "$WORK/lazyrun"
LR=$WORK/lazyrun
IMAGE=oci:$WORK/layout:1
lr() { as_user "$LR" -q "$@"; }
cd "$WORK/home" || exit 1
# the host's libraries for the inner one
host=(-B /usr:/usr,/lib:/lib)
for dir in /lib64 /etc/alternatives; do [ ! -e $dir ] || host+=(-B "$dir:$dir"); done
host+=(-B "$WORK:$WORK")
inner=("$LR" -q exec)

lr exec "$IMAGE" true || fault "exec"
equal "one in one" nested "$(lr exec "${host[@]}" "$IMAGE" "${inner[@]}" "$IMAGE" echo nested)"
equal "three deep" three "$(lr exec "${host[@]}" "$IMAGE" "${inner[@]}" "${host[@]}" "$IMAGE" \
	"${inner[@]}" "$IMAGE" echo three)"
equal "with process ids of its own" "pid 2" "$(lr exec "${host[@]}" "$IMAGE" "${inner[@]}" --pid "$IMAGE" \
	sh -c 'echo pid $$')"
equal "both with process ids of their own" "pid 2" "$(lr exec --pid "${host[@]}" "$IMAGE" "${inner[@]}" --pid "$IMAGE" \
	sh -c 'echo pid $$')"
equal "in a writable root" written "$(lr exec --writable-tmpfs "${host[@]}" "$IMAGE" "${inner[@]}" --writable-tmpfs \
	"$IMAGE" sh -c 'echo written >/x; cat /x')"
equal "with a bind" content "$(echo content >"$WORK/file"; lr exec "${host[@]}" "$IMAGE" "${inner[@]}" \
	-B "$WORK/file:/srv/file" "$IMAGE" cat /srv/file)"
lr exec "${host[@]}" "$IMAGE" "${inner[@]}" "$IMAGE" sh -c 'exit 37'
equal "exit status" 37 $?
lr exec -C "${host[@]}" "$IMAGE" "${inner[@]}" "$IMAGE" true 2>"$WORK/err"
equal "no /dev/fuse" 125 $?
contains "no /dev/fuse" "there is no /dev/fuse here" "$(cat "$WORK/err")"
equal "contained, with /dev/fuse" contained "$(lr exec -C -B /dev/fuse "${host[@]}" "$IMAGE" \
	env "LAZYRUN_CACHEDIR=$LAZYRUN_CACHEDIR" "${inner[@]}" "$IMAGE" echo contained)"
if lr instance start "$IMAGE" outer; then
	equal "within an instance" inside "$(lr exec "${host[@]}" "$IMAGE" "${inner[@]}" "$IMAGE" echo inside)"
	lr instance stop outer
else
	fault "instance start"
fi

wrapped() { as_user bwrap --bind / / --dev-bind /dev /dev "$@"; }
equal "in bwrap" bwrap "$(wrapped --unshare-pid --proc /proc "${inner[@]}" "$IMAGE" echo bwrap)"
equal "in bwrap, with process ids of its own" "pid 2" "$(wrapped --bind /proc /proc "${inner[@]}" --pid "$IMAGE" \
	sh -c 'echo pid $$')"
# what engines do: parts of /proc are hidden, so the kernel allows no new one
equal "in bwrap, with a masked /proc" masked "$(wrapped --unshare-pid --proc /proc --tmpfs /proc/fs \
	--ro-bind /proc/sys /proc/sys "${inner[@]}" --pid "$IMAGE" echo masked)"
as_user bwrap --bind / / --dev /dev --proc /proc --unshare-pid "${inner[@]}" "$IMAGE" true 2>"$WORK/err"
equal "in bwrap without /dev/fuse" 125 $?
contains "in bwrap without /dev/fuse" "there is no /dev/fuse here" "$(cat "$WORK/err")"
