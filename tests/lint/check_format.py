#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format has nothing to change."""
import re
import lint

files = lint.sources(".c", ".h", folders=lint.MODULES + ["tests", "bench"])
done = lint.run("clang-format", "--dry-run", "--Werror", *map(str, files))
# "FILE:LINE:COLUMN: error: code should be clang-formatted ..."
for path in sorted(set(re.findall(r"^(.+?):\d+:\d+: error:", done.stderr, re.M))):
    lint.fault(path, "is not as clang-format would have it")
if done.returncode and not lint.faults:
    lint.fault("clang-format", done.stderr.strip() or "failed")
lint.finish("format", len(files))
