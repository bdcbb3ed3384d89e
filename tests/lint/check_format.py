#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format has nothing to change."""
import lint

files = lint.sources(".c", ".h", folders=lint.MODULES + ["tests", "bench"])
for path in files:
    done = lint.run("clang-format", "--dry-run", "--Werror", str(path))
    if done.returncode:
        lint.fault(path, "is not as clang-format would have it")
lint.finish("format", len(files))
