#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# --nv, --gpus and --device as an ordinary user with a fake driver: what the
# job finds in its root.  The rules have unit tests; here is the way through.
. "$(dirname "$0")/lib.sh"
. "$HERE/fake_driver.sh"
need umoci
need gcc
[ "$(id -u)" = 0 ] || skip "ldconfig -r needs root"
layout=$(image_layout tiny)
IMAGE=oci:$layout:1
cd / || exit 1
DRIVER=$WORK/driver
fake_driver "$DRIVER"
export LAZYRUN_DRIVER_ROOT=$DRIVER
unset NVIDIA_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES LD_LIBRARY_PATH
lr() { as_user "$LAZYRUN" -q "$@"; }
LIBS=/.singularity.d/libs

# libraries: the driver's own, by their names, through links and one mount
for n in libcuda.so.1 libcuda.so libnvidia-ml.so.1 libnvidia-glcore.so.550.54.14; do
	equal "$n" 550.54.14 "$(lr exec --nv "$IMAGE" readlink "$LIBS/$n" | sed 's/.*\.so\.//')"
done
equal "the library's content" "$(sha256sum <"$DRIVER/usr/lib/driver/libcuda.so.550.54.14")" \
	"$(lr exec --nv "$IMAGE" sha256sum "$LIBS/libcuda.so.1" | sed 's/ .*/  -/')"
equal "a library of an old driver" "" "$(lr exec --nv "$IMAGE" ls "$LIBS" | grep nvoptix)"
equal "OpenCL, which the image lacks" 1 "$(lr exec --nv "$IMAGE" ls "$LIBS" | grep -c OpenCL)"
equal "mounts for the libraries" 1 \
	"$(lr exec --nv "$IMAGE" grep -c ' /.singularity.d/' /proc/self/mountinfo)"
equal "the mount is read-only" ro \
	"$(lr exec --nv "$IMAGE" cat /proc/self/mountinfo | sed -n 's,.* /.singularity.d/gpu/0 \(..\).*,\1,p')"
equal "LD_LIBRARY_PATH" "$LIBS" "$(lr exec --nv "$IMAGE" sh -c 'echo $LD_LIBRARY_PATH')"
equal "a program of the driver" "stub driver" "$(lr exec --nv "$IMAGE" nvidia-smi)"
equal "without --nv" "" "$(lr exec "$IMAGE" sh -c "echo \$LD_LIBRARY_PATH; ls $LIBS 2>/dev/null")"

# a /dev of its own has the job's GPUs, and no other
contained() { lr exec --nv --contain "$IMAGE" sh -c 'cd /dev && echo $(ls -d nvidia*)'; }
equal "all GPUs" "nvidia-uvm nvidia0 nvidia1 nvidiactl" "$(contained)"
equal "one, by UUID" "nvidia-uvm nvidia1 nvidiactl" "$(NVIDIA_VISIBLE_DEVICES=GPU-00000001 contained)"
equal "as HTCondor passes it" "nvidia-uvm nvidia0 nvidiactl" "$(APPTAINERENV_NVIDIA_VISIBLE_DEVICES=0 contained)"
equal "none" "nvidia-uvm nvidiactl" "$(NVIDIA_VISIBLE_DEVICES=none contained)"
equal "--gpus" "nvidia1" "$(lr run --gpus device=1 --contain "$IMAGE" sh -c 'cd /dev && ls -d nvidia[0-9]')"
equal "CUDA's numbers become UUIDs" GPU-00000001-1 "$(NVIDIA_VISIBLE_DEVICES=1 CUDA_VISIBLE_DEVICES=1 \
	lr exec --nv --contain "$IMAGE" sh -c 'echo $CUDA_VISIBLE_DEVICES')"
equal "a node's content" "node nvidia1" "$(lr exec --nv --contain "$IMAGE" cat /dev/nvidia1)"

# a host without one
mkdir "$WORK/none"
LAZYRUN_DRIVER_ROOT=$WORK/none as_user "$LAZYRUN" exec --nv "$IMAGE" echo went >"$WORK/out" 2>"$WORK/err"
equal "no driver: the job runs" went "$(cat "$WORK/out")"
contains "no driver: a warning" "no libcuda.so.1" "$(cat "$WORK/err")"
NVIDIA_VISIBLE_DEVICES=GPU-no lr exec --nv "$IMAGE" true 2>"$WORK/err"
equal "a GPU that is not there" 125 $?
contains "a GPU that is not there" GPU-no "$(cat "$WORK/err")"

# CDI
mkdir "$WORK/cdi"
cat >"$WORK/cdi/test.yaml" <<EOF
cdiVersion: 0.5.0
kind: example.com/thing
devices:
- name: "0"
  containerEdits:
    env: [THING=zero]
    deviceNodes:
    - path: /srv/thing
      hostPath: /dev/null
containerEdits:
  mounts:
  - hostPath: $DRIVER/usr/lib/driver/libcuda.so.550.54.14
    containerPath: /usr/lib/libcuda.so.550.54.14
    options: [ro, bind]
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, create-symlinks, --link, "libcuda.so.1::/usr/lib/libcuda.so"]
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, update-ldcache, --folder, /usr/lib]
  - hookName: createContainer
    path: $WORK/hook
    args: [hook]
EOF
printf '#!/bin/sh\ntouch %s/hook-ran\n' "$WORK" >"$WORK/hook"
chmod 755 "$WORK/hook"
device() { lr exec --cdi-dirs "$WORK/cdi" --device example.com/thing=0 "$@"; }
equal "CDI: environment" zero "$(device "$IMAGE" sh -c 'echo $THING')"
equal "CDI: a device node" node "$(device "$IMAGE" sh -c 'echo x >/srv/thing && [ -c /srv/thing ] && echo node')"
equal "CDI: a library through two links" \
	"$(sha256sum <"$DRIVER/usr/lib/driver/libcuda.so.550.54.14")" \
	"$(device "$IMAGE" sha256sum /usr/lib/libcuda.so | sed 's/ .*/  -/')"
as_user "$LAZYRUN" exec --cdi-dirs "$WORK/cdi" --device example.com/thing=0 "$IMAGE" true 2>"$WORK/err"
contains "CDI: a hook that is not run is named" "$WORK/hook" "$(cat "$WORK/err")"
[ ! -e "$WORK/hook-ran" ] || fault "CDI: a hook was executed"
chmod o+w "$WORK/cdi/test.yaml"
device "$IMAGE" true 2>"$WORK/err"
equal "CDI: a file that others may write to" 125 $?
contains "CDI: a file that others may write to" "chmod go-w" "$(cat "$WORK/err")"

# doctor
need jq
as_user "$LAZYRUN" doctor --gpu --json >"$WORK/doctor.json"
equal "doctor" 0 $?
equal "doctor: JSON" true "$(jq .ok "$WORK/doctor.json")"
equal "doctor: a job's root was tried" ok \
	"$(jq -r '.findings[] | select(.topic == "root") | .level' "$WORK/doctor.json")"
equal "doctor: the driver" 1 \
	"$(jq -r '.findings[] | select(.topic == "libcuda.so.1") | .text' "$WORK/doctor.json" |
		grep -c "$DRIVER/usr/lib/driver/libcuda.so.550.54.14")"
contains "doctor: an image" "can be reached" "$(as_user "$LAZYRUN" doctor "$IMAGE")"
as_user "$LAZYRUN" doctor oci:/no/such >"$WORK/out"
equal "doctor: an image that is not there" 1 $?
contains "doctor: an image that is not there" "fail  image" "$(cat "$WORK/out")"
