#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares two directory trees entry by entry: type, mode, ids, size, mtime
(to the nanosecond), link count and which names are one inode, link targets,
devices, extended attributes, SHA-256 of every file's content.

usage: compare_trees.py [--ignore-file FILE] LEFT RIGHT
       compare_trees.py --save FILE ROOT

The second form writes down what a job's ROOT is, without what is mounted
below it and the times of what the runner makes there; FILE may then stand for
a directory in the first.

FILE lists known differences, one `path field reason...` a line ("*" matches
any path); each is printed with its reason, and one that no longer differs is
a fault too.  Exit status 0 when nothing else differs."""
import concurrent.futures
import hashlib
import os
import pickle
import stat
import sys


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def xattrs(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith(b"user.lazyrun.") if isinstance(name, bytes) else \
                name.startswith("user.lazyrun."):
            continue
        if name == "security.selinux":
            continue
        try:
            found[name] = os.getxattr(path, name, follow_symlinks=False)
        except OSError as error:  # listed and not given, as ACLs in overlays
            found[name] = error.errno
    return found


def describe(path, st):
    kind = stat.S_IFMT(st.st_mode)
    what = {"type": kind, "mode": stat.S_IMODE(st.st_mode), "uid": st.st_uid,
            "gid": st.st_gid, "mtime": st.st_mtime_ns, "xattrs": xattrs(path)}
    if kind != stat.S_IFDIR:
        what["size"] = st.st_size
        what["nlink"] = st.st_nlink
    if kind == stat.S_IFLNK:
        what["target"] = os.readlink(path)
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        what["device"] = (os.major(st.st_rdev), os.minor(st.st_rdev))
    return what


def mount_points():
    with open("/proc/self/mountinfo", "rb") as f:
        return {line.split()[4].decode("unicode_escape").encode("latin-1")
                for line in f}


def walk(root, skipped=frozenset()):
    """{relative path: description}; hard links get a `same` field: the first
    of the names that share the inode.  Paths in `skipped` are left out."""
    tree, first, files = {}, {}, {}
    root = os.fsencode(root)
    pending = [b""]
    while pending:
        relative = pending.pop()
        path = os.path.join(root, relative) if relative else root
        if relative and path in skipped:
            continue
        st = os.lstat(path)
        what = describe(path, st)
        if not stat.S_ISDIR(st.st_mode) and st.st_nlink > 1:
            first.setdefault((st.st_dev, st.st_ino), []).append(relative)
        if stat.S_ISREG(st.st_mode):
            files.setdefault((st.st_dev, st.st_ino), []).append(relative)
        tree[relative or b"."] = what
        if stat.S_ISDIR(st.st_mode):
            pending += [os.path.join(relative, name)
                        for name in os.listdir(path)]
    for names in first.values():
        for name in names:
            tree[name]["same"] = min(names)
    add_contents(tree, root, list(files.values()))
    return tree


def add_contents(tree, root, files):
    """Every file once, whatever its names; by several processes, because a
    mount answers more than one reader."""
    paths = [os.path.join(root, names[0]) for names in files]
    with concurrent.futures.ProcessPoolExecutor(2 * os.cpu_count()) as pool:
        found = pool.map(digest, paths, chunksize=16)
        for names, content in zip(files, found):
            for name in names:
                tree[name]["content"] = content


def tree_of(path):
    if os.path.isdir(path):
        return walk(path)
    with open(path, "rb") as f:
        return pickle.load(f)


def main():
    known = {}
    arguments = sys.argv[1:]
    if arguments[0] == "--save":
        mounts = mount_points()
        tree = walk(arguments[2], mounts)
        for made in mounts | {b"/etc/passwd/.", b"/etc/group/."}:
            while made != b"/":
                made = os.path.dirname(made)
                tree.get(made.strip(b"/") or b".", {})["mtime"] = None
        with open(arguments[1], "wb") as f:
            pickle.dump(tree, f)
        return
    if arguments[0] == "--ignore-file":
        with open(arguments[1], encoding="utf-8") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    path, field, reason = line.strip().split(None, 2)
                    known[(os.fsencode(path), field)] = [reason, 0]
        arguments = arguments[2:]
    left, right = tree_of(arguments[0]), tree_of(arguments[1])
    faults = 0
    for path in sorted(left.keys() | right.keys()):
        one, two = left.get(path), right.get(path)
        if one is None or two is None:
            fields = {"presence": (one is not None, two is not None)}
        else:
            fields = {f: (one.get(f), two.get(f))
                      for f in one.keys() | two.keys()
                      if one.get(f) != two.get(f)}
        for field, (a, b) in sorted(fields.items()):
            reason = known.get((path, field)) or known.get((b"*", field))
            if reason:
                reason[1] += 1
                if reason[1] == 1:
                    print(f"known: {path!r} {field}: {reason[0]}")
                continue
            print(f"{path!r}: {field}: {a!r} != {b!r}"[:400])
            faults += 1
    for (path, field), (reason, count) in known.items():
        if count == 0:
            print(f"listed as known, but equal: {path!r} {field}")
            faults += 1
    print(f"{len(left)} and {len(right)} entries, {faults} differences")
    sys.exit(1 if faults or not left else 0)


main()
