#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 300
# Tokens at real servers: an issuer with its keys by https, tokens signed by
# ES256, an XRootD disk cache and an XRootD origin that check them with the
# SciTokens plugin, by https, found through discovery and a director.
#
# Which token was used is read from the cache's own log, where the plugin writes
# the subject of every new one.
#
# LAZYRUN=... bash tests/acceptance/osdf_tokens.sh    root; skips without XRootD
# and its plugin (package xrootd-scitokens-plugins)
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${OSDF_INSIDE:-}" != 1 ] && [ "$(id -u)" = 0 ]; then
	OSDF_INSIDE=1 exec unshare -n -m --propagation private bash "${BASH_SOURCE[0]}" "$@"
fi
# /tmp/bt_u<uid> is a place of tokens: one of our own
export TMPDIR=/var/tmp
. "$HERE/../integration/lib.sh"
. "$HERE/../acceptance/xrootd.sh"
[ -z "$(xrootd_missing)" ] || skip "$(xrootd_missing)"
[ -n "$(find /usr/lib /usr/lib64 -name 'libXrdAccSciTokens-*.so' 2>/dev/null)" ] ||
	skip "XRootD's SciTokens plugin is not installed (xrootd-scitokens-plugins)"
need mksquashfs
need busybox
need openssl
ip link set lo up
mount -t tmpfs none /tmp && chmod 1777 /tmp || skip "no /tmp of its own"
unset CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE BEARER_TOKEN BEARER_TOKEN_FILE TOKEN _CONDOR_CREDS XDG_RUNTIME_DIR \
	PELICAN_CLIENT_PREFERREDCACHES PELICAN_NEAREST_CACHE NEAREST_CACHE OSG_NEAREST_CACHE LAZYRUN_FEDERATION
XROOTD_WORK=$WORK/lab
CACHE=https://127.0.0.1:11101
ORIGIN=https://127.0.0.1:11094
mkdir -p "$XROOTD_WORK/data/ns" "$XROOTD_WORK/tls" "$XROOTD_WORK/keys" "$WORK/tree"/{bin,data,tmp,proc,sys,dev,etc,run} \
	"$WORK/control" "$WORK/other"
chmod 755 "$XROOTD_WORK"
user_folder "$WORK/home/creds" "$WORK/home/run" "$WORK/home/sync"

# ---- an image, an authority, an issuer ----

cp "$(command -v busybox)" "$WORK/tree/bin/busybox"
for i in sh sha256sum true sleep cat; do ln -s busybox "$WORK/tree/bin/$i"; done
for i in 1 2 3; do head -c 3000000 /dev/urandom >"$WORK/tree/data/$i"; done
mksquashfs "$WORK/tree" "$XROOTD_WORK/data/ns/image.sqfs" -comp zstd -no-progress -quiet -all-root >/dev/null || skip mksquashfs
IMAGE=osdf:///ns/image.sqfs
sum() { sha256sum <"$WORK/tree/data/$1" | cut -d' ' -f1; }

(cd "$XROOTD_WORK/tls" && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -days 2 -keyout ca.key -out ca.pem &&
	openssl req -newkey rsa:2048 -nodes -subj /CN=servers -keyout key.pem -out tls.csr &&
	printf 'subjectAltName=IP:127.0.0.1\n' >tls.ext &&
	openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile tls.ext -out cert.pem) \
	>/dev/null 2>&1 || fault "no certificate"
chmod 755 "$XROOTD_WORK/tls"
chmod 644 "$XROOTD_WORK"/tls/{ca,cert}.pem
cp "$XROOTD_WORK/tls/key.pem" "$WORK/own.key"
chown xrootd "$XROOTD_WORK/tls/key.pem"
chmod 400 "$XROOTD_WORK/tls/key.pem"
# the plugin asks the issuer with this machine's authorities, and keeps what it said
mount --bind "$XROOTD_WORK/tls/ca.pem" /etc/ssl/certs/ca-certificates.crt || skip "this machine has no list of authorities"
mkdir -p "$XROOTD_WORK/xdg"
chown xrootd "$XROOTD_WORK/xdg" "$XROOTD_WORK/keys"
export XDG_CACHE_HOME=$XROOTD_WORK/xdg

KEY=$WORK/issuer.pem
python3 "$HERE/../acceptance/token_issuer.py" key "$KEY"
python3 "$HERE/../acceptance/token_issuer.py" key "$WORK/forger.pem"
python3 "$HERE/../acceptance/token_issuer.py" serve "$KEY" "$XROOTD_WORK/tls/cert.pem" "$WORK/own.key" >"$WORK/issuer.port" &
servers+=($!)
wait_for "the issuer" test -s "$WORK/issuer.port"
ISSUER=https://127.0.0.1:$(cat "$WORK/issuer.port")

# sign NAME [CLAIM=VALUE...]: a token whose subject is NAME; all are kept in $WORK/tokens
sign_with() { # KEY NAME [CLAIM=VALUE...]
	local key=$1 name=$2
	shift 2
	python3 "$HERE/../acceptance/token_issuer.py" sign "$key" sub="$name" iss="$ISSUER" aud=https://one \
		ver=scitokens:2.0 scope=read:/ "$@" | tee -a "$WORK/tokens"
}
sign() { sign_with "$KEY" "$@"; }

# ---- servers ----

accept_audience() { # AUDIENCE: what the servers' tokens must be for
	printf '[Global]\naudience = %s\nonmissing = deny\n[Issuer one]\nissuer = %s\nbase_path = /ns\n' "$1" "$ISSUER" \
		>"$XROOTD_WORK/scitokens.cfg"
	chmod 644 "$XROOTD_WORK/scitokens.cfg"
}
accept_audience https://one
XROOTD_MORE="
ofs.authorize 1
ofs.authlib libXrdAccSciTokens.so config=$XROOTD_WORK/scitokens.cfg
scitokens.trace all
http.header2cgi Authorization authz
xrd.tls $XROOTD_WORK/tls/cert.pem $XROOTD_WORK/tls/key.pem
xrd.tlsca certfile $XROOTD_WORK/tls/ca.pem
http.tlsreuse off"
ready() { xrootd_ready "$1" /ns/image.sqfs -H "Authorization: Bearer $(sign probe aud="$2")" || exit 1; }
xrootd_origin 11094
servers+=("$(cat "$XROOTD_WORK/origin.pid")")
ready 11094 https://one
xrootd_cache cache 11101 127.0.0.1:11094
servers+=("$(cat "$XROOTD_WORK/cache.pid")")
ready 11101 https://one
xrootd_federation "$WORK/control" --cache $CACHE --origin $ORIGIN --issuer "$ISSUER" \
	--tls "$XROOTD_WORK/tls/cert.pem" "$WORK/own.key" || exit 1
servers+=("$FEDERATION_PID")
export LAZYRUN_FEDERATION=https://127.0.0.1:$FEDERATION_PORT

# ---- reading ----

cache_log() { cat "$XROOTD_WORK/log/cache/cache.log"; }
log_lines() { cache_log | wc -l; }
subjects_since() { # LINE: of the tokens that the cache was shown since, repeats left out
	cache_log | tail -n "+$(($1 + 1))" | sed -nE 's/.*(New valid|Cached) token.* subject=([^,]*),.*/\2/p' | uniq | tr '\n' ' '
}
refusals_since() { cache_log | tail -n "+$(($1 + 1))" | grep -c 'verification failed'; }
fresh() { rm -rf "$WORK/home/cache"; export LAZYRUN_CACHEDIR=$WORK/home/cache; }
# all that is ever said, with everything logged, is looked through at the end
lr() { as_user env SSL_CERT_FILE="$XROOTD_WORK/tls/ca.pem" timeout 100 "$LAZYRUN" -d --trace "$WORK/home/trace" "$@" 2>"$WORK/err"; }
note() { cat "$WORK/err" >>"$WORK/said"; }
first() { lr exec "$IMAGE" sha256sum /data/1 | cut -d' ' -f1; note; }

reads() { # WHAT SUBJECT: the object can be read, with the token of this subject
	local before
	fresh
	before=$(log_lines)
	equal "$1" "$(sum 1)" "$(first)"
	equal "$1: whose token" "$2 " "$(subjects_since "$before")"
}
refused() { # WHAT NEEDLE...: with these words in its sentence
	local what=$1 needle
	shift
	fresh
	lr exec "$IMAGE" true && fault "$what: succeeded"
	note
	echo "$what: $(grep -v '^level=' "$WORK/err" | tail -n 1)"
	for needle; do contains "$what" "$needle" "$(cat "$WORK/err")"; done
}
keep() { # FILE TOKEN: the user's own
	printf '%s\n' "$2" >"$1"
	chmod 600 "$1"
	chown "$TEST_UID:$TEST_GID" "$1"
}

echo "--- what is refused, and what is said"
before=$(log_lines)
refused "no token" "a token is needed" "get one from $ISSUER"
keep "$WORK/home/token" "$(sign old exp=-5)"
export BEARER_TOKEN_FILE=$WORK/home/token
refused "expired" "$WORK/home/token expired at" "get a new one"
keep "$WORK/home/token" "$(sign stranger iss=https://elsewhere)"
refused "of another issuer" "is of issuer https://elsewhere" "$ISSUER is needed"
equal "none of these was sent" "" "$(cache_log | tail -n "+$((before + 1))" | grep -F 'not found in recent cache')"
keep "$WORK/home/token" "$(sign narrow scope=read:/elsewhere)"
refused "for another path" "is for another path" 'it allows "read:/elsewhere"' "get one that allows to read /ns/image.sqfs"
keep "$WORK/home/token" "$(sign astray aud=https://two)"
refused "for another audience" "$WORK/home/token, for audience \"https://two\", was refused" "get a new one"
keep "$WORK/home/token" "$(sign_with "$WORK/forger.pem" eve)"
refused "signed by another key" "was refused" "get a new one"

echo "--- the places, in the reference client's order: each before all that follow"
rm "$WORK/home/token"
creds=$WORK/home/creds
keep "$WORK/home/file" "$(sign 2-file)"
keep "$WORK/home/run/bt_u$TEST_UID" "$(sign 3-runtime)"
keep "/tmp/bt_u$TEST_UID" "$(sign 4-tmp)"
keep "$WORK/home/legacy" "$(sign 5-legacy)"
keep "$creds/igwn_one.use" "$(sign 6-named)"
keep "$creds/scitokens.use" "{\"access_token\": \"$(sign 7-scitokens)\"}"
keep "$creds/another" "$(sign 8-another)"
keep "$creds/.hidden" "$(sign hidden)"
export _CONDOR_CREDS=$creds TOKEN=$WORK/home/legacy XDG_RUNTIME_DIR=$WORK/home/run BEARER_TOKEN_FILE=$WORK/home/file
BEARER_TOKEN=$(sign 1-variable) reads "BEARER_TOKEN" 1-variable
reads "BEARER_TOKEN_FILE" 2-file
BEARER_TOKEN=$(sign narrow scope=read:/elsewhere) reads "past one that does not fit" 2-file
unset BEARER_TOKEN_FILE
reads "XDG_RUNTIME_DIR" 3-runtime
unset XDG_RUNTIME_DIR
reads "/tmp" 4-tmp
chown "$((TEST_UID + 1))" "/tmp/bt_u$TEST_UID"
chmod 644 "/tmp/bt_u$TEST_UID"
reads "not another's in /tmp" 5-legacy
rm "/tmp/bt_u$TEST_UID"
unset TOKEN
IMAGE=igwn.one+osdf:///ns/image.sqfs reads "the one that the URL names" 6-named
reads "scitokens.use" 7-scitokens
rm "$creds/scitokens.use" "$creds/igwn_one.use"
reads "any other" 8-another
rm "$creds/another"
refused "but none that is hidden" "a token is needed"
unset _CONDOR_CREDS
(cd "$WORK/home" && mkdir .condor_creds && chown "$TEST_UID" .condor_creds &&
	keep .condor_creds/scitokens.use "$(sign 9-here)" && reads ".condor_creds" 9-here)

echo "--- a job that outlives its token"
# Reads one file, says so, waits, reads another.
JOB='sha256sum /data/1; echo >/sync/read; while [ ! -e /sync/go ]; do sleep 0.1; done; sha256sum /data/2'
outlives() { # WHAT COMMAND...: the command runs between the reads; sets $before
	local what=$1
	shift
	fresh
	rm -f "$WORK"/home/sync/*
	before=$(log_lines)
	lr exec --bind "$WORK/home/sync:/sync" "$IMAGE" sh -c "$JOB" >"$WORK/out" &
	job=$!
	wait_for "$what: the first read" test -e "$WORK/home/sync/read"
	"$@"
	touch "$WORK/home/sync/go"
	wait "$job" || fault "$what: $(tail -n 3 "$WORK/err")"
	note
	equal "$what" "$(sum 1) $(sum 2)" "$(cut -d' ' -f1 "$WORK/out" | paste -sd' ')"
}
export BEARER_TOKEN_FILE=$WORK/home/token
keep "$WORK/home/token" "$(sign early exp=40)"
renew() { sign later >"$WORK/home/token"; }
outlives "a token near its end" renew
equal "it was read again before it ended" "early later " "$(subjects_since "$before")"
equal "and nothing was refused" 0 "$(refusals_since "$before")"

# the servers want tokens for another audience from now on
keep "$WORK/home/token" "$(sign before)"
move() {
	accept_audience https://two
	for name in origin cache; do
		xrootd_kill $name
		xrootd_start $name
		servers+=("$(cat "$XROOTD_WORK/$name.pid")")
	done
	ready 11094 https://two
	ready 11101 https://two
	sign after aud=https://two >"$WORK/home/token"
}
outlives "a token that is refused" move
equal "it was read again" "before probe after " "$(subjects_since "$before")"
at_least_one=$(refusals_since "$before")
[ "$at_least_one" -ge 1 ] || fault "the first token was not refused"

echo "--- never to another federation"
cp "$XROOTD_WORK/data/ns/image.sqfs" "$WORK/tree.sqfs"
for kind in open issuer; do
	arguments=()
	[ $kind = open ] || arguments=(--issuer https://their-issuer)
	rm -f "$WORK/other/log" "$WORK/other/ports"
	xrootd_federation "$WORK/other" --tls "$XROOTD_WORK/tls/cert.pem" "$WORK/own.key" "${arguments[@]}" || exit 1
	servers+=("$FEDERATION_PID")
	fresh
	lr exec "pelican://127.0.0.1:$FEDERATION_PORT/ns/image.sqfs" sha256sum /data/1 >"$WORK/out"
	note
	if [ $kind = open ]; then
		equal "another federation, which wants none" "$(sum 1)" "$(cut -d' ' -f1 "$WORK/out")"
	else
		contains "another federation, which wants its own" "https://their-issuer is needed" "$(cat "$WORK/err")"
	fi
	[ -s "$WORK/other/log" ] || fault "the other federation was never asked"
	equal "tokens it was sent" 0 "$(grep -c authorized "$WORK/other/log")"
done
grep 'host .*authorized' "$WORK/control/log" && fault "the director was given a token it did not ask for"

echo "--- in no log, in no file of ours"
[ "$(wc -l <"$WORK/tokens")" -ge 20 ] || fault "too few tokens were kept: $(wc -l <"$WORK/tokens")"
cut -d. -f3 "$WORK/tokens" >"$WORK/signatures"
for place in "$WORK/said" "$WORK/home/trace" "$WORK/home/cache"; do
	[ -e "$place" ] || fault "$place is not there"
	grep -rFqf "$WORK/signatures" "$place" && fault "a token is in $place"
done
true
