#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What condor_gpu_discovery would say of tests/integration/fake_driver.sh.
cat <<'EOF'
DetectedGPUs="GPU-00000000, GPU-00000001"
Common=[ DriverVersion=12.4; NvidiaDriver="550.54.14"; ]
GPU_00000000=[ id="GPU-00000000"; DeviceUuid="00000000-1"; ]
GPU_00000001=[ id="GPU-00000001"; DeviceUuid="00000001-1"; ]
EOF
