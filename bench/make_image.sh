#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make_image.sh NAME DIR: a real image as the OCI layout DIR/NAME, tag 1.
#
#   scipy       Python with numpy, scipy, pandas, matplotlib (405 MB, gzip)
#   torch-cuda  scipy, torch, CUDA (2.6 GB, 5 GB unpacked)
#   files       scipy, and 60,000 small files (FILES=N)
#   model       scipy, and 10 GB of safetensors (MODEL_GB=N)
#   NAME-all    NAME under another name: startup.sh reads every file of it
#
# scipy and torch-cuda come from buildah's storage when localhost/NAME:1 is there,
# else they are made by tests/integration/make_image.sh.  Made once.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
name=$1
dir=$2
layout=$dir/$name
FILES=${FILES:-60000}
MODEL_GB=${MODEL_GB:-10}
[ ! -f "$layout/.complete" ] || exit 0
mkdir -p "$dir"
rm -rf "$layout" "$layout.new"

# from_storage NAME: copies an image out of buildah's storage
from_storage() {
	command -v skopeo >/dev/null && STORAGE_DRIVER=${STORAGE_DRIVER:-overlay} \
		skopeo copy -q "containers-storage:localhost/$1:1" \
		"oci:$layout.new:1" 2>/dev/null
}

# made_by_tests NAME: what the tests' script makes under that name
made_by_tests() {
	rm -rf "$layout.new"
	bash "$HERE/../tests/integration/make_image.sh" "$1" "$dir/.made"
	cp -al "$dir/.made/$1" "$layout.new"
}

# add_layer ARGUMENT...: make_tree.py's files on top of scipy
add_layer() {
	bash "$0" scipy "$dir"
	cp -al "$dir/scipy" "$layout.new"
	# what umoci rewrites must not be the other image's
	rm "$layout.new/index.json" "$layout.new/.complete"
	cp "$dir/scipy/index.json" "$layout.new/index.json"
	python3 "$HERE/make_tree.py" "$@" |
		umoci raw add-layer --image "$layout.new:1" /dev/stdin
	umoci gc --layout "$layout.new"
}

case $name in
*-all)
	bash "$0" "${name%-all}" "$dir"
	cp -al "$dir/${name%-all}" "$layout.new"
	;;
scipy) from_storage scipy || made_by_tests scipy ;;
torch-cuda) from_storage torch-cuda || made_by_tests torch ;;
files) add_layer files "$FILES" ;;
model) add_layer model "$MODEL_GB" ;;
*) echo "make_image.sh: unknown image $name" >&2; exit 2 ;;
esac
chmod -R a+rX "$layout.new"
touch "$layout.new/.complete"
mv "$layout.new" "$layout"
