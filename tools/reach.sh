# SPDX-License-Identifier: Apache-2.0
# reach.sh: for tools/demo.sh and tests/run.sh, which run lazyrun as an ordinary
# user even when they were started by root.  In a clone below a folder that only
# root can enter (mktemp -d makes such) that user would not find the program.
#
# reach SCRIPT [ARGUMENT...]: returns where users get to this folder; else runs
# SCRIPT, a path in it, once more with the folder bound to a path that they can
# use, in a mount namespace of its own, and exits as it does.  The path is always
# the same for a clone: meson remembers it.  Nothing in it says lazyrun: tests look
# for what lazyrun has left mounted.
reach() {
	[ "$(id -u)" = 0 ] || return 0
	if setpriv --reuid=65534 --regid=65534 --clear-groups \
		test -r "$PWD/README.md"; then
		return 0
	fi
	reach_to=/var/cache/reach-$(printf %s "$PWD" | cksum | cut -d' ' -f1)
	mkdir -p "$reach_to"
	reach_status=0
	# shellcheck disable=SC2016 # its own arguments
	unshare --mount sh -c '
		mount --bind "$1" "$2" && cd "$2" || {
			echo "ordinary users cannot enter $1, and it cannot be shown to them elsewhere: clone to another place" >&2
			exit 1
		}
		script=$3
		shift 3
		exec sh "$script" "$@"' sh "$PWD" "$reach_to" "$@" || reach_status=$?
	rmdir "$reach_to" 2>/dev/null || true
	exit "$reach_status"
}
