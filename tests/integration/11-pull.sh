#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# pull as apptainer's users know it: a file that stands for the image, with its
# index, executable, replaced only when told.
. "$(dirname "$0")/lib.sh"
need umoci
layout=$(image_layout tiny)
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
mkdir "$WORK/bin"
for name in apptainer run-singularity lazyrun; do ln -s "$LAZYRUN" "$WORK/bin/$name"; done
user_folder "$WORK/jobs" "$WORK/jobs/images" "$WORK/fresh"
cd "$WORK/jobs" || exit 1
export LAZYRUN_INSECURE=1
PATH=$WORK/bin:$PATH
apptainer() { as_user "$WORK/bin/apptainer" "$@"; }

# the name, what is said, and how much is there
apptainer pull "$IMAGE" >out 2>err
equal "pull: status" 0 $?
equal "pull: nothing on standard output" "" "$(cat out)"
contains "pull: says where" "tiny_1.sif stands for" "$(cat err)"
[ -x tiny_1.sif ] || fault "the file is not executable"
at_most "the file's size" 60000 "$(stat -c %s tiny_1.sif)"
equal "nothing else" "err out tiny_1.sif" "$(ls -A | grep -v images | xargs)"

# it is the image, also where nobody has its index, and no more of it is read than before
as_user env LAZYRUN_CACHEDIR="$WORK/fresh" "$LAZYRUN" exec tiny_1.sif cat /etc/passwd >out 2>err
equal "exec: status" 0 $?
contains "exec" "root:" "$(cat out)"
equal "exec: no index was made, and nothing is said" "" "$(cat err)"
equal "exec: its name" "$PWD/tiny_1.sif" "$(apptainer exec tiny_1.sif sh -c 'echo $APPTAINER_CONTAINER')"
equal "executed itself" "inside x" "$(as_user ./tiny_1.sif echo inside x)"
equal "run-singularity" "inside y" "$(as_user run-singularity ./tiny_1.sif echo inside y)"
contains "inspect" "sha256" "$(apptainer inspect --all tiny_1.sif)$(as_user "$LAZYRUN" inspect tiny_1.sif)"

# replaced only when told
apptainer pull "$IMAGE" 2>err
equal "pull again" 255 $?
contains "pull again" "FATAL:   Image file already exists: \"tiny_1.sif\" - will not overwrite" "$(cat err)"
before=$(stat -c %i tiny_1.sif)
apptainer pull --force "$IMAGE" 2>/dev/null || fault "pull --force"
[ "$before" != "$(stat -c %i tiny_1.sif)" ] || fault "pull --force replaced nothing"

# places and names
apptainer pull --dir images mine.sif "$IMAGE" 2>/dev/null || fault "pull --dir"
as_user env APPTAINER_PULLDIR=images "$WORK/bin/apptainer" pull "$IMAGE" 2>/dev/null || fault "APPTAINER_PULLDIR"
equal "--dir" "mine.sif tiny_1.sif" "$(ls images | xargs)"
as_user "$LAZYRUN" -q pull own.sif "$IMAGE" || fault "lazyrun pull FILE IMAGE"
as_user "$LAZYRUN" -q pull layout.sif "oci:$layout:1" || fault "pull of a layout"
contains "a layout's" "root:" "$(as_user "$LAZYRUN" exec layout.sif cat /etc/passwd)"
as_user "$LAZYRUN" -q pull --disable-cache bare.sif "$IMAGE" || fault "pull --disable-cache"
at_most "without an index" 400 "$(stat -c %s bare.sif)"
equal "bare" "bare" "$(as_user "$LAZYRUN" exec bare.sif echo bare)"
as_user "$LAZYRUN" pull a.sif tiny_1.sif 2>err && fault "pull of a file"
contains "pull of a file" "on this machine already" "$(cat err)"
as_user "$LAZYRUN" pull no/such/a.sif "$IMAGE" 2>err && fault "pull into nowhere"
contains "pull into nowhere" "cannot write no/such/a.sif" "$(cat err)"
[ ! -e a.sif ] || fault "a file was left"

# a stub that somebody changed is refused, and what it brought is nobody else's
as_user sh -c 'cp tiny_1.sif bad.sif && printf x | dd of=bad.sif bs=1 seek=2000 conv=notrunc 2>/dev/null'
rm -rf "$WORK/fresh"/*
as_user env LAZYRUN_CACHEDIR="$WORK/fresh" "$LAZYRUN" exec bad.sif true 2>err
equal "a changed index" 125 $?
contains "a changed index" "is damaged" "$(cat err)"
as_user sh -c 'head -c 1000 tiny_1.sif >cut.sif'
as_user env LAZYRUN_CACHEDIR="$WORK/fresh" "$LAZYRUN" exec cut.sif true 2>err && fault "a stub cut short"
as_user env LAZYRUN_CACHEDIR="$WORK/fresh" "$LAZYRUN" exec tiny_1.sif true || fault "the whole one"
named=$(sed -n 's/^digest: sha256://p' tiny_1.sif | head -n 1)
[ -n "$named" ] && [ ! -e "$WORK/fresh/index/$named.lzi" ] || fault "the stub's index has the image's name"

# run: an OCI image's words and the user's are evaluated, as Apptainer's generated runscript does; not by lazyrun
words() { as_user env V=value "$1" run "${@:2}"; }
equal "run: evaluated" "value x  y \$ it's value" "$(words "$WORK/bin/apptainer" tiny_1.sif echo '$V' 'x  y' '\$' "it's" '`echo $V`')"
equal "run --no-eval" '$V' "$(words "$WORK/bin/apptainer" --no-eval tiny_1.sif echo '$V')"
equal "run: lazyrun" '$V' "$(words "$WORK/bin/lazyrun" tiny_1.sif echo '$V')"
equal "run: what is no shell's word" 'a${' "$(words "$WORK/bin/apptainer" tiny_1.sif echo 'a${')"
equal "exec: never" '$V' "$(as_user env V=value "$WORK/bin/apptainer" exec tiny_1.sif echo '$V')"
