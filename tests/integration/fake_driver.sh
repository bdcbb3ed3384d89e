# SPDX-License-Identifier: Apache-2.0
# fake_driver DIR: a directory like a host with an NVIDIA driver 550.54.14 and
# two GPUs.  Libraries are real ELF files made by gcc, the linker's cache by
# ldconfig; device nodes are plain files.

# stub FILE SONAME
stub() {
	mkdir -p "$(dirname "$1")"
	echo "int stub;" | gcc -shared -nostdlib -x c - -o "$1" -Wl,-soname,"$2"
}

# put TEXT FILE
put() {
	mkdir -p "$(dirname "$2")"
	printf '%b' "$1" >"$2"
}

fake_driver() {
	local root=$1 lib=$1/usr/lib/driver n
	for n in libcuda:1 libnvidia-ml:1 libnvidia-ptxjitcompiler:1 libGLX_nvidia:0; do
		stub "$lib/${n%:*}.so.550.54.14" "${n%:*}.so.${n#*:}"
	done
	stub "$lib/libnvidia-glcore.so.550.54.14" libnvidia-glcore.so.550.54.14
	stub "$lib/libOpenCL.so.1.0.0" libOpenCL.so.1
	stub "$lib/libnvoptix.so.470.10.1" libnvoptix.so.1
	put 'int other;' "$lib/other.so"
	put /usr/lib/driver\\n "$root/etc/ld.so.conf"
	/sbin/ldconfig -r "$root"
	put '550.54.14\n' "$root/sys/module/nvidia/version"
	for n in nvidiactl nvidia-uvm nvidia0 nvidia1; do
		put "node $n\n" "$root/dev/$n"
	done
	for n in 0 1; do
		put "Model: \t\t Test\nGPU UUID: \t GPU-0000000$n-1\nDevice Minor: \t $n\n" \
			"$root/proc/driver/nvidia/gpus/0000:0$n:00.0/information"
	done
	put '#!/bin/sh\necho stub driver\n' "$root/usr/bin/nvidia-smi"
	chmod 755 "$root/usr/bin/nvidia-smi"
	chmod -R go-w "$root"
}
