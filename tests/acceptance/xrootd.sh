# SPDX-License-Identifier: Apache-2.0
# Real XRootD servers over HTTP: an origin and disk caches in front of it, as
# the OSDF has them.  Sourced by tests/acceptance/osdf.sh and bench/osdf.sh.
#
# XRootD listens on every address: call this inside a network namespace.  It
# refuses to run as root and is started as nobody's account "xrootd".
#
# XROOTD_IN=(nsenter --net=... ) is put before each server; XROOTD_WORK is where
# all of it lives (a directory that anybody may pass through).
XROOTD_PACKAGES="xrootd-server xrootd-server-plugins xrootd-client xrootd-client-http-plugins"
# XROOTD_MORE is what else every server's configuration says, from then on.
XROOTD_IN=()
XROOTD_MORE=

xrootd_missing() { # prints why they cannot run here, or nothing
	if [ "$(id -u)" != 0 ]; then
		echo "root is needed"
	elif ! command -v xrootd >/dev/null || ! id xrootd >/dev/null 2>&1; then
		echo "XRootD is not installed ($XROOTD_PACKAGES)"
	elif [ -z "$(find /usr/lib /usr/lib64 -name 'libXrdPfc-*.so' 2>/dev/null)" ]; then
		echo "XRootD's disk cache is not installed ($XROOTD_PACKAGES)"
	fi
}

# xrootd_start NAME: from $XROOTD_WORK/NAME.cfg
xrootd_start() {
	# it gives up when it cannot resolve its host's name
	"${XROOTD_IN[@]}" unshare -u sh -c 'hostname localhost && exec "$@"' sh \
		setpriv --reuid=xrootd --regid="$(id -g xrootd)" --clear-groups \
		xrootd -c "$XROOTD_WORK/$1.cfg" -l "$XROOTD_WORK/log/$1.log" -n "$1" -I v4 \
		>"$XROOTD_WORK/log/$1.out" 2>&1 &
	echo $! >"$XROOTD_WORK/$1.pid"
}

xrootd_kill() { # NAME [SIGNAL]
	local pid
	pid=$(cat "$XROOTD_WORK/$1.pid" 2>/dev/null) || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	[ "${2:-TERM}" != TERM ] && [ "${2:-TERM}" != KILL ] || wait "$pid" 2>/dev/null
	return 0
}

# xrootd_ready PORT PATH [CURL ARGUMENT...]: it answers
xrootd_ready() {
	local i url=http://127.0.0.1:$1$2 port=$1
	shift 2
	for i in $(seq 60); do
		"${XROOTD_IN[@]}" curl -fsS -m 2 -o /dev/null -r 0-0 "$@" "$url" \
			2>/dev/null && return
		sleep 0.25
	done
	echo "XRootD on port $port does not answer; its log:" >&2
	tail -n 20 "$XROOTD_WORK"/log/*/*.log "$XROOTD_WORK"/log/*.out >&2
	return 1
}

xrootd_folders() { # NAME...: owned by the servers
	local d
	mkdir -p "$XROOTD_WORK/log" "${@/#/$XROOTD_WORK/}"
	for d in log "$@"; do chown xrootd "$XROOTD_WORK/$d"; done
}

# xrootd_origin PORT: serves $XROOTD_WORK/data/ns/... as /ns/...
xrootd_origin() {
	xrootd_folders origin-admin
	mkdir -p "$XROOTD_WORK/data/ns"
	cat >"$XROOTD_WORK/origin.cfg" <<-END
	all.role server
	all.export /ns r/o
	oss.localroot $XROOTD_WORK/data
	all.adminpath $XROOTD_WORK/origin-admin
	all.pidpath $XROOTD_WORK/origin-admin
	xrd.port $1
	xrd.network nodnr nokeepalive
	if exec xrootd
	  xrd.protocol http:$1 libXrdHttp.so
	fi
	http.desthttps no
	$XROOTD_MORE
	END
	xrootd_start origin
}

# xrootd_cache NAME PORT ORIGIN: a cache with blocks of 128 KiB, as in the OSDF
xrootd_cache() {
	local n=$1
	xrootd_folders "$n-admin" "$n-ns" "$n-data" "$n-meta"
	cat >"$XROOTD_WORK/$n.cfg" <<-END
	all.role server
	all.export /ns
	all.adminpath $XROOTD_WORK/$n-admin
	all.pidpath $XROOTD_WORK/$n-admin
	xrd.port $2
	xrd.network nodnr nokeepalive
	if exec xrootd
	  xrd.protocol http:$2 libXrdHttp.so
	fi
	ofs.osslib libXrdPss.so
	pss.cachelib libXrdPfc.so
	pss.origin $3
	oss.localroot $XROOTD_WORK/$n-ns
	pfc.spaces data meta
	oss.space data $XROOTD_WORK/$n-data
	oss.space meta $XROOTD_WORK/$n-meta
	pfc.blocksize 128k
	pfc.prefetch 0
	pfc.ram 1g
	pfc.diskusage 0.90 0.95 purgeinterval 300
	http.listingdeny yes
	http.desthttps no
	$XROOTD_MORE
	END
	xrootd_start "$n"
}

# xrootd_empty NAME PORT ORIGIN: the cache again, with nothing in it
xrootd_empty() {
	xrootd_kill "$1"
	rm -rf "$XROOTD_WORK/$1"-{ns,data,meta,admin}
	xrootd_cache "$@"
}

# xrootd_federation CONTROL ARGUMENT...: tests/integration/federation.py with
# other servers behind; sets FEDERATION_PORT and FEDERATION_PID
xrootd_federation() {
	local control=$1 i here
	here=$(dirname "${BASH_SOURCE[0]}")
	shift
	mkdir -p "$control"
	"${XROOTD_IN[@]}" python3 "$here/../integration/federation.py" \
		"$XROOTD_WORK/data" "$control" "$@" >"$control/ports" &
	FEDERATION_PID=$!
	for i in $(seq 100); do
		[ ! -s "$control/ports" ] || break
		sleep 0.1
	done
	FEDERATION_PORT=$(awk '$1 == "host" {print $2}' "$control/ports")
	[ -n "$FEDERATION_PORT" ]
}
