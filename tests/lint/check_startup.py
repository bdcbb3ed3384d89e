#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every start of lazyrun waits for the libraries that it is linked with: only
these may be, the others are loaded when needed (common/shared_library.h).

usage: check_startup.py LAZYRUN"""
import pathlib
import re
import sys
import lint

ALLOWED = {
    "libc", "libm", "libdl", "libpthread", "libgcc_s", "ld-linux-x86-64",
    "ld-linux-aarch64", "linux-vdso",
    "libcrypto", "libxxhash",                                 # checking
    "libdeflate", "libz", "libzstd", "liblz4", "liblzma",
    "libfuse3", "libinih", "libjansson",
    "libasan", "libubsan", "libtsan", "libclang_rt", "libstdc++",  # test builds
}

program = str(pathlib.Path(sys.argv[1]).resolve())
done = lint.run("ldd", program)
names = re.findall(r"^\s*(?:\S*/)?([\w+-]+)\.so[.\d]*", done.stdout, re.M)
for name in names:
    if name not in ALLOWED:
        lint.fault(program, f"is linked with {name}, or with what needs it: "
                   "load it when needed")
lint.finish("startup", len(names))
