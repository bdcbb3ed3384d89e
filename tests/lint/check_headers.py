#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, says its licence, has #pragma once and a
comment that says what it is; every public function has words of its own."""
import os
import re
import subprocess
import lint

FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-DFUSE_USE_VERSION=314", "-Wall",
         "-Wextra", "-Werror", "-Wconversion", "-Wno-sign-conversion",
         "-fsyntax-only", "-x", "c", "-I."]
PACKAGES = ["fuse3", "libcurl", "jansson", "libmicrohttpd", "libxxhash", "yaml-0.1"]

flags = FLAGS + subprocess.run(["pkg-config", "--cflags", *PACKAGES],
                               capture_output=True, text=True,
                               check=True).stdout.split()
headers = lint.sources(".h")
for path in headers:
    text = path.read_text()
    lines = text.splitlines()
    if not lines[0].startswith("/* SPDX-License-Identifier: "):
        lint.fault(path, "does not begin with its licence")
    if "#pragma once" not in lines[1:3]:
        lint.fault(path, "has no #pragma once in its second line")
    if not re.search(r"#pragma once\n/\*\n \* [a-z_0-9, ]+( and [a-z_0-9]+)?:", text):
        lint.fault(path, "does not open with what it is (\"noun: ...\")")
    if len(lines) > 320:
        lint.fault(path, f"has {len(lines)} lines: split the noun")
    code = f'#include "{path.relative_to(lint.ROOT)}"\n'
    done = lint.run(os.environ.get("CC", "gcc"), *flags, "-", input=code)
    if done.returncode:
        lint.fault(path, "does not compile alone: " +
                   done.stderr.strip().splitlines()[0])
for path in lint.sources(".c"):
    if not path.read_text().startswith("/* SPDX-License-Identifier: "):
        lint.fault(path, "does not begin with its licence")
lint.finish("headers", len(headers))
