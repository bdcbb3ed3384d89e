#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the table of docs/architecture.md: who may include whom, and which
third-party library is named where.  A library that is loaded when needed has
a header of ours, which only its module includes."""
import re
import lint

MAY_INCLUDE = {
    "common": set(),
    "index": {"common"},
    "fetch": {"common"},
    "hot": {"common", "index", "fetch"},
    "image": {"common", "index", "fetch"},
    "fs": {"common", "index", "fetch"},
    "run": {"common"},
    "gpu": {"common"},
    "tools": {"common", "index", "fetch", "hot", "image", "fs", "run",
              "gpu"},
}
# header: modules (or single files) that may include it
THIRD_PARTY = {
    r"openssl/.*": {"common/digest.c"},
    r"libdeflate\.h": {"common", "index/gzip_member.c"},
    r"zstd.*\.h": {"common", "index"},
    r"lzma\.h": {"common"},
    r"lz4\.h": {"common"},
    r"xxhash\.h": {"common/hash.h"},
    r"archive.*\.h": {"index/archive_library.h"},
    r"sqfs/.*": {"index/squashfs_library.h"},
    r"(isa-l|igzip_lib|crc).*\.h|isa-l/.*": {"index/isal_library.h"},
    r"zlib\.h": {"index"},
    r"curl/.*": {"fetch/curl_library.h"},
    r"jansson\.h": {"fetch", "image", "gpu", "tools"},
    r"fuse.*\.h": {"fs"},
    r"ini\.h": {"tools/config.c"},
    r"microhttpd\.h": {"tools/microhttpd_library.h"},
    r"yaml\.h": {"gpu/yaml_library.h"},
    r"dlfcn\.h": {"common/shared_library.c"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

files = lint.sources(".c", ".h")
for path in files:
    relative = path.relative_to(lint.ROOT)
    module = relative.parts[0]
    for line in path.read_text().splitlines():
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2)
        if match.group(1) == '"':
            target = name.split("/")[0]
            if "/" not in name:
                lint.fault(path, f'"{name}" is not relative to the root')
            elif target != module and target not in MAY_INCLUDE[module]:
                lint.fault(path, f"{module}/ may not include {target}/ ({name})")
            elif name.endswith("_library.h") and target not in ("common", module):
                lint.fault(path, f"{name} is for {target}/ alone")
            continue
        for pattern, places in THIRD_PARTY.items():
            if re.fullmatch(pattern, name) and module not in places and \
                    str(relative) not in places:
                lint.fault(path, f"<{name}> belongs to {', '.join(sorted(places))}")
lint.finish("layering", len(files))
