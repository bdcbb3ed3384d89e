#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes an OCI layout whose image holds every nasty case of layered tars.

usage: make_nasty.py LAYOUT_DIRECTORY   (the tag is "nasty")

Layers: gzip, several gzip members, plain tar.  Nothing needs root: everything
is written into tar headers."""
import gzip
import hashlib
import io
import json
import os
import struct
import sys
import tarfile

BASE_TIME = 1_600_000_000


def acl_blob(entries):
    """system.posix_acl_*: version 2, then {tag, perm, id}, little endian."""
    blob = struct.pack("<I", 2)
    for tag, perm, who in entries:
        blob += struct.pack("<HHI", tag, perm, who & 0xFFFFFFFF)
    return blob


def capability_blob():
    """security.capability, version 2: cap_net_bind_service+ep."""
    return struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)


class Layer:
    def __init__(self, form=tarfile.PAX_FORMAT):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=form,
                                encoding="utf-8", errors="surrogateescape")

    def add(self, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, uid=0,
            gid=0, mtime=BASE_TIME, link="", device=(0, 0), xattrs=None):
        info = tarfile.TarInfo(name)
        info.type = kind
        info.size = len(data)
        info.mode = mode
        info.uid, info.gid = uid, gid
        info.mtime = mtime
        info.linkname = link
        info.devmajor, info.devminor = device
        for key, value in (xattrs or {}).items():
            info.pax_headers["SCHILY.xattr." + key] = \
                value.decode("utf-8", "surrogateescape")
        self.tar.addfile(info, io.BytesIO(data) if data else None)

    def directory(self, name, **more):
        self.add(name, tarfile.DIRTYPE, mode=more.pop("mode", 0o755), **more)

    def symlink(self, name, target, **more):
        self.add(name, tarfile.SYMTYPE, link=target, mode=0o777, **more)

    def hard_link(self, name, target, **more):
        self.add(name, tarfile.LNKTYPE, link=target, **more)

    def whiteout(self, path):
        folder, _, name = path.rpartition("/")
        self.add(f"{folder}/.wh.{name}" if folder else f".wh.{name}")

    def opaque(self, path):
        self.add(f"{path}/.wh..wh..opq")

    def raw(self, blob):
        """Put bytes of another archive (its entries) into this one."""
        self.tar.fileobj.write(blob)
        self.tar.offset += len(blob)

    def finish(self):
        self.tar.close()
        return self.bytes.getvalue()


def data(seed, size):
    """Deterministic bytes, half of them compressible."""
    out = bytearray()
    block = hashlib.sha256(str(seed).encode()).digest()
    while len(out) < size:
        out += block + b"lazyrun " * 8
        block = hashlib.sha256(block).digest()
    return bytes(out[:size])


def gnu_sparse(name, size, pieces):
    """One old-GNU sparse entry: header block, data blocks."""
    stored = sum(len(bytes_) for _, bytes_ in pieces)
    header = bytearray(512)
    header[0:len(name)] = name.encode()
    header[100:108] = b"0000644\0"
    header[108:116] = b"0000000\0"
    header[116:124] = b"0000000\0"
    header[124:136] = b"%011o\0" % stored
    header[136:148] = b"%011o\0" % BASE_TIME
    header[156:157] = b"S"
    header[257:265] = b"ustar  \0"
    for i, (off, bytes_) in enumerate(pieces[:4]):
        header[386 + 24 * i:398 + 24 * i] = b"%011o\0" % off
        header[398 + 24 * i:410 + 24 * i] = b"%011o\0" % len(bytes_)
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    body = b"".join(bytes_ for _, bytes_ in pieces)
    return bytes(header) + body + bytes(-len(body) % 512)


def lower():
    layer = Layer()
    layer.directory("./", mode=0o755, mtime=BASE_TIME + 7)
    for name in ("etc", "usr", "usr/bin", "dir-to-file", "opaque", "mixed",
                 "deep", "links", "gone"):
        layer.directory(name, mtime=BASE_TIME + len(name))
    layer.add("etc/passwd", data=b"root:x:0:0:root:/root:/bin/sh\n")
    layer.add("usr/bin/setuid", data=b"#!/bin/sh\n", mode=0o4755)
    layer.add("usr/bin/setgid", data=b"#!/bin/sh\n", mode=0o2755)
    layer.directory("sticky", mode=0o1777)
    layer.add("empty")
    layer.add("big", data=data("big", 5_000_000))
    layer.add("unaligned", data=data("unaligned", 1_234_567))
    layer.add("sub-second", data=b"x", mtime=BASE_TIME + 0.123456789)
    layer.add("before-1970", data=b"x", mtime=-123456.5)
    layer.add("far-future", data=b"x", mtime=2 ** 33 + 5)
    layer.add("big-ids", data=b"x", uid=3_000_000_000, gid=100_000)
    layer.add("name-255-" + "n" * 246, data=b"x")
    long_path = "deep/" + "/".join("d" * 60 + str(i) for i in range(12))
    for end in range(2, 14):
        layer.directory("/".join(long_path.split("/")[:end]))
    layer.add(long_path + "/file", data=b"deep down")
    layer.add("not-utf8-\udcff\udcfe\udc80", data=b"x")
    layer.add("utf8-\u00e9\u6f22\U0001f600", data=b"x")
    layer.add("new\nline and space\t", data=b"x")
    layer.symlink("links/relative", "../etc/passwd")
    layer.symlink("links/absolute", "/etc/passwd")
    layer.symlink("links/dangling", "no/such/thing")
    layer.symlink("links/long", "t" * 4000)
    layer.symlink("links/outside", "../../../../../../etc/shadow")
    layer.symlink("lib", "usr/lib")
    layer.directory("usr/lib")
    layer.add("hard-a", data=data("hard", 70_000))
    layer.hard_link("hard-b", "hard-a")
    layer.hard_link("usr/bin/hard-c", "./hard-a")
    layer.add("lower-hard", data=b"linked across layers")
    layer.add("chr", tarfile.CHRTYPE, device=(1, 3), mode=0o666)
    layer.add("blk", tarfile.BLKTYPE, device=(259, 70000), mode=0o660)
    layer.add("fifo", tarfile.FIFOTYPE, mode=0o600)
    layer.add("xattrs", data=b"x", xattrs={
        "user.one": b"1", "user.binary": bytes(range(1, 256)),
        "user.empty": b"", "user.long": b"v" * 3000})
    layer.add("capable", data=b"x", mode=0o755,
              xattrs={"security.capability": capability_blob()})
    access = acl_blob([(1, 6, -1), (2, 4, 1234), (4, 4, -1), (16, 4, -1),
                       (32, 4, -1)])
    layer.add("acl", data=b"x", mode=0o644,
              xattrs={"system.posix_acl_access": access})
    layer.directory("acl-dir", xattrs={
        "system.posix_acl_default": acl_blob(
            [(1, 7, -1), (2, 5, 1234), (4, 5, -1), (16, 5, -1), (32, 5, -1)])})
    layer.add("dir-to-file/inside", data=b"x")
    layer.add("file-to-dir", data=b"x")
    layer.add("opaque/lower", data=b"x")
    layer.add("opaque/both", data=b"lower")
    layer.add("mixed/kept", data=b"x")
    layer.add("mixed/removed", data=b"x")
    layer.add("mixed/recreated", data=b"old")
    layer.add("gone/file", data=b"x")
    layer.add("to-symlink", data=b"x")
    layer.directory("dir-to-symlink")
    layer.add("dir-to-symlink/inside", data=b"x")
    layer.add("duplicate", data=b"first")
    layer.add("duplicate", data=b"second, which wins")
    return layer.finish()


def middle():
    """GNU format, several gzip members."""
    layer = Layer(tarfile.GNU_FORMAT)
    layer.whiteout("gone")
    layer.whiteout("mixed/removed")
    layer.whiteout("never-was")
    layer.whiteout("mixed/recreated")       # beside its own re-creation
    layer.add("mixed/recreated", data=b"new")
    layer.opaque("opaque")
    layer.add("opaque/both", data=b"upper")
    layer.add("opaque/upper", data=b"x")
    layer.add("dir-to-file", data=b"now a file")
    layer.directory("file-to-dir")
    layer.add("file-to-dir/inside", data=b"x")
    layer.whiteout("to-symlink")
    layer.symlink("to-symlink", "etc/passwd")
    layer.symlink("dir-to-symlink", "usr")
    layer.add("gnu-long-" + "g" * 200, data=b"x")
    layer.directory("g")
    layer.directory("g/" + "x" * 150)
    layer.add("g/" + "x" * 150 + "/" + "y" * 150, data=b"gnu long path")
    layer.symlink("gnu-long-link", "l" * 300)
    layer.add("hard-b", data=b"no longer a link")   # breaks one name only
    return layer.finish()


def upper():
    """Plain tar."""
    layer = Layer()
    layer.hard_link("upper-hard", "lower-hard")     # target in a lower layer
    layer.add("./dotted/./file", data=b"x")
    layer.add("lib/through-link", data=b"lands in usr/lib")
    layer.directory("etc", mode=0o750, mtime=BASE_TIME + 99)  # new metadata
    layer.add("last", data=data("last", 300_000))
    return layer.finish()


def gzip_members(raw, size):
    """Concatenated members, one of them empty."""
    out = gzip.compress(b"", mtime=0)
    for off in range(0, len(raw), size):
        out += gzip.compress(raw[off:off + size], 9 if off else 1, mtime=0)
    return out


def sparse():
    """umoci refuses type 'S', so GNU tar is what this one is compared with."""
    layer = Layer()
    layer.raw(gnu_sparse("sparse-gnu", 3 << 20,
                         [(65536, data("s1", 4096)), (2 << 20, data("s2", 512)),
                          (3 << 20, b"")]))
    layer.raw(gnu_sparse("all-hole", 1 << 20, [(1 << 20, b"")]))
    layer.add("after", data=b"x")
    return layer.finish()


def escaping():
    """Entries that try to leave the root; kept apart from the rest, because
    unpackers differ in what they do with them."""
    layer = Layer()
    layer.add("/absolute-entry", data=b"x")
    layer.add("../../../parent-entry", data=b"x")
    layer.add("etc/../dotdot-entry", data=b"x")
    return layer.finish()


class Layout:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "blobs", "sha256"), exist_ok=True)
        self.manifests = []

    def blob(self, content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        with open(os.path.join(self.folder, "blobs/sha256", digest), "wb") as f:
            f.write(content)
        return {"mediaType": media_type, "digest": "sha256:" + digest,
                "size": len(content)}

    def image(self, tag, layers):
        """layers: [(stored bytes, raw bytes, "+gzip" or "")]"""
        oci = "application/vnd.oci.image."
        config = self.blob(json.dumps({
            "architecture": "amd64", "os": "linux",
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": [
                "sha256:" + hashlib.sha256(raw).hexdigest()
                for _, raw, _ in layers]}}).encode(), oci + "config.v1+json")
        manifest = self.blob(json.dumps({
            "schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
            "config": config,
            "layers": [self.blob(stored, oci + "layer.v1.tar" + kind)
                       for stored, _, kind in layers]}).encode(),
            oci + "manifest.v1+json")
        manifest["annotations"] = {"org.opencontainers.image.ref.name": tag}
        self.manifests.append(manifest)

    def finish(self):
        with open(os.path.join(self.folder, "oci-layout"), "w") as f:
            json.dump({"imageLayoutVersion": "1.0.0"}, f)
        with open(os.path.join(self.folder, "index.json"), "w") as f:
            json.dump({"schemaVersion": 2, "manifests": self.manifests}, f)


def main():
    layout = Layout(sys.argv[1])
    one, two, three, four = lower(), middle(), upper(), escaping()
    layers = [(gzip.compress(one, 6, mtime=0), one, "+gzip"),
              (gzip_members(two, 20_000), two, "+gzip"), (three, three, "")]
    layout.image("nasty", layers)
    holes = sparse()
    layout.image("sparse", [(holes, holes, "")])
    layout.image("escaping", layers[:1] + [(four, four, "")])
    layout.finish()


main()
