# SPDX-License-Identifier: Apache-2.0
# What every integration script sources: a private folder, servers that end
# with the script, an ordinary user to run as, checks that say what failed.
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
LAZYRUN=${LAZYRUN:-$ROOT/build/tools/lazyrun}
# Real images are made once and kept beside the builds.
IMAGES=${IMAGES:-${BUILD_ROOT:-$ROOT/build-tests}/images}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/lazyrun-test.XXXXXX")
chmod 755 "$WORK"
# An ordinary account that every distribution has (fusermount3 wants a name).
TEST_UID=$(id -u games 2>/dev/null || echo 1234)
TEST_GID=$(id -g games 2>/dev/null || echo 1234)
faults=0
servers=()

finish() {
	local status=$?
	local pid
	for pid in "${servers[@]:-}"; do
		[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	grep -l "$WORK" /proc/self/mounts >/dev/null 2>&1 &&
		awk -v w="$WORK" 'index($2, w) == 1 {print $2}' /proc/self/mounts |
		sort -r | while read -r m; do umount -l "$m"; done
	rm -rf "$WORK"
	[ "$status" != 0 ] || [ "$faults" = 0 ] || exit 1
	exit "$status"
}
trap finish EXIT

skip() { echo "skipped: $*"; exit 77; }
fault() { echo "FAULT: $*"; faults=$((faults + 1)); }
need() { command -v "$1" >/dev/null 2>&1 || skip "$1 is not installed"; }

# check WHAT COMMAND...: the command succeeds
check() {
	local what=$1
	shift
	"$@" && return
	fault "$what: status $? from: $*"
	return 1
}

# equal WHAT EXPECTED ACTUAL
equal() {
	[ "$2" = "$3" ] || fault "$1: expected \"$2\", got \"$3\""
}

# at_most WHAT LIMIT ACTUAL: decimal numbers
at_most() {
	if awk -v a="$3" -v b="$2" 'BEGIN {exit !(a <= b)}'; then
		echo "$1: $3 (at most $2)"
	else
		fault "$1: $3, at most $2 is allowed"
	fi
}

# contains WHAT NEEDLE HAYSTACK
contains() {
	case $3 in *"$2"*) ;; *) fault "$1: no \"$2\" in: $3" ;; esac
}

# as_user COMMAND...: as an ordinary user with a cache of its own; as ourselves
# when we are one.  In the background use "${AS_USER[@]}" itself, so that $! is
# the command's process.
AS_USER=(env "HOME=$WORK/home")
[ "$(id -u)" != 0 ] || AS_USER=(setpriv --reuid="$TEST_UID" --regid="$TEST_GID"
	--clear-groups --inh-caps=-all env "HOME=$WORK/home")
export LAZYRUN_CACHEDIR=$WORK/cache
# Nothing in the background: 09-hot-tree.sh switches it on.
export LAZYRUN_HOT_TREE=off
# Times of waiting decide about it, on a machine at any load: 52-lazy-or-full.sh.
export LAZYRUN_LAZY_ONLY=1
as_user() { "${AS_USER[@]}" "$@"; }

# user_folder DIR...: folders that as_user may write to
user_folder() {
	mkdir -p "$@"
	[ "$(id -u)" != 0 ] || chown "$TEST_UID:$TEST_GID" "$@"
}
user_folder "$WORK/home" "$WORK/cache"

# wait_for WHAT COMMAND...: until it succeeds, 10 s
wait_for() {
	local what=$1 i
	shift
	for i in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	fault "$what did not happen within 10 s"
	return 1
}

# serve DIR: the embedded registry; sets PORT and REGISTRY_LOG
serve() {
	REGISTRY_LOG=$WORK/registry.log
	"$LAZYRUN" serve "$1" --listen 127.0.0.1:0 --log "$REGISTRY_LOG" >"$WORK/serve.out" 2>&1 &
	servers+=($!)
	wait_for "the embedded registry" grep -q 'http://' "$WORK/serve.out" ||
		{ cat "$WORK/serve.out"; exit 1; }
	PORT=$(sed -n 's#.*http://127\.0\.0\.1:\([0-9]*\).*#\1#p' "$WORK/serve.out" | head -n 1)
}

# blob_ranges: blob requests in the embedded registry's log so far
blob_requests() { grep -c '/blobs/' "$REGISTRY_LOG" || true; }

# image_layout NAME: the OCI layout of a real image, made when missing
image_layout() {
	bash "$HERE/make_image.sh" "$1" "$IMAGES" >"$WORK/make_image.log" 2>&1 ||
		{ cat "$WORK/make_image.log"; skip "the image $1 could not be made"; }
	echo "$IMAGES/$1"
}

# -- hot trees, which processes in the background make; in $HOT (hot/ of a cache)

# Nobody builds: byte 0 of no image's locks is locked.
no_builder() {
	local locks
	for locks in "$HOT"/*/locks; do
		[ -e "$locks" ] || continue
		grep -q "WRITE .*:$(stat -c %i "$locks") 0 0\$" /proc/locks && return 1
	done
	return 0
}
# settled WHAT: nobody builds; that may take a while, it has the lowest priority
settled() {
	local i
	for i in $(seq 1200); do
		no_builder && return 0
		sleep 0.1
	done
	fault "$1 did not end within two minutes"
}
# learned WHAT: a run's builder has begun (it may take the process a moment) and ended
learned() {
	wait_for "$1: a builder" builder_seen
	settled "$1: the builder"
	[ -f "$(echo "$HOT"/*/current)" ] || fault "$1: no hot tree was made"
}
builder_seen() { [ -f "$(echo "$HOT"/*/current)" ] || ! no_builder; }
