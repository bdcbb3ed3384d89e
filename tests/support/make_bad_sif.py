#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes SIF files that must be refused, one for each reason, and the good one
that they were made from, as valid/sif/small.

usage: make_bad_sif.py DATA_DIR

DATA_DIR/valid/sif/small and DATA_DIR/must_fail/sif/REASON are written around
DATA_DIR/valid/squashfs/small.  The results are kept in the repository."""
import os
import struct
import sys

DESCRIPTOR = 585
TABLE = 128
COUNT = 3
ROOT = 2048
# places in a descriptor
USED, OFF, SIZE, FS, PART, ARCH = 4, 17, 25, 201, 205, 209


def descriptor(kind, number, off, size, extra=b""):
    raw = struct.pack("<iBIIIqqqqqqq", kind, 1, number, 0xf0000001, 0, off,
                      size, size, 1700000000, 1700000000, 0, 0)
    return raw + b"name".ljust(128, b"\0") + extra.ljust(384, b"\0")


def make_good(root):
    end = ROOT + len(root)
    table = descriptor(0x4001, 1, end, 4)
    table += descriptor(0x4004, 2, ROOT, len(root),
                        struct.pack("<ii", 1, 2) + b"02\0")
    header = b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0")
    header += b"SIF_MAGIC\0" + b"01\0" + b"02\0" + bytes(range(16))
    header += struct.pack("<qqqqqqqq", 1700000000, 1700000000, COUNT - 2, COUNT,
                          TABLE, DESCRIPTOR * COUNT, ROOT, len(root) + 4)
    whole = bytearray(end + 4)
    whole[:len(header)] = header
    whole[TABLE:TABLE + len(table)] = table
    whole[ROOT:end] = root
    whole[end:] = b"text"
    return whole


def main():
    out = sys.argv[1]
    bad_dir = f"{out}/must_fail/sif"
    os.makedirs(bad_dir, exist_ok=True)
    os.makedirs(f"{out}/valid/sif", exist_ok=True)
    with open(f"{out}/valid/squashfs/small", "rb") as f:
        good = make_good(f.read())
    with open(f"{out}/valid/sif/small", "wb") as f:
        f.write(good)

    def bad(name, *patches, cut=None):
        data = bytearray(good)
        for off, fmt, value in patches:
            if fmt == "raw":
                data[off:off + len(value)] = value
            else:
                struct.pack_into("<" + fmt, data, off, value)
        with open(f"{bad_dir}/{name}", "wb") as f:
            f.write(data[:cut] if cut is not None else data)

    first, root, free = (TABLE + i * DESCRIPTOR for i in range(COUNT))
    end = len(good)
    # the header
    bad("no_magic", (32, "raw", b"SIF_MAGIX"))
    bad("magic_without_its_end", (41, "raw", b"x"))
    bad("version_02", (42, "raw", b"02"))
    bad("version_without_its_end", (44, "raw", b"1"))
    bad("cut_in_the_header", cut=100)
    bad("cut_behind_the_header", cut=128)
    bad("cut_in_the_descriptors", cut=TABLE + 700)
    bad("descriptors_4097", (88, "Q", 4097))
    bad("descriptors_more_than_a_file_has", (88, "Q", 1 << 62))
    bad("descriptors_negative", (88, "q", -1))
    bad("descriptors_beyond_the_file", (96, "Q", end))
    bad("descriptors_beyond_64_bits", (96, "Q", (1 << 64) - 100))
    bad("descriptors_none", (88, "Q", 0))
    # what they describe
    bad("root_not_in_use", (root + USED, "B", 0))
    bad("root_of_no_type", (root, "I", 0x7fff))
    bad("root_encrypted", (root + FS, "I", 5))
    bad("root_ext3", (root + FS, "I", 2))
    bad("root_of_no_file_system", (root + FS, "I", 0xffffffff))
    bad("root_is_data", (root + PART, "I", 3))
    bad("root_of_another_architecture", (root + ARCH, "raw", b"04"))
    bad("root_of_no_architecture", (root + ARCH, "raw", b"xx"))
    bad("root_beyond_the_file", (root + OFF, "Q", end + 1))
    bad("root_at_a_negative_place", (root + OFF, "q", -4096))
    bad("root_larger_than_the_file", (root + SIZE, "Q", end))
    bad("root_of_negative_size", (root + SIZE, "q", -1))
    bad("root_of_16_eib", (root + OFF, "Q", 1 << 63), (root + SIZE, "Q", 1 << 63))
    bad("root_empty", (root + SIZE, "Q", 0))
    bad("root_smaller_than_a_superblock", (root + SIZE, "Q", 95))
    bad("root_smaller_than_its_squashfs", (root + SIZE, "Q", 2000))
    bad("root_is_no_squashfs", (ROOT, "raw", b"hsqx"))
    bad("root_is_squashfs_3", (ROOT + 28, "H", 3))
    bad("cut_in_the_root", cut=ROOT + 1000)
    bad("overlay_beside_the_root", (free, "raw", descriptor(
        0x4004, 3, ROOT, 96, struct.pack("<ii", 2, 4) + b"02\0")))
    bad("oci_sif", (first, "I", 0x400a), (root, "I", 0x400b))


main()
