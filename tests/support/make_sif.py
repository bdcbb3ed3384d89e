#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes SIF files (github.com/apptainer/sif, version 01) around SquashFS
images, good ones and bad ones.

usage: make_sif.py [--arch 02] [--header-arch 02] [--fs 1] [--part 2]
                   [--overlay] [--signature] [--definition FILE] [--oci]
                   [--descriptors N] [--descriptors-off N] [--version 01]
                   [--cut BYTES] [--no-partition] SQUASHFS SIF

Numbers of --fs and --part are the format's: 1 SquashFS, 2 ext3, 5 encrypted;
1 system, 2 primary system, 3 data, 4 overlay."""
import argparse
import struct

ALIGN = 4096


def descriptor(kind, number, off, size, name, extra=b"", linked=0):
    raw = struct.pack("<iBIIIqqqqqqq", kind, 1, number, 0xf0000001, linked,
                      off, size, size, 1700000000, 1700000000, 0, 0)
    return raw + name.encode().ljust(128, b"\0") + extra.ljust(384, b"\0")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", default="02")
    parser.add_argument("--header-arch")
    parser.add_argument("--fs", type=int, default=1)
    parser.add_argument("--part", type=int, default=2)
    parser.add_argument("--overlay", action="store_true")
    parser.add_argument("--signature", action="store_true")
    parser.add_argument("--definition")
    parser.add_argument("--oci", action="store_true")
    parser.add_argument("--no-partition", action="store_true")
    parser.add_argument("--descriptors", type=int, default=48)
    parser.add_argument("--descriptors-off", type=int, default=4096)
    parser.add_argument("--version", default="01")
    parser.add_argument("--cut", type=int)
    parser.add_argument("squashfs")
    parser.add_argument("sif")
    args = parser.parse_args()

    table = []
    data = b""
    start = max(32768, args.descriptors_off + 585 * args.descriptors)
    start += -start % ALIGN

    def add(kind, name, body, extra=b"", linked=0, align=1):
        nonlocal data
        data += b"\0" * (-(start + len(data)) % align)
        table.append(descriptor(kind, len(table) + 1, start + len(data),
                                len(body), name, extra, linked))
        data += body

    if args.definition:
        add(0x4001, "definition", open(args.definition, "rb").read())
    if args.oci:
        add(0x400a, "index.json", b"{}")
    if not args.no_partition:
        extra = struct.pack("<ii", args.fs, args.part) + args.arch.encode()
        add(0x4004, "squashfs-1.img", open(args.squashfs, "rb").read(), extra,
            align=ALIGN)
    if args.overlay:
        add(0x4004, "overlay.img", b"\0" * ALIGN,
            struct.pack("<ii", 2, 4) + args.arch.encode(), align=ALIGN)
    if args.signature:
        add(0x4005, "part-signature", b"-----BEGIN PGP SIGNED MESSAGE-----\n",
            struct.pack("<i", 1) + bytes(range(20)), linked=len(table))

    header = b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0")
    header += b"SIF_MAGIC\0" + args.version.encode().ljust(3, b"\0")
    header += (args.header_arch or args.arch).encode().ljust(3, b"\0")
    header += bytes(range(16))
    header += struct.pack("<qqqqqqqq", 1700000000, 1700000000,
                          args.descriptors - len(table), args.descriptors,
                          args.descriptors_off, 585 * args.descriptors, start,
                          len(data))
    whole = bytearray(start + len(data))
    whole[:len(header)] = header
    used = b"".join(table)[:585 * args.descriptors]
    whole[args.descriptors_off:args.descriptors_off + len(used)] = used
    whole[start:] = data
    with open(args.sif, "wb") as f:
        f.write(whole[:args.cut] if args.cut is not None else whole)


main()
