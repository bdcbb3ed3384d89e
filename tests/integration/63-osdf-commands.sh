#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 90
# Every command on an object of a federation, every way to write one, and how it
# is asked for: closed ranges within its size, from 64 KiB up to 4 MiB where more
# is read, the director once for a namespace.
. "$(dirname "$0")/lib.sh"
need mksquashfs
unset CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE BEARER_TOKEN BEARER_TOKEN_FILE TOKEN _CONDOR_CREDS XDG_RUNTIME_DIR \
	PELICAN_CLIENT_PREFERREDCACHES PELICAN_NEAREST_CACHE NEAREST_CACHE OSG_NEAREST_CACHE LAZYRUN_FEDERATION
NS=$WORK/root/ns/deep
tree=$WORK/tree
mkdir -p "$NS" "$WORK/control" "$tree"/{bin,dev,proc,sys,tmp,etc,data,.singularity.d/env}
cp "$(command -v busybox)" "$tree/bin/busybox" || skip "busybox is not installed"
for i in sh cat echo true sha256sum; do ln -s busybox "$tree/bin/$i"; done
head -c 12000000 /dev/urandom >"$tree/data/random"
printf '#!/bin/sh\nexport FROM_IMAGE=yes\n' >"$tree/.singularity.d/env/90-environment.sh"
printf '#!/bin/sh\necho "runscript $FROM_IMAGE $*"\n' >"$tree/.singularity.d/runscript"
printf '#!/bin/sh\necho "test $FROM_IMAGE"\n' >"$tree/.singularity.d/test"
printf '{"org.label": "of the image"}\n' >"$tree/.singularity.d/labels.json"
chmod 755 "$tree"/.singularity.d/{runscript,test,env/90-environment.sh}
mksquashfs "$tree" "$WORK/x.sqfs" -comp zstd -all-root -quiet -no-progress >/dev/null || skip "mksquashfs"
python3 "$ROOT/tests/support/make_sif.py" --signature "$WORK/x.sqfs" "$NS/x.sif"
cp "$WORK/x.sqfs" "$NS/y.sqfs"
chmod -R a+rX "$WORK/root" "$WORK/x.sqfs"
SUM=$(sha256sum <"$tree/data/random")
federation() { # ARGUMENT...
	rm -f "$WORK/control/ports"
	python3 "$HERE/federation.py" "$WORK/root" "$WORK/control" "$@" >"$WORK/control/ports" &
	servers+=($!)
	wait_for "the federation" grep -q origin "$WORK/control/ports"
	export LAZYRUN_FEDERATION=127.0.0.1:$(awk '$1 == "host" {print $2}' "$WORK/control/ports")
}
lr() { as_user timeout 60 "$LAZYRUN" -q "$@"; }
fresh() { rm -rf "$WORK/home/cache"; export LAZYRUN_CACHEDIR=$WORK/home/cache; }
federation
IMAGE=osdf:///ns/deep/x.sif

# each command, with nothing at hand
fresh; equal "exec" "yes" "$(lr exec "$IMAGE" sh -c 'echo $FROM_IMAGE')"
fresh; equal "run" "runscript yes a b" "$(lr run "$IMAGE" a b)"
fresh; equal "test" "test yes" "$(lr test "$IMAGE")"
fresh; equal "shell" "yes" "$(echo 'echo $FROM_IMAGE' | lr shell "$IMAGE")"
fresh; equal "ls" "random" "$(lr ls "$IMAGE:/data")"
fresh; equal "cat" "$SUM" "$(lr cat "$IMAGE:/data/random" | sha256sum)"
fresh
inspected=$(lr inspect "$IMAGE")
contains "inspect: signature" "signature" "$inspected"
contains "inspect: labels" "of the image" "$(lr inspect --labels "$IMAGE")"
contains "verify" "the index is the one that the file's tables give" "$(as_user timeout 60 "$LAZYRUN" verify "$IMAGE" 2>"$WORK/err" || cat "$WORK/err")"
contains "inspect: digests" "without digests" "$(lr inspect "$IMAGE")"
fresh
user_folder "$WORK/home/m"
lr mount "$IMAGE" "$WORK/home/m" || fault "mount"
equal "mount" "$SUM" "$(as_user cat "$WORK/home/m/data/random" | sha256sum)"
lr umount "$WORK/home/m" || fault "umount"
fresh; lr index "$IMAGE" -o "$WORK/home/x.lzi" || fault "index"
contains "the index's digests" "every one with a SHA-256" "$(lr inspect --index "$WORK/home/x.lzi" "$IMAGE")"
fresh
lr pull "$IMAGE" || fault "pull"
: >"$WORK/control/log"
equal "after pull" "$SUM" "$(lr cat "$IMAGE:/data/random" | sha256sum)"
equal "after pull: requests" "" "$(cat "$WORK/control/log")"

# each way to write it is the same object: nothing is fetched anew of what has been read, but for who it is
: >"$WORK/control/log"
for form in osdf://ns/deep/x.sif stash:///ns/deep/x.sif "some_token+osdf:///ns/deep/x.sif" osdf:///ns/deep/x.sif?prefercached \
	osdf:///ns//deep/./x.sif; do
	equal "$form" "$SUM" "$(lr cat "$form:/data/random" | sha256sum)"
done
equal "each way to write it: ranges" "" "$(grep -E 'x\.sif .*bytes=' "$WORK/control/log" | grep -v 'bytes=0-0 ')"
equal "pelican://" "$SUM" "$(lr cat "pelican://$LAZYRUN_FEDERATION/ns/deep/x.sif:/data/random" | sha256sum)"
for form in "$WORK/x.sqfs" "file:$WORK/x.sqfs" "file://$WORK/x.sqfs" "$NS/x.sif" \
	"http://127.0.0.1:$(awk '$1 == "origin" {print $2}' "$WORK/control/ports")/ns/deep/x.sif"; do
	equal "$form" "yes" "$(lr exec "$form" sh -c 'echo $FROM_IMAGE')"
done
equal "a path without folders" "yes" "$(cd "$NS" && lr exec x.sif sh -c 'echo $FROM_IMAGE')"

# what is asked for: closed ranges within the object, as large as they may be when it is read through
fresh
: >"$WORK/control/log"
equal "read through" "$SUM" "$(lr cat "$IMAGE:/data/random" | sha256sum)"
python3 - "$WORK/control/log" "$(stat -c %s "$NS/x.sif")" <<'P' || fault "ranges: see above"
import re, sys
size, sizes = int(sys.argv[2]), []
for line in open(sys.argv[1]):
    name, method, path, asked = line.split()[:4]
    if name == "host" or not path.endswith("x.sif"):
        continue
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
    if method != "GET" or not match or not int(match[1]) <= int(match[2]) < size:
        sys.exit("not a closed range within %d bytes: %s" % (size, line))
    sizes.append(int(match[2]) - int(match[1]) + 1)
print("%d ranges, %d bytes, the largest of %d" % (len(sizes), sum(sizes), max(sizes)))
if max(sizes) > 4 << 20 or max(sizes) < 1 << 20 or sum(sizes) > 1.2 * size:
    sys.exit("of sizes: %s" % sorted(sizes))
P

# another process, another object of the namespace: the director is not asked again
: >"$WORK/control/log"
equal "another object" "yes" "$(lr exec osdf:///ns/deep/y.sqfs sh -c 'echo $FROM_IMAGE')"
equal "another object: the host was asked" 0 "$(grep -c '^host ' "$WORK/control/log")"

# the token that the URL names is the one that is sent
claims() { printf 'e30.%s.c2ln' "$(printf '{"wlcg.ver":"1.0","iss":"https://i","sub":"%s","scope":"storage.read:/"}' "$1" | base64 -w0 | tr '+/' '-_' | tr -d =)"; }
federation --token "$(claims named)"
user_folder "$WORK/home/creds"
export _CONDOR_CREDS=$WORK/home/creds
claims other >"$_CONDOR_CREDS/scitokens.use"
claims named >"$_CONDOR_CREDS/igwn_one.use"
chmod 644 "$_CONDOR_CREDS"/*
fresh; equal "a named token" "yes" "$(lr exec igwn.one+osdf:///ns/deep/x.sif sh -c 'echo $FROM_IMAGE')"
fresh; lr exec osdf:///ns/deep/x.sif true 2>/dev/null && fault "the other token was taken"
true
