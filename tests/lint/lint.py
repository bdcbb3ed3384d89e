# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the project's files, and how a fault is told."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ["common", "index", "fetch", "hot", "image", "fs", "run", "gpu", "tools"]

faults = []


def fault(path, text):
    """Remember one fault: path relative to the root, and a sentence."""
    try:
        path = pathlib.Path(path).relative_to(ROOT)
    except ValueError:
        pass
    faults.append(f"{path}: {text}")


def sources(*suffixes, folders=MODULES):
    """The C files of some folders, sorted."""
    found = []
    for folder in folders:
        for suffix in suffixes:
            found += (ROOT / folder).rglob(f"*{suffix}")
    return sorted(found)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT,
                          check=False, **options)


def finish(what, count):
    """Print all faults and exit; a lint that looked at nothing has failed."""
    for text in faults:
        print(text)
    if count == 0:
        print(f"{what}: nothing was found to look at")
        sys.exit(1)
    print(f"{what}: {count} looked at, {len(faults)} faults")
    sys.exit(1 if faults else 0)
