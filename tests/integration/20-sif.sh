#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
# SIF and SquashFS files with no index prepared: every compressor and block
# size against unsquashfs, indexes with digests, what is refused and how.
. "$(dirname "$0")/lib.sh"
need mksquashfs
need unsquashfs
SIF=$ROOT/tests/support/make_sif.py
lr() { as_user "$LAZYRUN" -q "$@"; }
cd "$WORK" || exit 1

# A tree with what file systems disagree about.
tree=$WORK/tree
python3 - "$tree" <<'PY'
import os, random, sys
random.seed(7)
root = sys.argv[1]
def write(name, data, mode=0o644):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
for size in (0, 1, 4095, 4096, 4097, 131071, 131072, 131073, 300000, 1048577):
    write(f"sizes/{size}", random.randbytes(size))
for i in range(300):
    write(f"small/{i:03}", (b"%d " % i) * random.randint(1, 400))
write("text", b"the same line again\n" * 100000)
write("copy/one", random.randbytes(200000))
with open(f"{root}/copy/one", "rb") as f: data = f.read()
write("copy/two", data)
write("copy/longer", data + b"tail")
with open(f"{root}/sparse", "wb") as f:
    f.seek(5 << 20); f.write(b"middle"); f.truncate(9 << 20)
write("zeros", bytes(1 << 20))
write("names/back\\slash", b"1"); write("names/.wh.not-a-whiteout", b"2")
write("names/.wh..wh..opq", b"3"); write("names/new\nline", b"4")
write("n" * 255, b"5"); os.makedirs(f"{root}/" + "/".join(["deep"] * 60))
with open(root.encode() + b"/names/\xff\xfe", "wb") as f: f.write(b"6")
os.link(f"{root}/copy/one", f"{root}/names/hard-1")
os.link(f"{root}/copy/one", f"{root}/hard-2")
os.symlink("sizes/1", f"{root}/link"); os.symlink("x" * 4000, f"{root}/long-link")
os.link(f"{root}/link", f"{root}/hard-link-to-link", follow_symlinks=False)
os.mkfifo(f"{root}/fifo", 0o640); os.makedirs(f"{root}/empty")
write("suid", b"x", 0o4755); os.chmod(f"{root}/empty", 0o3775)
os.utime(f"{root}/text", (1, 1)); os.utime(f"{root}/suid", (4000000000, 4000000000))
for i in range(40):
    os.setxattr(f"{root}/small/{i:03}", "user.same", b"v" * 300)
    os.setxattr(f"{root}/small/{i:03}", f"user.n{i % 7}", b"%d" % i)
os.setxattr(f"{root}/empty", "user.dir", b"")
os.setxattr(f"{root}/text", "user.large", bytes(range(256)) * 12)
if os.getuid() == 0:
    os.mknod(f"{root}/null", 0o20666, os.makedev(1, 3))
    os.mknod(f"{root}/disk", 0o60660, os.makedev(259, 70000))
    os.chown(f"{root}/text", 1234, 70000); os.setxattr(f"{root}/suid", "trusted.t", b"t")
    os.setxattr(f"{root}/zeros", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
PY
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp"
cp "$(command -v busybox)" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
ln -s busybox "$tree/bin/cat"
ln -s busybox "$tree/bin/true"

# make NAME OPTION...: a SquashFS image of the tree
make() {
	local name=$1
	shift
	mksquashfs "$tree" "$WORK/$name" -noappend -quiet -no-progress \
		-processors 2 "$@" >"$WORK/mksquashfs.log" 2>&1 ||
		fault "mksquashfs $name: $(cat "$WORK/mksquashfs.log")"
	chmod 644 "$WORK/$name"
}

# same NAME: what lazyrun shows of it is what unsquashfs unpacks
same() {
	local name=$1 m=$WORK/m u=$WORK/u
	mkdir -p "$m"
	rm -rf "$u"
	unsquashfs -quiet -no-progress -dest "$u" "${2:-$WORK/$name}" >"$WORK/unsquashfs.log" 2>&1
	# a cache for each: nothing may come from the one before
	check "mount $name" "$LAZYRUN" -q mount --cache-dir "$WORK/mc-$name" "$WORK/$name" "$m" || return
	python3 "$HERE/compare_trees.py" "$u" "$m" >"$WORK/compare.log" ||
		fault "$name differs from unsquashfs: $(tail -n 5 "$WORK/compare.log")"
	"$LAZYRUN" -q umount "$m" || umount "$m"
}

# every compressor, block size, and way to lay things out
make gzip.sqfs -comp gzip
make zstd.sqfs -comp zstd -b 4K
make xz.sqfs -comp xz -b 1M -no-fragments
make xz-x86.sqfs -comp xz -Xbcj x86 -always-use-fragments
make lz4.sqfs -comp lz4 -Xhc -no-exports -b 64K
make plain.sqfs -noI -noD -noF -noX -noId
make bare.sqfs -comp gzip -no-xattrs -no-duplicates -all-root
if [ "$(id -u)" = 0 ]; then
	for name in gzip zstd xz xz-x86 lz4 plain bare; do
		same "$name.sqfs"
	done
	if command -v gensquashfs >/dev/null; then
		gensquashfs -q -D "$tree" -c zstd -x "$WORK/ng.sqfs" >/dev/null 2>&1
		same ng.sqfs
	fi
fi

# a fragment whose last bytes are no file's: the file in it was cut afterwards
mkdir -p "$WORK/short/bin"
seq 400 >"$WORK/short/file"
for compressor in gzip zstd xz lz4; do
	rm -f "$WORK/short-$compressor.sqfs"
	mksquashfs "$WORK/short" "$WORK/short-$compressor.sqfs" -comp "$compressor" -noI -quiet -no-progress >/dev/null
	python3 - "$WORK/short-$compressor.sqfs" <<'P'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
whole = struct.pack("<III", 0, 0, 1492)  # fragment, offset in it, size
assert data.count(whole) == 1
at = data.index(whole)
data[at:at + 12] = struct.pack("<III", 0, 0, 1000)
open(sys.argv[1], "wb").write(data)
P
	chmod 644 "$WORK/short-$compressor.sqfs"
	equal "a file of a longer fragment, $compressor" "$(head -c 1000 "$WORK/short/file" | sha256sum)" \
		"$(lr cat "$WORK/short-$compressor.sqfs:/file" | sha256sum)"
	contains "verify of a longer fragment, $compressor" "none has a digest" \
		"$(as_user "$LAZYRUN" verify "$WORK/short-$compressor.sqfs" 2>/dev/null)"
done
lr index "$WORK/short-zstd.sqfs" -o "$WORK/home/short.lzi" || fault "index of a longer fragment"
equal "a longer fragment with a digest" "$(head -c 1000 "$WORK/short/file" | sha256sum)" \
	"$(lr cat --index "$WORK/home/short.lzi" --cache-dir "$WORK/home/short" "$WORK/short-zstd.sqfs:/file" | sha256sum)"

# a SIF of it: every command
printf 'Bootstrap: localimage\nFrom: nothing\n' >"$WORK/definition"
python3 "$SIF" --definition "$WORK/definition" --signature "$WORK/zstd.sqfs" "$WORK/x.sif"
if [ "$(id -u)" = 0 ]; then same x.sif "$WORK/zstd.sqfs"; fi
equal "exec" hello "$(lr exec "$WORK/x.sif" sh -c 'echo hello')"
equal "exec of a bare file" hello "$(cd "$WORK" && lr exec plain.sqfs sh -c 'echo hello')"
equal "cat" "$(sha256sum <"$tree/sizes/300000")" "$(lr cat "$WORK/x.sif:/sizes/300000" | sha256sum)"
equal "ls -R" "$(find "$tree" | tr -dc '\n' | wc -c)" "$(lr ls -R "$WORK/x.sif" | wc -l)"
inspected=$(lr inspect "$WORK/x.sif")
contains "inspect says what is believed" "without digests" "$inspected"
contains "inspect lists the signature" "signature" "$inspected"
contains "inspect lists the root" "squashfs-1.img" "$inspected"
contains "verify without an index" "none has a digest" "$(as_user "$LAZYRUN" verify "$WORK/x.sif" 2>/dev/null)"
lr pull "$WORK/x.sif" || fault "pull"

# an index with digests, found beside the file, and enforced
user_folder "$WORK/d"
cp "$WORK/x.sif" "$WORK/d/y.sif"
lr index "$WORK/d/y.sif" -o "$WORK/d/y.sif.lzi" || fault "index"
lr index "$WORK/d/y.sif" -o "$WORK/d/again.lzi" || fault "index again"
check "an index is the same to the byte" cmp "$WORK/d/y.sif.lzi" "$WORK/d/again.lzi"
contains "inspect finds it" "every one with a SHA-256" "$(lr inspect "$WORK/d/y.sif")"
contains "verify with it" "matches its digest" "$(as_user "$LAZYRUN" verify "$WORK/d/y.sif" 2>/dev/null)"
user_folder "$WORK/other/$WORK/e"
cp -p "$WORK/d/y.sif" "$WORK/e.sif"
mkdir -p "$WORK/dir"
cp "$WORK/d/y.sif.lzi" "$WORK/dir/e.sif.lzi"
contains "--index-dir finds one" "every one with a SHA-256" \
	"$(lr inspect --index-dir "$WORK/dir" "$WORK/e.sif")"

# one wrong bit in file data: caught by digests; else by the decoder or never
python3 - "$WORK/e.sif" "$WORK/bad.sif" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = data.index(b"hsqs") + 96 + 200
data[at] ^= 4
open(sys.argv[2], "wb").write(data)
PY
cp "$WORK/d/y.sif.lzi" "$WORK/bad.sif.lzi"
as_user "$LAZYRUN" -q verify "$WORK/bad.sif" >/dev/null 2>"$WORK/err" &&
	fault "verify of a file with a wrong bit"
lr --cache-dir "$WORK/home/c9" pull "$WORK/bad.sif" 2>"$WORK/err" &&
	fault "pull of a file with a wrong bit"
contains "a wrong bit" "SHA-256" "$(cat "$WORK/err")"

# refused CAUSE FILE [WHAT TO DO]: with one line that says both
refused() {
	local out
	out=$(lr ls "$2" 2>&1) && fault "$2 was not refused"
	contains "$2" "$1" "$out"
	contains "$2: what to do" "${3:-}" "$out"
	equal "$2: lines" 1 "$(printf '%s\n' "$out" | wc -l)"
}

# changed after it was indexed
cp "$WORK/d/y.sif" "$WORK/d/z.sif"
lr index "$WORK/d/z.sif" -o "$WORK/d/z.sif.lzi"
touch -d '2001-01-01' "$WORK/d/z.sif"
refused "changed since it was indexed" "$WORK/d/z.sif" "make the index anew"
truncate -s +1 "$WORK/d/z.sif"
refused "changed since" "$WORK/d/z.sif" "make the index anew"
lr index "$WORK/d/z.sif" -o "$WORK/d/z.sif.lzi" || fault "index of a changed file"
lr ls "$WORK/d/z.sif" >/dev/null || fault "ls with the new index"

# what cannot be read, each with its own sentence
sif() { local name=$1; shift; python3 "$SIF" "$@" "$WORK/zstd.sqfs" "$WORK/$name"; }
sif encrypted.sif --fs 5; refused "encrypted" "$WORK/encrypted.sif" "run it with apptainer, or build it without --encrypt"
sif ext3.sif --fs 2; refused "ext3" "$WORK/ext3.sif" "build it anew with"
sif overlay.sif --overlay; refused "overlay" "$WORK/overlay.sif" "take it out with"
sif arm.sif --arch 04; refused "this SIF is for arm64" "$WORK/arm.sif" "use an image for amd64, or say --platform"
sif oci.sif --oci --no-partition; refused "OCI-SIF" "$WORK/oci.sif" "build it as a plain SIF"
sif none.sif --no-partition; refused "no system partition" "$WORK/none.sif" "check that it is the right file"
sif version.sif --version 02; refused "SIF version" "$WORK/version.sif" "build it anew"
sif many.sif --descriptors 5000; refused "at most 4096" "$WORK/many.sif" "build it anew"
sif cut.sif --cut 600000; refused "truncated" "$WORK/cut.sif" "copy it anew"
sif cut2.sif --cut 100; refused "truncated" "$WORK/cut2.sif" "copy it anew"
sif cut3.sif --cut 20000; refused "truncated" "$WORK/cut3.sif" "copy it anew"
sif far.sif --descriptors-off 400000 --descriptors 4000
equal "descriptors far from the start" hello "$(lr exec "$WORK/far.sif" sh -c 'echo hello')"
head -c 200000 "$WORK/gzip.sqfs" >"$WORK/cut.sqfs"; refused "truncated" "$WORK/cut.sqfs" "copy the file anew"
# patch FILE OFF HEX: from gzip.sqfs
patch() { python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); v = bytes.fromhex(sys.argv[4]); o = int(sys.argv[3]); d[o:o+len(v)] = v; open(sys.argv[2], "wb").write(d)' "$WORK/gzip.sqfs" "$@"; }
patch "$WORK/v3.sqfs" 28 0300; refused "SquashFS version 3.0" "$WORK/v3.sqfs" "make it anew with mksquashfs 4"
patch "$WORK/big.sqfs" 0 73717368; refused "big-endian" "$WORK/big.sqfs" "make it anew with mksquashfs 4"
patch "$WORK/lzo.sqfs" 20 0300; refused "compressed by lzo" "$WORK/lzo.sqfs" "make it anew with gzip, zstd, xz or lz4"
patch "$WORK/lzma.sqfs" 20 0200; refused "compressed by lzma" "$WORK/lzma.sqfs" "make it anew with gzip, zstd, xz or lz4"
patch "$WORK/block.sqfs" 12 00300000; refused "contradict" "$WORK/block.sqfs" "copy the file anew"
patch "$WORK/tables.sqfs" 64 ffffffffffffff00; refused "not where they can be" "$WORK/tables.sqfs" "copy the file anew"
echo "not an image" >"$WORK/text.sif"; refused "neither a SIF nor a SquashFS" "$WORK/text.sif" "lazyrun runs those"
: >"$WORK/empty.sif"; refused "is empty" "$WORK/empty.sif" "copy it anew"
refused "No such file" "$WORK/nothing.sif"
refused "is a directory" "$WORK/tree"
