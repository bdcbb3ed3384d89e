# SPDX-License-Identifier: Apache-2.0
# Sourced by the benchmarks: servers with TLS, each in a namespace that is named.
# DATA is where their files, logs and storage are.
SERVERS=()
# what this machine trusts or goes through is not what is measured
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE http_proxy https_proxy \
	HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY

# make_certificates ADDRESS...: a CA of our own, and a certificate by it
make_certificates() {
	local names
	names=$(printf 'IP:%s,' "$@")
	[ -f "$DATA/ca.pem" ] ||
		openssl req -x509 -newkey rsa:2048 -nodes -days 3650 \
			-subj "/CN=bench CA" -keyout "$DATA/ca.key" \
			-out "$DATA/ca.pem" 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" \
		-keyout "$DATA/server.key" -out "$DATA/server.csr" 2>/dev/null
	openssl x509 -req -in "$DATA/server.csr" -CA "$DATA/ca.pem" \
		-CAkey "$DATA/ca.key" -CAcreateserial -days 3650 \
		-extfile <(echo "subjectAltName=${names%,}") \
		-out "$DATA/server.pem" 2>/dev/null
}

# start_server NAMESPACE NAME COMMAND...: in the background; its output is its log
start_server() {
	local namespace=$1 name=$2
	shift 2
	nsenter --net="/run/netns/$namespace" "$@" >"$DATA/$name.log" 2>&1 &
	SERVERS+=($!)
}

# wait_for_server NAMESPACE URL: until it answers one that is in NAMESPACE, 10 s
wait_for_server() {
	local i
	for i in $(seq 100); do
		nsenter --net="/run/netns/$1" curl -s -m 5 -o /dev/null \
			--cacert "$DATA/ca.pem" "$2" && return
		sleep 0.1
	done
	die "no answer from $2; the servers' logs are in $DATA"
}

# start_registry NAMESPACE [KIND]: port 5000, storage in DATA/registry.  KIND:
#   docker   docker-registry sends the blobs itself (default)
#   nginx    nginx in front of it sends the blobs from the disk, at a quarter of
#            the CPU time
#   storage  it redirects whoever wants a blob to start_web's server, as Docker Hub
#            and GHCR do to theirs
start_registry() {
	local namespace=$1 kind=${2:-docker}
	local address=0.0.0.0:5000 log='level: error' more=
	case $kind in
	docker) more="  tls: {certificate: $DATA/server.pem, key: $DATA/server.key}" ;;
	nginx)
		address=127.0.0.1:5001
		log+=', accesslog: {disabled: true}'
		;;
	storage)
		ln -sfn "$DATA/registry/docker" "$DATA/www/docker"
		more="  tls: {certificate: $DATA/server.pem, key: $DATA/server.key}
middleware:
  storage:
    - {name: redirect, options: {baseurl: $WEB}}"
		;;
	*) die "no such registry: $kind (docker, nginx or storage)" ;;
	esac
	cat >"$DATA/registry.yml" <<-END
	version: 0.1
	log: {$log}
	storage:
	  filesystem: {rootdirectory: $DATA/registry}
	http:
	  addr: $address
	$more
	END
	start_server "$namespace" registry docker-registry serve "$DATA/registry.yml"
	[ "$kind" != nginx ] || start_registry_front "$namespace"
}

# start_registry_front NAMESPACE: nginx as KIND "nginx" has it.  A blob that its
# repository does not link is not there, as docker-registry has it: who pushes an
# image asks first what he need not send (SOCI's indexes of two images have blobs in
# common, and the second one's manifest was refused).
start_registry_front() {
	local v2=$DATA/registry/docker/registry/v2
	nsenter --net="/run/netns/$1" ip link set lo up
	# shellcheck disable=SC2016 # nginx's variables
	start_nginx "$1" registry-front 5000 "" \
		'location ~ "^/v2/(?<name>.+)/blobs/sha256:(?<two>..)(?<rest>[0-9a-f]{62})$" {' \
		"  if (!-f $v2/repositories/"'$name/_layers/sha256/$two$rest/link) { return 404; }' \
		"  alias $v2/blobs/sha256/"'$two/$two$rest/data;' \
		'}' \
		'proxy_set_header Host $http_host;' \
		'proxy_set_header X-Forwarded-Proto https;' \
		'client_max_body_size 0;' \
		'proxy_pass http://127.0.0.1:5001;'
}

# start_nginx NAMESPACE NAME PORT GLOBAL LOCATION...: with these lines for "/", and
# GLOBAL beside the server
start_nginx() {
	local namespace=$1 name=$2 port=$3 global=$4
	shift 4
	mkdir -p "$DATA/$name"
	: >"$DATA/$name-access.log"
	cat >"$DATA/$name.conf" <<-END
	daemon off;
	worker_processes 2;
	pid $DATA/$name/pid;
	error_log stderr error;
	events {}
	http {
	  access_log $DATA/$name-access.log;
	  proxy_cache_path $DATA/$name/cache keys_zone=cache:16m max_size=40g
	    use_temp_path=off;
	  $global
	  server {
	    listen $port ssl http2;
	    ssl_protocols TLSv1.2 TLSv1.3;
	    ssl_certificate $DATA/server.pem;
	    ssl_certificate_key $DATA/server.key;
	    location / {
	      $(printf '%s\n' "$@")
	    }
	  }
	}
	END
	start_server "$namespace" "$name" nginx -c "$DATA/$name.conf"
}

# start_web NAMESPACE: files of DATA/www
start_web() { start_nginx "$1" web 8443 "" "root $DATA/www;"; }

# start_cache NAMESPACE HOST:PORT: a cache of ranges in front of another server,
# as a site's: pieces of 256 KiB, each fetched once however many ask for it, over
# connections that are kept
start_cache() {
	rm -rf "$DATA/cache-node/cache"
	start_nginx "$1" cache-node 8443 "upstream origin { server $2; keepalive 32; }" \
		"slice 256k;" "proxy_cache cache;" \
		"proxy_set_header Connection '';" "proxy_set_header Host $2;" \
		"proxy_cache_key \$uri\$slice_range;" \
		"proxy_set_header Range \$slice_range;" \
		"proxy_cache_valid 200 206 1h;" "proxy_cache_lock on;" \
		"proxy_http_version 1.1;" "proxy_ssl_verify off;" \
		"proxy_pass https://origin;"
}

# write_xrootd_config NAME PORT LINE...: a server of /ns by HTTP
write_xrootd_config() {
	local name=$1 port=$2
	shift 2
	mkdir -p "$DATA/osdf/$name" "$DATA/osdf/$name-admin"
	cat >"$DATA/osdf/$name.cfg" <<-END
	all.role server
	all.adminpath $DATA/osdf/$name-admin
	all.pidpath $DATA/osdf/$name-admin
	xrd.port $port
	xrd.network nodnr nokeepalive
	xrd.protocol http:$port libXrdHttp.so
	$(printf '%s\n' "$@")
	END
}

start_xrootd() { # NAMESPACE NAME
	rm -f "$DATA/osdf/$2-admin"/*.pid
	start_server "$1" "osdf-$2" setpriv --reuid=xrootd --regid=xrootd --clear-groups \
		xrootd -c "$DATA/osdf/$2.cfg" -n "$2" -I v4
}

# start_osdf NAMESPACE ADDRESS: an XRootD origin of the files in DATA/www, an
# XRootD cache of it with nothing in it, and a federation's discovery and director
# (the tests' own), on FEDERATION_PORT
start_osdf() {
	local i
	mkdir -p "$DATA/osdf/origin/ns"
	ln -f "$DATA/www"/*.sif "$DATA/osdf/origin/ns/"
	write_xrootd_config origin 11094 "all.export /ns r/o" \
		"oss.localroot $DATA/osdf/origin"
	write_xrootd_config cache 11095 "all.export /ns" "ofs.osslib libXrdPss.so" \
		"pss.cachelib libXrdPfc.so" "pss.origin 127.0.0.1:11094" \
		"oss.localroot $DATA/osdf/cache" "pfc.spaces data meta" \
		"oss.space data $DATA/osdf/cache-data" \
		"oss.space meta $DATA/osdf/cache-meta" "pfc.blocksize 128k" \
		"pfc.prefetch 0" "pfc.ram 1g"
	mkdir -p "$DATA/osdf/control"
	chown -R xrootd:xrootd "$DATA/osdf"
	nsenter --net="/run/netns/$1" ip link set lo up
	start_xrootd "$1" origin
	fresh_osdf_cache "$1"
	start_server "$1" osdf-federation python3 \
		"$HERE/../tests/integration/federation.py" "$DATA/osdf/origin" \
		"$DATA/osdf/control" --listen "$2" --cache "http://$2:11095" \
		--origin "http://$2:11094"
	for i in $(seq 100); do
		FEDERATION_PORT=$(sed -n 's/^host //p' "$DATA/osdf-federation.log")
		[ -z "$FEDERATION_PORT" ] || return 0
		sleep 0.1
	done
	return 1
}

# fresh_osdf_cache NAMESPACE: the cache without what it has kept
fresh_osdf_cache() {
	local i
	[ -z "${OSDF_CACHE_PID:-}" ] || { kill "$OSDF_CACHE_PID"; wait "$OSDF_CACHE_PID"; } 2>/dev/null
	rm -rf "$DATA/osdf/cache" "$DATA/osdf/cache-data" "$DATA/osdf/cache-meta"
	mkdir -p "$DATA/osdf/cache" "$DATA/osdf/cache-data" "$DATA/osdf/cache-meta"
	chown xrootd:xrootd "$DATA/osdf/cache" "$DATA/osdf/cache-data" "$DATA/osdf/cache-meta"
	start_xrootd "$1" cache
	OSDF_CACHE_PID=${SERVERS[-1]}
	for i in $(seq 100); do
		nsenter --net="/run/netns/$1" curl -s -m 5 -o /dev/null http://127.0.0.1:11095/ns/ && return
		sleep 0.1
	done
	return 1
}

# requests: how many registry and web server have answered so far
requests() {
	cat "$DATA/registry.log" "$DATA"/*-access.log 2>/dev/null |
		grep -cE '"(GET|HEAD|POST|PUT) /'
}

servers_down() {
	local pid
	for pid in "${SERVERS[@]:-}"; do
		[ -z "$pid" ] || kill "$pid" 2>/dev/null
	done
	SERVERS=()
}
