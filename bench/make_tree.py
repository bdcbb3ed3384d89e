#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a tar of generated files to standard output: a layer of a benchmark's
image.  The same bytes every time; nothing compresses.

usage: make_tree.py files COUNT      COUNT small files below /srv/files
       make_tree.py model GIGABYTES  shards below /srv/model, as safetensors:
                                     8 bytes length, JSON, tensors"""
import json
import random
import struct
import sys
import tarfile

MIB = 1 << 20
TENSOR = 24 * MIB
SHARD_TENSORS = 80


class Noise:
    """A head, then pseudo-random bytes, read once from the front."""

    def __init__(self, head, size, seed):
        self.left = size
        self.random = random.Random(seed)
        self.rest = head

    def read(self, size):
        while len(self.rest) < size and self.left:
            more = self.random.randbytes(min(MIB, self.left))
            self.left -= len(more)
            self.rest += more
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece


def add(tar, name, head, size, seed):
    info = tarfile.TarInfo(name)
    info.size = len(head) + size
    info.mtime = 1700000000
    tar.addfile(info, Noise(head, size, seed))


def add_directory(tar, name):
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    info.mode = 0o755
    info.mtime = 1700000000
    tar.addfile(info)


def files(tar, count):
    sizes = random.Random(1)
    for number in range(count):
        folder = f"srv/files/{number // 100:03d}"
        if number % 100 == 0:
            add_directory(tar, folder)
        # most are a few hundred bytes, some tens of kilobytes: as in
        # site-packages
        add(tar, f"{folder}/{number:05d}.dat", b"",
            min(int(sizes.lognormvariate(7.5, 1.3)), 200000), number)


def model(tar, gigabytes):
    shards = max(1, round(gigabytes * 1e9 / (SHARD_TENSORS * TENSOR)))
    add_directory(tar, "srv/model")
    for shard in range(shards):
        header = json.dumps({
            f"layers.{shard * SHARD_TENSORS + i}.weight": {
                "dtype": "F16", "shape": [TENSOR // 2 // 4096, 4096],
                "data_offsets": [i * TENSOR, (i + 1) * TENSOR]}
            for i in range(SHARD_TENSORS)}).encode()
        header += b" " * (-len(header) % 8)
        add(tar, f"srv/model/model-{shard + 1:05d}-of-{shards:05d}.safetensors",
            struct.pack("<Q", len(header)) + header, SHARD_TENSORS * TENSOR,
            shard)


if len(sys.argv) != 3 or sys.argv[1] not in ("files", "model"):
    sys.exit(__doc__)
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", copybufsize=MIB,
                  format=tarfile.GNU_FORMAT) as out:
    if sys.argv[1] == "files":
        files(out, int(sys.argv[2]))
    else:
        model(out, float(sys.argv[2]))
