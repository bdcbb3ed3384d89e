#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes SquashFS images that must be refused, one for each reason, from one
good image whose tables are not compressed; and that image as valid/small.

usage: make_bad_squashfs.py DATA_DIR

DATA_DIR/valid/squashfs/small and DATA_DIR/must_fail/squashfs/REASON are
written.  Needs mksquashfs, once: the results are kept in the repository."""
import os
import struct
import subprocess
import sys
import tempfile

OFF = {"inode": 64, "directory": 72, "fragment": 80, "id": 48, "xattr": 56}


def make_good(path):
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        os.makedirs(f"{root}/dir/sub")
        with open(f"{root}/dir/tail", "wb") as f:
            f.write(b"the tail of a file")
        with open(f"{root}/dir/block", "wb") as f:
            f.write(bytes(i * 7 % 251 for i in range(5000)))
        with open(f"{root}/dir/hard", "wb") as f:
            f.write(b"hard")
        os.link(f"{root}/dir/hard", f"{root}/dir/link")
        os.symlink("dir/tail", f"{root}/symlink")
        os.setxattr(f"{root}/dir/tail", "user.name", b"value")
        if os.path.exists(path):
            os.remove(path)
        subprocess.run(["mksquashfs", root, path, "-noI", "-noD", "-noF", "-noX",
                        "-b", "4096", "-always-use-fragments", "-noappend", "-quiet", "-no-progress",
                        "-all-root", "-all-time", "1700000000", "-mkfs-time", "1700000000", "-processors",
                        "1", "-nopad"], check=True)


class Image:
    def __init__(self, data):
        self.data = bytearray(data)
        self.table = {k: struct.unpack_from("<Q", data, o)[0] for k, o in OFF.items()}
        self.inodes = {}  # kind: offset of its inode
        self.names = {}
        self.walk()

    def walk(self):
        at = self.table["inode"]
        size = struct.unpack_from("<H", self.data, at)[0] & 0x7fff
        self.inode_bytes = at + 2
        end = at + 2 + size
        at += 2
        bodies = {1: 16, 2: 16, 3: 8, 8: 24, 9: 40}
        while at < end:
            kind, = struct.unpack_from("<H", self.data, at)
            body = at + 16
            total = 16 + bodies[kind]
            if kind == 2:
                _, frag, _, length = struct.unpack_from("<IIII", self.data, body)
                blocks = length // 4096 + (length % 4096 and frag == 0xffffffff)
                total += 4 * blocks
                name = "block-file" if blocks else "tail-file"
            elif kind == 9:
                _, length, _, _, frag = struct.unpack_from("<QQQII", self.data, body)
                total += 4 * (length // 4096)
                name = "xattr-file" if struct.unpack_from("<I", self.data, body + 36)[0] != 0xffffffff else "hard-file"
            elif kind == 3:
                total += struct.unpack_from("<I", self.data, body + 4)[0]
                name = "symlink"
            else:
                name = f"dir-{len([k for k in self.inodes if k.startswith('dir')])}"
            self.inodes[name] = at
            at += total
        self.root = self.inode_bytes + (struct.unpack_from("<Q", self.data, 32)[0] & 0xffff)
        self.dir_bytes = self.table["directory"] + 2

    def name(self, text):
        """Offset of a directory entry's record."""
        return self.data.index(text, self.dir_bytes) - 8


def main():
    out = sys.argv[1]
    good_path = f"{out}/valid/squashfs/small"
    bad_dir = f"{out}/must_fail/squashfs"
    os.makedirs(os.path.dirname(good_path), exist_ok=True)
    os.makedirs(bad_dir, exist_ok=True)
    if not os.path.exists(good_path):
        make_good(good_path)
    good = Image(open(good_path, "rb").read())
    print(good.inodes, good.table)

    def bad(name, *patches, cut=None):
        data = bytearray(good.data)
        for off, fmt, value in patches:
            if fmt == "raw":
                data[off:off + len(value)] = value
            else:
                struct.pack_into("<" + fmt, data, off, value)
        with open(f"{bad_dir}/{name}", "wb") as f:
            f.write(data[:cut] if cut is not None else data)

    ino, t = good.inodes, good.table
    end = len(good.data)
    # the superblock
    bad("no_magic", (0, "raw", b"hsqx"))
    bad("big_endian", (0, "raw", b"sqsh"))
    bad("version_3", (28, "H", 3))
    bad("version_4_1", (30, "H", 1))
    bad("compressor_lzo", (20, "H", 3))
    bad("compressor_lzma", (20, "H", 2))
    bad("compressor_unknown", (20, "H", 7))
    bad("block_size_no_power_of_two", (12, "I", 5000))
    bad("block_size_too_large", (12, "I", 2 << 20), (22, "H", 21))
    bad("block_log_of_another_size", (22, "H", 13))
    bad("no_ids", (26, "H", 0))
    bad("no_inodes", (4, "I", 0))
    bad("inodes_too_many", (4, "I", 0xffffffff))
    bad("fragments_more_than_inodes", (16, "I", 0xffffffff))
    bad("bytes_used_beyond_the_file", (40, "Q", end + 1))
    bad("bytes_used_huge", (40, "Q", 1 << 63))
    bad("inode_table_beyond_the_file", (64, "Q", end + 100))
    bad("inode_table_in_the_superblock", (64, "Q", 50))
    bad("inode_table_behind_the_directories", (64, "Q", t["directory"] + 1))
    bad("directory_table_at_the_inodes", (72, "Q", t["inode"]))
    bad("id_table_before_the_inodes", (48, "Q", 96))
    bad("id_table_beyond_the_file", (48, "Q", end))
    bad("xattr_table_before_the_ids", (56, "Q", t["inode"]))
    bad("fragment_table_missing", (80, "Q", 0xffffffffffffffff))
    bad("cut_in_the_superblock", cut=60)
    bad("cut_in_the_tables", cut=end - 10)
    bad("root_beyond_the_inodes", (32, "Q", 1 << 30))
    bad("root_offset_beyond_its_block", (32, "Q", 0x1fff))
    bad("root_is_a_file", (32, "Q", ino["tail-file"] - good.inode_bytes if "tail-file" in ino else ino["block-file"] - good.inode_bytes))
    # metadata blocks
    bad("metadata_block_over_8_kib", (t["inode"], "H", 0x8000 | 8193))
    bad("metadata_block_empty", (t["inode"], "H", 0x8000))
    bad("metadata_block_no_zlib", (t["inode"], "H", struct.unpack_from("<H", good.data, t["inode"])[0] & 0x7fff))
    bad("directory_block_over_8_kib", (t["directory"], "H", 0xffff))
    # inodes
    f = ino["block-file"] + 16
    bad("inode_of_no_type", (ino["block-file"], "H", 15))
    bad("inode_of_type_zero", (good.root, "H", 0))
    bad("owner_beyond_the_ids", (ino["block-file"] + 4, "H", 500))
    bad("group_beyond_the_ids", (ino["symlink"] + 6, "H", 500))
    bad("file_of_4_gib_blocks", (f + 12, "I", 0xffffffff))
    bad("file_larger_than_its_fragment", (f + 12, "I", 4096 + 4095), (f + 8, "I", 4000))
    bad("file_block_larger_than_a_block", (f + 16, "I", (1 << 24) | 5000))
    bad("file_block_plain_but_short", (f + 16, "I", (1 << 24) | 100))
    bad("file_block_beyond_the_data", (f, "I", 0x7fffffff))
    bad("file_block_in_the_superblock", (f, "I", 10))
    bad("fragment_beyond_the_table", (f + 4, "I", 1000))
    bad("fragment_offset_beyond_its_block", (f + 8, "I", 0xfffffff0))
    x = ino["xattr-file"] + 16
    bad("file_of_8_eib", (x + 8, "Q", 1 << 63))
    bad("file_of_2_pib", (x + 8, "Q", 1 << 51))
    bad("xattrs_beyond_the_table", (x + 36, "I", 77))
    s = ino["symlink"] + 16
    bad("symlink_of_4_gib", (s + 4, "I", 0xffffffff))
    bad("symlink_of_5000", (s + 4, "I", 5000))
    bad("symlink_empty", (s + 4, "I", 0))
    bad("symlink_with_a_nul", (s + 9, "B", 0))
    # fragments
    frag = struct.unpack_from("<Q", good.data, t["fragment"])[0] + 2
    bad("fragment_beyond_the_data", (frag, "Q", 1 << 40))
    bad("fragment_larger_than_a_block", (frag + 8, "I", (1 << 24) | 5000))
    bad("fragment_plain_but_short", (frag + 8, "I", (1 << 24) | 5))
    bad("fragment_empty", (frag + 8, "I", 0))
    bad("fragment_places_beyond_the_file", (t["fragment"], "Q", 1 << 50))
    bad("id_places_beyond_the_file", (t["id"], "Q", 1 << 50))
    # directories
    d = good.dir_bytes
    tail = good.name(b"tail")
    bad("name_with_a_slash", (tail + 9, "B", ord("/")))
    bad("name_with_a_nul", (tail + 9, "B", 0))
    dot = good.name(b"dir") if b"dir" in good.data[d:] else None
    bad("name_is_dot_dot", (dot + 6, "H", 1), (dot + 8, "raw", b".."), (dot + 10, "B", ord("x")))
    bad("name_is_dot", (good.name(b"sub") + 6, "H", 0), (good.name(b"sub") + 8, "raw", b"."))
    bad("name_over_255", (tail + 6, "H", 300))
    bad("entry_leads_beyond_the_inodes", (tail, "H", 0x1ff0))
    bad("entry_leads_between_inodes", (tail, "H", 3))
    root_off = good.root - good.inode_bytes
    bad("directory_within_itself", (good.name(b"sub"), "H", root_off))
    bad("directory_has_two_names", (tail, "H", struct.unpack_from("<H", good.data, good.name(b"sub"))[0]))
    bad("file_has_more_names_than_links", (tail, "H", struct.unpack_from("<H", good.data, good.name(b"block"))[0]))
    r = good.root + 16
    bad("directory_beyond_the_table", (r, "I", 1 << 30))
    bad("directory_offset_beyond_its_block", (r + 10, "H", 0x1fff))
    bad("directory_longer_than_the_table", (r + 8, "H", 0xffff))
    # xattrs
    xt = t["xattr"]
    bad("xattr_ids_4_gib", (xt + 8, "I", 0xffffffff))
    bad("xattrs_start_beyond_the_file", (xt, "Q", 1 << 60))
    ids = struct.unpack_from("<Q", good.data, xt + 16)[0] + 2
    kv = struct.unpack_from("<Q", good.data, xt)[0] + 2
    bad("xattr_list_of_4_gib", (ids + 8, "I", 0xffffffff))
    bad("xattr_list_beyond_its_block", (ids, "Q", 0x1fff))
    bad("xattr_name_of_no_kind", (kv, "H", 9))
    bad("xattr_name_of_64_kib", (kv + 2, "H", 0xffff))
    bad("xattr_value_of_4_gib", (kv + 4 + 4, "I", 0xffffffff))
    bad("xattr_value_elsewhere_beyond", (kv, "H", 0x100), (kv + 4 + 4 + 4, "Q", 0xffffffffff))
    bad("xattr_places_beyond_the_file", (xt + 16, "Q", 1 << 50))


main()
