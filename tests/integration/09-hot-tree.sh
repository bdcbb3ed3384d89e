#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 600
# Hot trees: a job's root is the same with one as without, entry by entry, for
# a user and for root; many jobs make one; a job keeps the one it uses; what a
# killed builder leaves goes.
. "$(dirname "$0")/lib.sh"
cd /
need umoci
export LAZYRUN_HOT_TREE=auto
HOT=$LAZYRUN_CACHEDIR/hot
USER_PREFIX=("${AS_USER[@]}")
lr() { "${USER_PREFIX[@]}" "$LAZYRUN" -q "$@"; }
kind() { od -An -tu4 -j8 -N4 "$HOT"/*/current 2>/dev/null | tr -d ' '; }
trees() { ls -d "$HOT"/*/tree-* "$HOT"/*/dead-* 2>/dev/null | wc -l; }
# The host's interpreter, since the image may have none.
python=/usr/bin/python3
[ -x $python ] || skip "there is no $python"
interpreter=$(ldd $python | sed -n 's#^[[:space:]]*\(/[^ ]*ld[^ ]*\) .*#\1#p')
libraries=$(ldd $python | sed -n 's#.*=> \(/.*\)/[^/]*$#/host\1#p' | sort -u | paste -sd:)
HOST_PYTHON=("/host$(readlink -f "$interpreter")" --library-path "$libraries"
	"/host$(readlink -f $python)" -B)
JOB=(exec --no-home --pwd / --bind /:/host --env PYTHONHOME=/host/usr)

describe() { # FILE IMAGE OPTION...: what a job's root is, read from end to end
	local file=$1 image=$2
	shift 2
	lr "${JOB[@]}" "$@" "$image" "${HOST_PYTHON[@]}" \
		"/host$HERE/compare_trees.py" --save "/host$WORK/home/$file" / ||
		fault "describe $file of $image"
}
compare() { # WHAT
	python3 "$HERE/compare_trees.py" "$WORK/home/without" "$WORK/home/with" >"$WORK/compare" ||
		{ fault "$1: the root differs with a hot tree"; head -n 40 "$WORK/compare"; }
	echo "$1: tree of kind $(kind): $(tail -n 1 "$WORK/compare")"
}
# same WHAT IMAGE FILE: with a tree made of one file, and of all files
same() {
	rm -rf "$HOT"
	describe without "$2" --hot-tree=off
	[ ! -e "$HOT" ] || fault "$1: --hot-tree=off made one"
	check "$1: a run that reads one file" \
		lr "${JOB[@]}" "$2" /host/bin/busybox cat "$3" >/dev/null
	learned "$1"
	describe with "$2"
	compare "$1, one file hot"
	settled "$1: the builder"
	rm -rf "$HOT"
	describe with "$2"
	learned "$1"
	describe with "$2"
	compare "$1, all files hot"
	settled "$1: the builder"
}

python3 "$HERE/make_nasty.py" "$WORK/nasty"
[ -x /bin/busybox ] || skip "busybox is not installed"
same "nasty" "oci:$WORK/nasty:nasty" /big
base=oci:$(image_layout base):1 || { echo "${base#oci:}"; exit 77; }
same "base" "$base" /bin/cat
if [ "$(uname -r | awk -F. '{print ($1 > 6 || ($1 == 6 && $2 >= 16))}')" = 1 ]; then
	equal "base: the kind of tree" 2 "$(kind)"
	lr "${JOB[@]}" --statistics "$WORK/home/statistics" "$base" /bin/cat /etc/os-release >/dev/null
	at_most "a start with a whole tree: FUSE requests" 6 \
		"$(sed -n 's/.*"fuse_requests":\([0-9]*\).*/\1/p' "$WORK/home/statistics")"
fi

# A job keeps its tree, whatever becomes of the cache's content meanwhile.
mkfifo -m 666 "$WORK/go"
lr exec --no-home --pwd / --bind "$WORK:/w" "$base" /bin/sh -c \
	'echo ready; read -r go </w/go; cat /usr/share/common-licenses/GPL-3 | wc -c' >"$WORK/out" &
job=$!
wait_for "the job" grep -q ready "$WORK/out"
lr cache rm --all 2>"$WORK/rm" && fault "a tree in use was removed"
contains "cache rm" "in use" "$(cat "$WORK/rm")"
equal "trees that stay" 1 "$(trees)"
echo go >"$WORK/go"
wait $job || fault "the job whose tree was to be removed"
[ "$(tail -n 1 "$WORK/out")" -gt 30000 ] || fault "the job read too little: $(cat "$WORK/out")"
settled "the builder"
lr cache rm --all || fault "cache rm --all after the job"
equal "trees that stay" 0 "$(trees)"

# A builder that was killed.
digest=$(basename "$(dirname "$(echo "$HOT"/*/locks)")")
"${USER_PREFIX[@]}" mkdir -m 700 "$HOT/$digest/tree-0123456789abcdef" "$HOT/$digest/tree-0123456789abcdef/usr"
"${USER_PREFIX[@]}" chmod 0 "$HOT/$digest/tree-0123456789abcdef/usr"
lr cache gc || fault "cache gc"
equal "what a killed builder left" 0 "$(trees)"

# Many jobs at once make one tree.
pids=()
for i in 1 2 3 4 5 6; do
	lr exec --no-home --pwd / "$base" /bin/cat /etc/os-release >/dev/null &
	pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || fault "one of many jobs"; done
learned "many jobs"
equal "trees of many jobs" 1 "$(trees)"
contains "cache du" "in hot trees" "$(lr cache du)"

# A batch system kills what a job leaves: here with the job's PID namespace.  The
# first job's builder dies with it, the second's works while that one runs.
if [ "$(id -u)" = 0 ]; then
	lr cache rm --all
	batch_job() { # SECONDS
		unshare --pid --fork --kill-child sh -c '"$@"; exit $?' sh \
			"${USER_PREFIX[@]}" "$LAZYRUN" -q exec --no-home --pwd / --statistics "$WORK/home/batch" \
			"$base" /bin/sh -c "cat /etc/os-release >/dev/null; sleep $1"
	}
	rm -f "$WORK/home/batch"
	for seconds in 0 0 0; do batch_job $seconds || fault "a job of a batch system"; done
	equal "trees whose builders were killed" "" "$(grep -Eo '"hot_tree":"(whole|partial)"' "$WORK/home/batch")"
	batch_job 20 &
	job=$!
	learned "a builder beside a job"
	batch_job 0
	equal "a job after the one with a builder beside it" 1 \
		"$(tail -n 1 "$WORK/home/batch" | grep -Ec '"hot_tree":"(whole|partial)"')"
	kill -KILL $job
	wait $job 2>/dev/null
fi

# Folders that others can enter are not used.
"${USER_PREFIX[@]}" chmod 755 "$HOT"
equal "a job beside an open folder" "$(lr exec --hot-tree=off "$base" /bin/cat /etc/os-release)" \
	"$(lr exec "$base" /bin/cat /etc/os-release)"
lr cache gc 2>"$WORK/gc" && fault "cache gc in an open folder"
contains "cache gc" "chmod" "$(cat "$WORK/gc")"
"${USER_PREFIX[@]}" chmod 700 "$HOT"
lr exec --hot-tree=sometimes "$base" true 2>/dev/null
equal "a wrong mode" 2 $?

if [ "$(id -u)" = 0 ]; then
	USER_PREFIX=(env "HOME=$WORK/home")
	export LAZYRUN_CACHEDIR=$WORK/root-cache
	HOT=$LAZYRUN_CACHEDIR/hot
	mkdir "$LAZYRUN_CACHEDIR"
	same "nasty, root" "oci:$WORK/nasty:nasty" /big
fi
