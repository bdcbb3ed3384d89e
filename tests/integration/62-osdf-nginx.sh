#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 90
# A real web server (nginx, by https) that answers 401: as a lone origin, as the
# cache of a federation whose director tells of no token, as a plain https:// URL.
# No token, a wrong one, the right one; one that is changed while a job runs.
. "$(dirname "$0")/lib.sh"
need mksquashfs
need openssl
need nginx
unset CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE BEARER_TOKEN BEARER_TOKEN_FILE TOKEN _CONDOR_CREDS XDG_RUNTIME_DIR \
	PELICAN_CLIENT_PREFERREDCACHES PELICAN_NEAREST_CACHE NEAREST_CACHE OSG_NEAREST_CACHE LAZYRUN_FEDERATION
www=$WORK/www
tree=$WORK/tree
mkdir -p "$www/ns" "$www/.well-known" "$WORK/control" "$tree"/{bin,data,tmp,proc,sys,dev,etc}
cp "$(command -v busybox)" "$tree/bin/busybox" || skip "busybox is not installed"
for i in sh sha256sum true sleep; do ln -s busybox "$tree/bin/$i"; done
for i in 1 2 3; do head -c 3000000 /dev/urandom >"$tree/data/$i"; done
sum() { sha256sum <"$tree/data/$1" | cut -d' ' -f1; }
mksquashfs "$tree" "$WORK/x.sqfs" -comp zstd -all-root -quiet -no-progress >/dev/null || skip "mksquashfs"
python3 "$ROOT/tests/support/make_sif.py" "$WORK/x.sqfs" "$www/ns/x.sif"
echo '{"discovery_endpoint": "https://lone"}' >"$www/.well-known/pelican-configuration"
chmod -R a+rX "$www"
user_folder "$WORK/home/sync"

(cd "$WORK" && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -days 2 -keyout ca.key -out ca.pem &&
	openssl req -newkey rsa:2048 -nodes -subj /CN=nginx -keyout tls.key -out tls.csr &&
	printf 'subjectAltName=IP:127.0.0.1\n' >tls.ext &&
	openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
		-extfile tls.ext -out tls.pem) >/dev/null 2>&1 || fault "no certificate"
chmod 644 "$WORK/ca.pem"
export SSL_CERT_FILE=$WORK/ca.pem

# nginx: 401 unless the token is the one in $WORK/accepted
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$WORK/nginx.conf" <<END
pid $WORK/nginx.pid;
error_log $WORK/nginx.error;
daemon off;
events {}
http {
	log_format said '\$status \$request_uri \$http_range "\$http_authorization"';
	access_log $WORK/access said;
	map \$http_authorization \$may { default 0; include $WORK/accepted; }
	server {
		listen 127.0.0.1:$PORT ssl;
		ssl_certificate $WORK/tls.pem;
		ssl_certificate_key $WORK/tls.key;
		root $www;
		location /.well-known/ { default_type application/json; }
		location /ns/ {
			if (\$may = 0) { return 401; }
			add_header WWW-Authenticate 'Bearer realm="ns"' always;
		}
	}
}
END
accept() { printf '"Bearer %s" 1;\n' "$1" >"$WORK/accepted"; }
accept one-that-is-right
nginx -c "$WORK/nginx.conf" >"$WORK/nginx.out" 2>&1 &
NGINX=$!
servers+=("$NGINX")
alive() { curl -sf -o /dev/null "https://127.0.0.1:$PORT/.well-known/pelican-configuration"; }
wait_for nginx alive || cat "$WORK/nginx.out" "$WORK/nginx.error"

# reload: nginx takes another token from now on
status_of() { curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $1" "https://127.0.0.1:$PORT/ns/x.sif" -r 0-0; }
takes() { [ "$(status_of "$1")" = 206 ] && [ "$(status_of "$2")" = 401 ]; }
reload() { # NEW OLD
	accept "$1"
	kill -HUP "$NGINX"
	wait_for "nginx's reload" takes "$1" "$2"
}

export BEARER_TOKEN_FILE=$WORK/token
token() { printf '%s\n' "$1" >"$BEARER_TOKEN_FILE.new" && chmod 644 "$BEARER_TOKEN_FILE.new" && mv "$BEARER_TOKEN_FILE.new" "$BEARER_TOKEN_FILE"; }
lr() { as_user timeout 60 "$LAZYRUN" -d --trace "$WORK/home/trace" "$@" 2>"$WORK/err"; }
fresh() { rm -rf "$WORK/home/cache"; export LAZYRUN_CACHEDIR=$WORK/home/cache; }
said() { grep -v '^level=' "$WORK/err" | tee -a "$WORK/said"; cat "$WORK/err" >>"$WORK/said"; }
refused() { # WHAT NEEDLE...
	local what=$1 needle out
	shift
	fresh
	: >"$WORK/access"
	lr exec "$IMAGE" true
	equal "$what: status" 125 $?
	out=$(said)
	echo "$what: $out"
	for needle; do contains "$what" "$needle" "$out"; done
	[ "$(grep -c '^401 /ns/x.sif ' "$WORK/access")" -gt 0 ] || fault "$what: nginx said no 401"
}
reads() { # WHAT
	fresh
	equal "$1" "$(sum 1)" "$(lr exec "$IMAGE" sha256sum /data/1 | cut -d' ' -f1)"
	said >/dev/null
}
# outlives WHAT COMMAND...: the command runs between a job's first read and its second
outlives() {
	local what=$1
	shift
	fresh
	rm -f "$WORK"/home/sync/*
	lr exec --bind "$WORK/home/sync:/sync" "$IMAGE" sh -c 'sha256sum /data/1; echo >/sync/read
		until [ -e /sync/go ]; do sleep 0.1; done; sha256sum /data/2; echo >/sync/second
		until [ -e /sync/again ]; do sleep 0.1; done; sha256sum /data/3' >"$WORK/out" &
	job=$!
	wait_for "$what: the first read" test -e "$WORK/home/sync/read"
	: >"$WORK/access"
	"$@"
}

(
	federation() {
		python3 "$HERE/federation.py" "$www" "$WORK/control" --cache "https://127.0.0.1:$PORT" --origin "https://127.0.0.1:$PORT" \
			--tls "$WORK/tls.pem" "$WORK/tls.key" >"$WORK/control/ports" &
		echo $! >"$WORK/federation.pid"
	}
	federation
)
servers+=("$(cat "$WORK/federation.pid")")
wait_for "the federation" test -s "$WORK/control/ports"
HOST=127.0.0.1:$(awk '$1 == "host" {print $2}' "$WORK/control/ports")
for kind in lone federation; do
	[ $kind = lone ] && IMAGE=pelican://127.0.0.1:$PORT/ns/x.sif || IMAGE=pelican://$HOST/ns/x.sif
	rm -f "$BEARER_TOKEN_FILE"
	refused "$kind: no token" "a token is needed" "get one"
	equal "$kind: no token: what nginx was sent" '"-"' "$(grep -o '"[^"]*"$' "$WORK/access" | sort -u)"
	token one-that-is-wrong
	refused "$kind: a wrong token" "access refused with status 401" "the token in $BEARER_TOKEN_FILE was refused" "get a new one, or ask for access"
	token one-that-is-right
	reads "$kind: the right token"

	# nginx takes another, and the file holds it: read again after 401
	renewed() { token another; reload another one-that-is-right; }
	outlives "$kind: another token" renewed
	touch "$WORK/home/sync/go" "$WORK/home/sync/again"
	wait "$job" || fault "$kind: another token: $(tail -n 3 "$WORK/err")"
	said >/dev/null
	equal "$kind: another token" "$(sum 1) $(sum 2) $(sum 3)" "$(cut -d' ' -f1 "$WORK/out" | paste -sd' ')"
	[ "$(grep -c '^401 /ns/x.sif .*"Bearer one-that-is-right"' "$WORK/access")" -gt 0 ] || fault "$kind: the first token was not refused"
	[ "$(grep -c '^206 /ns/x.sif .*"Bearer another"' "$WORK/access")" -gt 0 ] || fault "$kind: the second token was not used"

	# nobody renews it: that read fails and says why; the next one, when it is there
	outlives "$kind: a token that ends" reload one-that-is-right another
	touch "$WORK/home/sync/go"
	wait_for "$kind: a token that ends: the second read" test -e "$WORK/home/sync/second"
	token one-that-is-right
	touch "$WORK/home/sync/again"
	wait "$job" || fault "$kind: a token that ends: $(tail -n 3 "$WORK/err")"
	contains "$kind: a token that ends" 'path="/data/2"' "$(grep '^level=error' "$WORK/err")"
	contains "$kind: a token that ends: why" "was refused; get a new one" "$(grep '^level=error' "$WORK/err")"
	said >/dev/null
	equal "$kind: a token that ends: what was read" "$(sum 1) $(sum 3)" "$(cut -d' ' -f1 "$WORK/out" | paste -sd' ')"
done

# a plain URL: tokens are the federation's, none is sent
IMAGE=https://127.0.0.1:$PORT/ns/x.sif
refused "a URL" "access refused with status 401" "check the name, or ask for access"
equal "a URL: what nginx was sent" '"-"' "$(grep -o '"[^"]*"$' "$WORK/access" | sort -u)"

for place in "$WORK/said" "$WORK/home/trace" "$WORK/home/cache"; do
	[ -e "$place" ] || fault "$place is not there"
	grep -rqE 'one-that-is|another' "$place" && fault "a token is in $place"
done
true
