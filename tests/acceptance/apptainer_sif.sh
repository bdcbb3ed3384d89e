#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 1800
# apptainer_sif.sh: SIFs that Apptainer builds here, by gzip and by zstd, with
# environment, runscript, test and help: exec, run, test, shell and inspect under
# Apptainer and under lazyrun, output and status compared; then the mounted tree
# with unsquashfs (tests/integration/22-apptainer-sif.sh).
#
# PEERS    a folder whose sid/ is a Debian tree with Apptainer and a user u1
# LAZYRUN  the binary to try (its libraries go along)
# SIFS     a folder of more SIFs, each with python3: compared too
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
PEERS=${PEERS:-/work/peers}
LAZYRUN=${LAZYRUN:-$ROOT/build-tests/release/tools/lazyrun}
SIFS=${SIFS:-}
. "$HERE/apptainer_tree.sh"
[ -z "$(tree_missing)" ] || { echo "skipped: $(tree_missing)"; exit 77; }
[ -x "$LAZYRUN" ] || { echo "skipped: no lazyrun at $LAZYRUN"; exit 77; }
WORK=$(mktemp -d /tmp/apptainer-sif.XXXXXX)
trap 'rm -rf "$WORK"' EXIT
cp "$HERE/apptainer_sif_cases.sh" "$WORK/cases.sh"
tree_stage "$WORK"
tree_run "$WORK" "$SIFS" bash /flags/cases.sh || exit 1
SIFS=$WORK/built LAZYRUN=$LAZYRUN bash "$HERE/../integration/22-apptainer-sif.sh"
