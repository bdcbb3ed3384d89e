#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 30
# --memory and its kin, with a systemd-run that only says what it was asked for.
[ "$(id -u)" = 0 ] || { echo "skipped: root is needed for a /run of the test's own"; exit 77; }
[ -n "${IN_NAMESPACE:-}" ] || IN_NAMESPACE=1 exec unshare -m --propagation private bash "$0" "$@"
. "$(dirname "$0")/lib.sh"
need umoci
layout=$(image_layout tiny)
IMAGE=oci:$layout:1
mount -t tmpfs none /run
mkdir "$WORK/bin"
# what systemd would make: a cgroup of the scope's, here in every hierarchy of
# cgroup v1 that the user may be moved to
scopes=()
for controller in memory cpu pids; do
	[ -d "/sys/fs/cgroup/$controller" ] || continue
	scope=/sys/fs/cgroup/$controller/lazyrun-test-$$.scope
	mkdir "$scope" 2>/dev/null && chown "$TEST_UID" "$scope/cgroup.procs" && scopes+=("$scope")
done
remove_scopes() {
	local scope
	for scope in "${scopes[@]}"; do rmdir "$scope" 2>/dev/null; done
}
trap 'status=$?; remove_scopes; (exit $status); finish' EXIT
cat >"$WORK/bin/systemd-run" <<END
#!/bin/sh
[ "\$UNLIMITED" ] || for scope in ${scopes[*]}; do echo \$\$ >"\$scope/cgroup.procs"; done
END
cat >>"$WORK/bin/systemd-run" <<'END'
echo "asked: $*" >&2
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
END
chmod 755 "$WORK/bin/systemd-run"
ln -s "$LAZYRUN" "$WORK/bin/apptainer"
run() { as_user env XDG_RUNTIME_DIR="$WORK/home" PATH="$WORK/bin:$PATH" "$@" 2>"$WORK/err"; }

# without systemd, a sentence
run "$LAZYRUN" -q exec --memory 64M "$IMAGE" true
equal "no systemd: status" 125 $?
contains "no systemd" "ask the batch system" "$(cat "$WORK/err")"
run "$WORK/bin/apptainer" -q exec --pids-limit 5 "$IMAGE" true
equal "no systemd, apptainer: status" 255 $?
mkdir -p /run/systemd/system "$WORK/home/systemd"
touch "$WORK/home/systemd/private"

# a systemd that has no controller to give: nothing runs without its limit
run env UNLIMITED=1 "$LAZYRUN" -q exec --memory 64M "$IMAGE" true
equal "a limit that does nothing: status" 125 $?
contains "a limit that does nothing" 'controller "memory"' "$(cat "$WORK/err")"
[ ${#scopes[@]} = 3 ] || skip "no cgroups of v1 can be made here, for a scope of the test's own"

# with it: the same command, its words and status, nothing left in its environment
out=$(run "$LAZYRUN" -q exec --memory 64M --cpus 0.5 --pids-limit 7 "$IMAGE" sh -c 'echo "$1|$LAZYRUN_IN_SCOPE"; exit 3' x 'a  b')
equal "status" 3 $?
equal "output" "a  b|" "$out"
contains "what is asked" "asked: --user --scope --quiet --collect -p MemoryMax=67108864 -p TasksMax=7 -p CPUQuota=50% -- $LAZYRUN -q exec --memory 64M" "$(cat "$WORK/err")"
equal "its name stays" "apptainer" "$(run apptainer -q exec --cpus 1 "$IMAGE" sh -c 'echo ${APPTAINER_NAME:+apptainer}')"
equal "by a variable" ok "$(run env APPTAINER_MEMORY=64M "$LAZYRUN" -q exec "$IMAGE" echo ok)"
contains "by a variable" "MemoryMax=67108864" "$(cat "$WORK/err")"
run "$LAZYRUN" -q exec --cpus many "$IMAGE" true
equal "nonsense: status" 2 $?
contains "nonsense" '--cpus "many": write a number' "$(cat "$WORK/err")"
run env PATH=/nonexistent "$LAZYRUN" -q exec --cpus 1 "$IMAGE" true && fault "no systemd-run"
contains "no systemd-run" "no systemd-run" "$(cat "$WORK/err")"
