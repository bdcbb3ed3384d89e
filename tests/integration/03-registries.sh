#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 240
# A real docker-registry, three times: open, basic, and bearer tokens that live
# for seconds; exec runs through their expiry.
. "$(dirname "$0")/lib.sh"
need docker-registry
need skopeo
need htpasswd
need openssl
layout=$(image_layout tiny)

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
OPEN=$(port) BASIC=$(port) TOKEN=$(port) ISSUER=$(port)

config() { # PORT: the common part of a registry's configuration
	cat <<-YML
		version: 0.1
		log: {level: info, accesslog: {disabled: false}}
		storage: {filesystem: {rootdirectory: $WORK/storage}}
		http: {addr: 127.0.0.1:$1}
	YML
}
config "$OPEN" >"$WORK/open.yml"
{ config "$BASIC"; echo "auth: {htpasswd: {realm: test, path: $WORK/htpasswd}}"; } >"$WORK/basic.yml"
{ config "$TOKEN"
	echo "auth: {token: {realm: http://127.0.0.1:$ISSUER/token, service: lazyrun-registry, issuer: lazyrun-issuer, rootcertbundle: $WORK/token.crt}}"
} >"$WORK/token.yml"
htpasswd -Bbn alice secret >"$WORK/htpasswd"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/token.key" \
	-out "$WORK/token.crt" -days 2 -subj /CN=lazyrun-test 2>/dev/null

for r in open basic token; do
	docker-registry serve "$WORK/$r.yml" >"$WORK/$r.log" 2>&1 &
	servers+=($!)
done
python3 "$HERE/token_server.py" "$ISSUER" "$WORK/token.key" "$WORK/token.crt" \
	--lifetime 2 --basic alice:secret >"$WORK/issuer.log" 2>&1 &
servers+=($!)
wait_for "the open registry" curl -fs "http://127.0.0.1:$OPEN/v2/"
wait_for "the token registry" curl -s "http://127.0.0.1:$TOKEN/v2/"
check "push" skopeo copy -q --dest-tls-verify=false "oci:$layout:1" \
	"docker://127.0.0.1:$OPEN/team/tiny:1"

lr() { as_user "$LAZYRUN" "$@"; }
sum=$(lr -q exec "docker://127.0.0.1:$OPEN/team/tiny:1" sha256sum /srv/random)
[ ${#sum} -gt 64 ] || fault "the open registry: $sum"

# basic: without, with wrong and with right credentials
lr -q exec "docker://127.0.0.1:$BASIC/team/tiny:1" true 2>"$WORK/err"
equal "basic without credentials" 125 $?
contains "basic without credentials" 127.0.0.1:"$BASIC" "$(cat "$WORK/err")"
auth() { # USER:PASSWORD PORT...: an auth file
	python3 - "$@" <<-'PY'
		import base64, json, sys
		auth = base64.b64encode(sys.argv[1].encode()).decode()
		print(json.dumps({"auths": {"127.0.0.1:" + p: {"auth": auth} for p in sys.argv[2:]}}))
	PY
}
auth alice:wrong "$BASIC" "$TOKEN" >"$WORK/wrong.json"
auth alice:secret "$BASIC" "$TOKEN" >"$WORK/right.json"
chmod 644 "$WORK"/*.json
REGISTRY_AUTH_FILE=$WORK/wrong.json lr -q exec "docker://127.0.0.1:$BASIC/team/tiny:1" true 2>"$WORK/err"
equal "basic with a wrong password" 125 $?
export REGISTRY_AUTH_FILE=$WORK/right.json
rm -rf "$WORK/cache"
user_folder "$WORK/cache"
equal "basic" "$sum" "$(lr -q exec "docker://127.0.0.1:$BASIC/team/tiny:1" sha256sum /srv/random)"

# token: an index first, so that the job itself fetches; it sleeps past the
# token's end (the registry allows 60 s of leeway) with nothing cached.
IMAGE=docker://127.0.0.1:$TOKEN/team/tiny:1
lr -q index "$IMAGE" -o "$WORK/home/tiny.lzi" || fault "index through tokens"
rm -rf "$WORK/cache"
user_folder "$WORK/cache"
tokens() { grep -c 'GET /token' "$WORK/issuer.log"; }
before=$(tokens)
equal "a job runs through expiry" "$sum" "$(lr -q exec \
	--index "$WORK/home/tiny.lzi" "$IMAGE" sh -c \
	"sleep ${EXPIRY_SLEEP:-66}; sha256sum /srv/random")"
[ "$(tokens)" -gt $((before + 1)) ] || fault "no token was asked for in the middle of the mount"
for r in open basic token; do
	grep -qE 'alice:secret|YWxpY2U6c2VjcmV0' "$WORK/$r.log" && fault "a password reached $r's log"
done
true
