#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# What cannot be run from a federation: each cause has a sentence of its own that
# says what to do, status 125, one line, and nothing is left behind.  The
# table in docs/osdf.md has a row for each with the words that are looked for here.
. "$(dirname "$0")/lib.sh"
need mksquashfs
unset CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE BEARER_TOKEN BEARER_TOKEN_FILE TOKEN _CONDOR_CREDS XDG_RUNTIME_DIR \
	PELICAN_CLIENT_PREFERREDCACHES PELICAN_NEAREST_CACHE NEAREST_CACHE OSG_NEAREST_CACHE LAZYRUN_FEDERATION
NS=$WORK/root/ns
tree=$WORK/tree
mkdir -p "$NS" "$tree"/{bin,dev,proc,sys,tmp,etc}
cp "$(command -v busybox)" "$tree/bin/busybox" || skip "busybox is not installed"
ln -s busybox "$tree/bin/true"
head -c 1000000 /dev/urandom >"$tree/data"
mksquashfs "$tree" "$WORK/x.sqfs" -comp zstd -all-root -quiet -no-progress >/dev/null || skip "mksquashfs"

# federation CONTROL ARGUMENT...: one more; sets $federation
federation() {
	local control=$WORK/$1
	shift
	mkdir -p "$control"
	python3 "$HERE/federation.py" "$WORK/root" "$control" "$@" >"$control/ports" &
	servers+=($!)
	wait_for "the federation" grep -q origin "$control/ports"
	federation=127.0.0.1:$(awk '$1 == "host" {print $2}' "$control/ports")
	cache=127.0.0.1:$(awk '$1 == "a" {print $2}' "$control/ports")
}
sif() { # NAME ARGUMENT...: a SIF of the image
	local name=$1
	shift
	python3 "$ROOT/tests/support/make_sif.py" "$@" "$WORK/x.sqfs" "$NS/$name"
	chmod -R a+rX "$WORK/root"
}
patched() { # NAME OFF HEX: the image with other bytes in its superblock
	python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); v = bytes.fromhex(sys.argv[4]); o = int(sys.argv[3]); d[o:o+len(v)] = v; open(sys.argv[2], "wb").write(d)' \
		"$WORK/x.sqfs" "$NS/$1" "$2" "$3"
}
claims() { printf 'e30.%s.c2ln' "$(printf '{"wlcg.ver":"1.0","iss":"%s","scope":"%s"%s}' "$@" | base64 -w0 | tr '+/' '-_' | tr -d =)"; }
left_over() { grep -lsz "^HOME=$WORK/home\$" /proc/[0-9]*/environ; }
ended() { [ -z "$(left_over)" ]; }

: >"$WORK/sentences"
refused() { # WHAT CAUSE WHAT-TO-DO ARGUMENT...: of exec
	local what=$1 cause=$2 todo=$3 status
	shift 3
	rm -rf "$WORK/home/cache"
	LAZYRUN_CACHEDIR=$WORK/home/cache as_user timeout 60 "$LAZYRUN" -q exec "$@" true >"$WORK/out" 2>"$WORK/err"
	status=$?
	equal "$what: status" 125 "$status"
	equal "$what: lines" 1 "$(wc -l <"$WORK/err")"
	equal "$what: output" "" "$(cat "$WORK/out")"
	contains "$what" "$cause" "$(cat "$WORK/err")"
	contains "$what: what to do" "$todo" "$(cat "$WORK/err")"
	equal "$what: how often that is said" 1 "$(grep -oF "$todo" "$WORK/err" | wc -l)"
	equal "$what: mounts left" "" "$(grep -F -e "$WORK" -e fuse.lazyrun /proc/self/mounts)"
	wait_for "$what: the end of every process" ended
	# without what differs from run to run
	sed -e "s#$WORK/root#ROOT#g; s#$WORK#DIR#g; s#127\.0\.0\.1:[0-9]*#HOST:PORT#g" "$WORK/err" >"$WORK/said"
	printf '%-32s | %s\n' "$what" "$(cat "$WORK/said")"
	grep -qF "| $what | $cause | $todo |" "$ROOT/docs/osdf.md" || fault "$what is not in docs/osdf.md"
	cat "$WORK/said" >>"$WORK/sentences"
}

sif x.sif
sif other.sif
federation open
export LAZYRUN_FEDERATION=$federation
start=$SECONDS
as_user "$LAZYRUN" -q exec osdf:///ns/x.sif true || fault "what is well was refused"
refused "no such object" "no such object" "check the name" osdf:///ns/none.sif
refused "no such namespace" "no such object in this federation" "check the path" osdf:///elsewhere/x.sif
refused "a host that is no federation" "not the host of a federation" "check its name" "pelican://$cache/ns/x.sif"
refused "a federation that is not there" "does not resolve" "check the spelling" pelican://no-such-host.invalid/ns/x.sif

# changed since it was indexed
as_user "$LAZYRUN" -q index osdf:///ns/x.sif -o "$WORK/home/x.lzi" || fault "index"
truncate -s +4096 "$NS/x.sif"
refused "another size than indexed" "it changed since" "make the index anew with" --index "$WORK/home/x.lzi" osdf:///ns/x.sif
# of the same size the digests find it: the job cannot be started, or reads EIO
as_user "$LAZYRUN" -q index osdf:///ns/other.sif -o "$WORK/home/other.lzi" || fault "index"
cp "$NS/other.sif" "$WORK/other.sif"
python3 - "$NS/other.sif" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    size = f.seek(0, 2)
    f.seek(40000)
    f.write(bytes(size - 100000))
P
rm -rf "$WORK/home/cache"
LAZYRUN_CACHEDIR=$WORK/home/cache as_user timeout 60 "$LAZYRUN" -q exec --index "$WORK/home/other.lzi" osdf:///ns/other.sif true 2>"$WORK/err"
equal "other bytes than indexed: status" 126 $?
contains "other bytes than indexed" "wrong bytes" "$(cat "$WORK/err")"
contains "other bytes than indexed: what to do" "if it was replaced, index it anew" "$(cat "$WORK/err")"
equal "other bytes than indexed: lines of the log" 1 "$(grep -c '^level=error' "$WORK/err")"
contains "other bytes than indexed: the server" "http://127.0.0.1:" "$(cat "$WORK/err")"
contains "other bytes than indexed: the job" "/bin/true cannot be executed: Input/output error" "$(cat "$WORK/err")"
cp "$WORK/other.sif" "$NS/other.sif"

# what is not an image that can be run
sif cut.sif --cut 600000
refused "a truncated SIF" "truncated" "copy it anew" osdf:///ns/cut.sif
sif header.sif --cut 100
refused "a SIF cut in its header" "truncated" "copy it anew" osdf:///ns/header.sif
head -c 500000 "$WORK/x.sqfs" >"$NS/cut.sqfs"
refused "a truncated SquashFS" "truncated" "copy the file anew" osdf:///ns/cut.sqfs
patched v3.sqfs 28 0300
refused "SquashFS 3" "SquashFS version 3.0" "make it anew with mksquashfs 4" osdf:///ns/v3.sqfs
patched lzo.sqfs 20 0300
refused "SquashFS by lzo" "compressed by lzo" "make it anew with gzip, zstd, xz or lz4" osdf:///ns/lzo.sqfs
sif encrypted.sif --fs 5
refused "an encrypted partition" "encrypted" "run it with apptainer, or build it without --encrypt" osdf:///ns/encrypted.sif
sif overlay.sif --overlay
refused "an overlay partition" "overlay" "take it out with" osdf:///ns/overlay.sif
sif ext3.sif --fs 2
refused "an ext3 partition" "ext3" "build it anew with" osdf:///ns/ext3.sif
sif arm.sif --arch 04
refused "another architecture" "this SIF is for arm64" "use an image for" osdf:///ns/arm.sif
echo "not an image" >"$NS/text.sif"
refused "a text" "neither a SIF nor a SquashFS" "lazyrun runs those" osdf:///ns/text.sif

# tokens
good=$(claims https://issuer storage.read:/ "")
federation closed --token "$good" --issuer https://issuer
export LAZYRUN_FEDERATION=$federation
refused "no token" "a token is needed" "get one from" osdf:///ns/x.sif
export BEARER_TOKEN_FILE=$WORK/token
bad_token() { # WHAT CAUSE WHAT-TO-DO CLAIM...
	claims "${@:4}" >"$BEARER_TOKEN_FILE"
	chmod 644 "$BEARER_TOKEN_FILE"
	refused "$1" "$2" "$3" osdf:///ns/other.sif
}
bad_token "an expired token" "expired at" "get a new one (a job's are renewed by HTCondor" https://issuer storage.read:/ ',"exp":1000'
bad_token "a token for another path" "for another path" "get one that allows to read" \
	https://issuer storage.read:/elsewhere ""
bad_token "a token of another issuer" "is of issuer" "get one from there" \
	https://stranger storage.read:/ ""
bad_token "a token that the caches refuse" "was refused" "get a new one that these servers take" https://issuer storage.read:/ ',"aud":"https://two"'
printf '%s' "$good" >"$BEARER_TOKEN_FILE"
LAZYRUN_CACHEDIR=$WORK/home/cache as_user "$LAZYRUN" -q exec osdf:///ns/other.sif true || fault "the right token was refused"

equal "sentences that two causes share" "" "$(sort "$WORK/sentences" | uniq -d)"
at_most "seconds" 30 $((SECONDS - start))
