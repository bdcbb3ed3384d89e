#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
# An image in a federation whose caches and origin lie, hang and break: with an
# index no wrong byte reaches the job; without one what can be found out is.
# Tokens; objects that are replaced; names that are wrong.
. "$(dirname "$0")/lib.sh"
need mksquashfs
need openssl
ROOT_DIR=$WORK/root
CONTROL=$WORK/control
mkdir -p "$ROOT_DIR/ns" "$CONTROL" "$WORK/old/ns" "$WORK/tree"/{bin,data,tmp,proc,sys,dev,etc}
chmod 777 "$CONTROL"
busybox=$(command -v busybox) || skip "busybox is not installed"
cp "$busybox" "$WORK/tree/bin/busybox"
for i in sh sha256sum true sleep; do ln -s busybox "$WORK/tree/bin/$i"; done

fill() { # SEED: sixteen files, half of them compressible
	local i
	for i in $(seq 16); do
		openssl enc -aes-128-ctr -pass "pass:$1$i" -nosalt -pbkdf2 </dev/zero 2>/dev/null |
			head -c 393216 >"$WORK/tree/data/$i"
		[ $((i % 2)) = 0 ] || { od -v -An -tx1 "$WORK/tree/data/$i" | head -c 393216 >"$WORK/hex"; mv "$WORK/hex" "$WORK/tree/data/$i"; }
	done
}
squash() { mksquashfs "$WORK/tree" "$1" -comp zstd -no-progress -quiet -all-time 0 -mkfs-time 0 -all-root >/dev/null; }

fill one
squash "$ROOT_DIR/ns/x.sqfs"
WANTED=$(cd "$WORK/tree" && sha256sum data/* | sed 's# data# /data#' | sort)
fill two
squash "$WORK/old/ns/x.sqfs"
chmod -R a+rX "$ROOT_DIR" "$WORK/old"
IMAGE=osdf:///ns/x.sqfs

federation() { # ARGUMENT...
	python3 "$HERE/federation.py" "$ROOT_DIR" "$CONTROL" --old "$WORK/old" "$@" >"$CONTROL/ports" &
	servers+=($!)
	wait_for "the federation" grep -q origin "$CONTROL/ports"
	export LAZYRUN_FEDERATION=127.0.0.1:$(awk '$1 == "host" {print $2}' "$CONTROL/ports")
}
say_fault() { # NAMES FAULT...: what these servers do from now on
	local name names=$1
	shift
	rm -f "$CONTROL"/{a,b,c,origin}
	for name in $names; do echo "$*" >"$CONTROL/$name"; done
}
fresh() { rm -rf "$WORK/home/cache"; export LAZYRUN_CACHEDIR=$WORK/home/cache; }
read_all() { # ARGUMENT...: every file's digest, by the job
	as_user timeout 100 "$LAZYRUN" -q exec "$@" "$IMAGE" sh -c 'sha256sum /data/*' 2>"$WORK/err" | sort
}
# digests that are none of the right ones
wrong_of() { comm -13 <(printf '%s\n' "$WANTED") <(printf '%s\n' "$1" | grep -E '^[0-9a-f]{64} ' | sort); }
unset CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE BEARER_TOKEN BEARER_TOKEN_FILE TOKEN _CONDOR_CREDS XDG_RUNTIME_DIR \
	PELICAN_CLIENT_PREFERREDCACHES PELICAN_NEAREST_CACHE NEAREST_CACHE OSG_NEAREST_CACHE
federation

fresh
say_fault ""
as_user "$LAZYRUN" -q index "$IMAGE" -o "$WORK/home/x.lzi" 2>"$WORK/err" || fault "index: $(cat "$WORK/err")"
equal "what index says when all went well" "" "$(cat "$WORK/err")"
fresh
equal "with an index" "$WANTED" "$(read_all --index "$WORK/home/x.lzi")"
fresh
equal "without an index" "$WANTED" "$(read_all)"

# a file of the federation above a directory, and above the federation's image
mkdir -p "$WORK/over/data"
echo over >"$WORK/over/data/1"
mksquashfs "$WORK/over" "$ROOT_DIR/ns/over.sqfs" -comp zstd -no-progress -quiet -all-root >/dev/null
chmod a+r "$ROOT_DIR/ns/over.sqfs"
for image in "$WORK/tree" "$IMAGE"; do
	fresh
	equal "an overlay of the federation" over \
		"$(as_user "$LAZYRUN" -q exec --overlay osdf:///ns/over.sqfs:ro "$image" sh -c 'exec </data/1; read x; echo $x')"
done
as_user "$LAZYRUN" -q exec --overlay osdf:///ns/none.sqfs:ro "$IMAGE" true 2>"$WORK/err" && fault "an overlay that is not there"
contains "an overlay that is not there" "osdf:///ns/none.sqfs" "$(cat "$WORK/err")"

# the federation and its caches from a file, from options
printf 'federation = %s\npreferred-caches = %s\n' "$LAZYRUN_FEDERATION" \
	"http://127.0.0.1:$(awk '$1 == "c" {print $2}' "$CONTROL/ports")" >"$WORK/lazyrun.conf"
chmod 644 "$WORK/lazyrun.conf"
fresh
: >"$CONTROL/log"
equal "federation and cache from a file" "$WANTED" \
	"$(unset LAZYRUN_FEDERATION; LAZYRUN_CONFIG=$WORK/lazyrun.conf read_all)"
equal "other caches asked for the image" 0 "$(grep -cE '^(a|b) .*x\.sqfs( |$)' "$CONTROL/log")"
fresh
equal "federation from an option" "$WANTED" \
	"$(federation=$LAZYRUN_FEDERATION; unset LAZYRUN_FEDERATION; read_all --federation "$federation")"
fresh
as_user "$LAZYRUN" -q exec --preferred-caches "+ x:1" "$IMAGE" true 2>"$WORK/err" && fault "a bad list was taken"
contains "a bad list" "must be the last" "$(cat "$WORK/err")"

# the same by the environment's older name; past the caches
fresh
: >"$CONTROL/log"
equal "NEAREST_CACHE" "$WANTED" "$(NEAREST_CACHE=http://127.0.0.1:$(awk '$1 == "b" {print $2}' "$CONTROL/ports") read_all)"
equal "NEAREST_CACHE: others asked" 0 "$(grep -cE '^(a|c|origin) .*x\.sqfs( |$)' "$CONTROL/log")"
fresh
: >"$CONTROL/log"
equal "PELICAN_CLIENT_PREFERREDCACHES with a +" "$WANTED" \
	"$(PELICAN_CLIENT_PREFERREDCACHES="http://127.0.0.1:1, http://127.0.0.1:$(awk '$1 == "c" {print $2}' "$CONTROL/ports") +" read_all)"
equal "what was asked after a dead cache" "c" "$(grep -E '^[a-z]+ .*x\.sqfs ' "$CONTROL/log" | grep -v '^host' | cut -d' ' -f1 | sort -u | paste -sd' ')"
fresh
: >"$CONTROL/log"
equal "directread" "$WANTED" "$(IMAGE=$IMAGE?directread read_all)"
equal "directread: who was asked" "origin" "$(grep -E '^[a-z]+ .*x\.sqfs[? ]' "$CONTROL/log" | grep -v '^host' | cut -d' ' -f1 | sort -u | paste -sd' ')"

# two caches lie in a way that only digests show; the third, or the origin, helps
for kind in "flip" "zeros" "error-text" "in-band 1000" "old-blocks" "old" "lying-range" "short" "long" "reset 3000"; do
	fresh
	say_fault "a b c" $kind
	equal "all caches: $kind" "$WANTED" "$(read_all --index "$WORK/home/x.lzi")"
done
# everybody lies: errors, and no wrong byte
for kind in "flip" "old-blocks" "error-text"; do
	fresh
	say_fault "a b c origin" $kind
	out=$(read_all --index "$WORK/home/x.lzi")
	equal "wrong digests from $kind everywhere" "" "$(wrong_of "$out")"
done
contains "the log names the server" "http://127.0.0.1:" "$(cat "$WORK/err")"
contains "and the reason" "wrong bytes" "$(cat "$WORK/err")"

# 206 and no body, from all: what --read-timeout says, and not a byte that is wrong; then it is well.
# The job reads, says so, waits, reads what never comes, then what does.
stalled() { # ARGUMENT...
	local what="206 without a body everywhere, ${*:-without an index}" begun
	fresh
	say_fault ""
	user_folder "$WORK/home/sync"
	rm -f "$WORK/home/sync"/*
	as_user timeout 100 "$LAZYRUN" -q exec --read-timeout 3s --bind "$WORK/home/sync:/sync" "$@" "$IMAGE" sh -c '
		sha256sum /data/1; echo >/sync/read; until [ -e /sync/go ]; do sleep 0.1; done
		sha256sum /data/8; echo >/sync/failed; until [ -e /sync/well ]; do sleep 0.1; done; sha256sum /data/16' \
		>"$WORK/out" 2>"$WORK/err" &
	job=$!
	wait_for "$what: the first read" test -e "$WORK/home/sync/read"
	say_fault "a b c origin" stall 1000
	begun=$SECONDS
	touch "$WORK/home/sync/go"
	wait_for "$what: the end of the second" test -e "$WORK/home/sync/failed"
	at_most "$what: seconds" 6 $((SECONDS - begun))
	say_fault ""
	touch "$WORK/home/sync/well"
	wait "$job" || fault "$what: afterwards: $(cat "$WORK/err")"
	contains "$what" 'path="/data/8"' "$(cat "$WORK/err")"
	equal "$what: lines of the log" 1 "$(grep -c '^level=error' "$WORK/err")"
	contains "$what: the reader" "Input/output error" "$(cat "$WORK/err")"
	equal "$what: what was read" "$(printf '%s\n' "$WANTED" | grep -E '/data/(1|16)$')" "$(sort "$WORK/out")"
}
stalled --index "$WORK/home/x.lzi"
stalled

# without an index, caches that begin to lie once the tables are there: compressed blocks do not decode to what
# they should, and come from elsewhere (the files with odd numbers); of stored blocks any bytes are believed
later() { # KIND
	fresh
	say_fault ""
	rm -f "$WORK/home/sync"/*
	as_user timeout 100 "$LAZYRUN" -q exec --bind "$WORK/home/sync:/sync" "$IMAGE" sh -c '
		sha256sum /data/1; echo >/sync/read; until [ -e /sync/go ]; do sleep 0.1; done
		sha256sum /data/[3579] /data/1[135]' >"$WORK/out" 2>"$WORK/err" &
	job=$!
	wait_for "later $*: the first read" test -e "$WORK/home/sync/read"
	say_fault "a b c" "$@"
	touch "$WORK/home/sync/go"
	wait "$job" || fault "later $*: $(cat "$WORK/err")"
	equal "without an index, all caches later: $*" "$(printf '%s\n' "$WANTED" | grep -E '[13579]$')" "$(sort "$WORK/out")"
}
later error-text
later in-band 1000
# one wrong bit: found in a block by gzip, which ends with a checksum (zstd's has none as mksquashfs writes it)
mksquashfs "$WORK/tree" "$ROOT_DIR/ns/gzip.sqfs" -comp gzip -no-progress -quiet -all-root >/dev/null
chmod a+r "$ROOT_DIR/ns/gzip.sqfs"
WANTED_ONE=$WANTED
WANTED=$(cd "$WORK/tree" && sha256sum data/* | sed 's# data# /data#' | sort)
IMAGE=osdf:///ns/gzip.sqfs later flip
WANTED=$WANTED_ONE

# without an index: what shows itself is survived
for kind in "short" "long" "reset 3000" "whole" "off-by-one" "status 404" "status 503"; do
	fresh
	say_fault "a b" $kind
	equal "without an index, two caches: $kind" "$WANTED" "$(read_all)"
done
# a cache that has never sent a right byte: its tables make no sense, so others are asked
for kind in "zeros" "error-text" "in-band 1000" "lying-range"; do
	fresh
	say_fault "a" $kind
	equal "without an index, a cache: $kind" "$WANTED" "$(read_all)"
done
# two of them: past the third, to the origin
fresh
say_fault "a b" error-text
: >"$CONTROL/log"
equal "without an index, two caches: error-text" "$WANTED" "$(read_all)"
equal "without an index, two caches: error-text: who else was asked" "origin" \
	"$(grep -E '^(c|origin) .*x\.sqfs[? ]' "$CONTROL/log" | cut -d' ' -f1 | sort -u | paste -sd' ')"
# everybody: the sentence is about what is there
fresh
say_fault "a b c origin" error-text
read_all >/dev/null
contains "error texts everywhere" "neither a SIF nor a SquashFS" "$(cat "$WORK/err")"
# an index beside the object, in whose place caches send anything: the origin's is taken, and believed
cp "$WORK/home/x.lzi" "$ROOT_DIR/ns/x.sqfs.lzi"
chmod a+r "$ROOT_DIR/ns/x.sqfs.lzi"
for kind in "error-text" "flip"; do
	fresh
	say_fault "a b c" $kind
	equal "an index beside the object, all caches: $kind" "$WANTED" "$(read_all)"
	contains "an index beside the object, all caches: $kind" "every one with a SHA-256 digest" \
		"$(as_user "$LAZYRUN" -q inspect "$IMAGE")"
done
fresh
say_fault "a b c origin" error-text
read_all >/dev/null
contains "no index in the place of one" "x.sqfs.lzi: the file is not a lazyrun index" "$(cat "$WORK/err")"
# nobody can say whether there is one: the image is read without, and that is said, and why
for quiet in "" -q; do
	fresh
	say_fault "a b c origin" index-status 500
	equal "unknown index $quiet" "" "$(as_user timeout 100 "$LAZYRUN" $quiet exec --statistics "$WORK/home/doubt" \
		"$IMAGE" true 2>"$WORK/err")"
	equal "unknown index $quiet: lines" "${quiet:-1}" "${quiet:-$(grep -c "warning: nobody could say whether an index" "$WORK/err")}"
	contains "unknown index $quiet: statistics" '"index_doubt":"' "$(tail -n 1 "$WORK/home/doubt")"
done
equal "unknown index, quiet" "" "$(cat "$WORK/err")"
fresh
say_fault ""
as_user timeout 100 "$LAZYRUN" exec --statistics "$WORK/home/doubt" "$IMAGE" true 2>"$WORK/err"
contains "known index" '"index_doubt":null' "$(tail -n 1 "$WORK/home/doubt")"
equal "known index: warnings" 0 "$(grep -c warning "$WORK/err")"
rm "$ROOT_DIR/ns/x.sqfs.lzi"
fresh
say_fault "a" stall 1000
equal "without an index, a cache that stalls" "$WANTED" "$(read_all)"
fresh
say_fault "a" silent
user_folder "$WORK/home/other"
LAZYRUN_CACHEDIR=$WORK/home/other "${AS_USER[@]}" timeout 100 "$LAZYRUN" -q exec --index "$WORK/home/x.lzi" "$IMAGE" \
	sh -c 'sha256sum /data/*' >"$WORK/indexed" 2>&1 &
job=$!
equal "without an index, a cache that never answers" "$WANTED" "$(read_all)"
wait "$job"
equal "with an index, a cache that never answers" "$WANTED" "$(sort "$WORK/indexed")"

# another version of the same size, under an index
say_fault ""
cp "$ROOT_DIR/ns/x.sqfs" "$WORK/x.sqfs"
size=$(stat -c %s "$WORK/x.sqfs")
cat "$WORK/old/ns/x.sqfs" /dev/zero | head -c "$size" >"$ROOT_DIR/ns/x.sqfs"
fresh
equal "wrong digests of a replaced object" "" "$(wrong_of "$(read_all --index "$WORK/home/x.lzi")")"
# and of another size
head -c $((size - 4096)) "$WORK/x.sqfs" >"$ROOT_DIR/ns/x.sqfs"
fresh
read_all --index "$WORK/home/x.lzi" >/dev/null
contains "an object that shrank since it was indexed" "when it was indexed: it changed since" "$(cat "$WORK/err")"
contains "what to do about it" "make the index anew with" "$(cat "$WORK/err")"
cp "$WORK/x.sqfs" "$ROOT_DIR/ns/x.sqfs"

refused() { # WHAT CAUSE IMAGE WHAT-TO-DO
	fresh
	as_user timeout 60 "$LAZYRUN" -q exec "$3" true >/dev/null 2>"$WORK/err" &&
		fault "$1: succeeded"
	contains "$1" "$2" "$(cat "$WORK/err")"
	contains "$1: what to do" "$4" "$(cat "$WORK/err")"
	equal "$1: how often that is said" 1 "$(grep -oF "$4" "$WORK/err" | wc -l)"
}
refused "no such object" "no such object" osdf:///ns/none.sqfs "check the name"
refused "another namespace" "no such object in this federation" osdf:///other/x.sqfs "check the path"
refused "a host that is no federation" "not the host of a federation" \
	"pelican://127.0.0.1:$(awk '$1 == "a" {print $2}' "$CONTROL/ports")/ns/x.sqfs" "check its name"
refused "a host that is not there" "does not resolve" pelican://no-such-host.invalid/ns/x.sqfs "check the spelling"

# an origin of its own, without a director
rm -f "$CONTROL/ports"
python3 "$HERE/federation.py" "$ROOT_DIR" "$CONTROL" --lone >"$CONTROL/ports" &
servers+=($!)
wait_for "the lone origin" grep -q host "$CONTROL/ports"
fresh
equal "a lone origin" "$WANTED" "$(IMAGE=pelican://127.0.0.1:$(awk '$1 == "host" {print $2}' "$CONTROL/ports")/ns/x.sqfs read_all)"

# tokens
claims() { printf 'e30.%s.c2ln' "$(printf '{"wlcg.ver":"1.0","iss":"https://i","scope":"%s"%s}' "$1" "$2" | base64 -w0 | tr '+/' '-_' | tr -d =)"; }
token=$(claims storage.read:/ "")
rm -f "$CONTROL/ports"
federation --token "$token"
refused "no token" "a token is needed" "$IMAGE" "get one"
export BEARER_TOKEN_FILE=$WORK/token
claims storage.read:/ ',"exp":1000' >"$BEARER_TOKEN_FILE"; chmod 644 "$BEARER_TOKEN_FILE"
refused "an expired token" "expired at 1970-01-01" "$IMAGE" "get a new one"
claims storage.read:/elsewhere "" >"$BEARER_TOKEN_FILE"
refused "a token for another path" "for another path" "$IMAGE" "get one that allows to read /ns/x.sqfs"
printf '%s' "$token" >"$BEARER_TOKEN_FILE"
fresh
equal "with a token" "$WANTED" "$(read_all)"
if grep -rq "$token" "$WORK/home/cache" "$WORK/err"; then fault "the token is in the cache or in the log"; fi
grep -q 'host .*authorized' "$CONTROL/log" && fault "the director was given a token it did not ask for"

# the same by https, of an authority of its own
(cd "$WORK" && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -days 2 \
	-keyout ca.key -out ca.pem &&
	openssl req -newkey rsa:2048 -nodes -subj /CN=caches -keyout tls.key -out tls.csr &&
	printf 'subjectAltName=IP:127.0.0.1\n' >tls.ext &&
	openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
		-extfile tls.ext -out tls.pem) >/dev/null 2>&1 || fault "no certificate"
chmod 644 "$WORK/ca.pem"
rm -f "$CONTROL/ports"
federation --token "$token" --tls "$WORK/tls.pem" "$WORK/tls.key"
export LAZYRUN_FEDERATION=https://$LAZYRUN_FEDERATION
fresh
equal "by https" "$WANTED" "$(SSL_CERT_FILE=$WORK/ca.pem read_all)"
fresh
: >"$CONTROL/log"
read_all >/dev/null
contains "an authority that nobody trusts" "certificate" "$(cat "$WORK/err")"
grep -q authorized "$CONTROL/log" && fault "a token went to a server that nobody trusts"
true
