# SPDX-License-Identifier: Apache-2.0
# Sourced by startup.sh: the tools it measures.  For each TOOL:
#
#   missing_TOOL         says why it cannot run here; nothing when it can
#   make_TOOL IMAGE      optional: what is made once and kept, before -s counts
#   prepare_TOOL IMAGE   untimed: what a fresh node would not have is removed;
#                        sets CMD, which is timed
#   after_TOOL IMAGE     optional, untimed
#
# CMD prints "pulled" when a separate download is complete, "started" as the
# program begins and "ready" when it has imported what it needs.

ALL_TOOLS="bwrap-warm lazyrun-warm lazyrun-profile lazyrun lazyrun-pull
lazyrun-no-index lazyrun-sif lazyrun-converted lazyrun-osdf soci stargz podman containerd apptainer-build
apptainer-sif osdf-apptainer apptainer-sif-warm"

describe() {
	case $1 in
	bwrap-warm) echo "bwrap on the unpacked directory, local: the native start" ;;
	lazyrun-warm) echo "lazyrun exec, index and chunks in the node's cache" ;;
	lazyrun-profile) echo "lazyrun exec, index and a profile of the same command, cache empty" ;;
	lazyrun) echo "lazyrun exec, index at hand, no profile, cache empty" ;;
	lazyrun-pull) echo "lazyrun pull (all layers, in parallel), then exec" ;;
	lazyrun-no-index) echo "lazyrun exec with nothing prepared: makes the index on the way" ;;
	lazyrun-sif) echo "lazyrun exec of the SIF by https, no index, cache empty" ;;
	lazyrun-converted) echo "lazyrun exec of the image converted to a SIF, by https, index at hand, no profile, cache empty" ;;
	lazyrun-osdf) echo "lazyrun exec of the SIF from an OSDF cache (XRootD) that lacks it, no index" ;;
	osdf-apptainer) echo "curl of the SIF from such a cache, then apptainer exec" ;;
	soci) echo "SOCI: rpull with an index in the registry, then run" ;;
	stargz) echo "stargz: rpull of the image converted to eStargz, then run" ;;
	podman) echo "podman pull, then run" ;;
	containerd) echo "ctr pull, then run" ;;
	apptainer-build) echo "apptainer build from the registry, then exec" ;;
	apptainer-sif) echo "curl of the SIF, then apptainer exec" ;;
	apptainer-sif-warm) echo "apptainer exec of a local SIF" ;;
	esac
}

# ---- the program ----

# job IMAGE: sets JOB, what runs inside
job() {
	local code
	case $1 in
	scipy) code='import scipy.stats' ;;
	torch-cuda) code='import torch' ;;
	files) code='
import os
paths = sorted(os.path.join(d, f) for d, _, n in os.walk("/srv/files") for f in n)
for path in paths[::30]:
    open(path, "rb").read()' ;;
	*-all) code='
import os
for folder, names, files in os.walk("/"):
    if folder == "/":
        names[:] = sorted(set(names) - {"proc", "sys", "dev", "tmp", "run"})
    if folder == "/var":
        names.remove("tmp")
    for path in (os.path.join(folder, f) for f in sorted(files)):
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                while file.read(1 << 20):
                    pass' ;;
	model) code='
import glob, json, mmap, random, struct
tensors = []
for path in sorted(glob.glob("/srv/model/*")):
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    size, = struct.unpack("<Q", data[:8])
    tensors += [(data, 8 + size, *t["data_offsets"]) for t in json.loads(data[8:8 + size]).values()]
# one model of several: 20 tensors of 25 MB, each from front to back by pages
for data, base, start, end in random.Random(1).sample(tensors, min(20, len(tensors))):
    for off in range(base + start, base + end, 4096):
        data[off]' ;;
	*) die "no program is known for the image $1" ;;
	esac
	JOB=(sh -c 'echo started; exec python3 -c "$1"' job "$code
print('ready', flush=True)")
}

# may_make WHAT: whether something slow may be made now (-k)
may_make() {
	[ -n "${ONLY_MADE:-}" ] || return 0
	echo "$1 has not been made: startup.sh prepare"
	return 1
}

# ---- lazyrun ----

USER_ID=$(id -u games 2>/dev/null || echo 1234)
NEAR_USER=(nsenter "--net=/run/netns/$NEAR" setpriv "--reuid=$USER_ID"
	"--regid=$USER_ID" --clear-groups --inh-caps=-all env -i
	PATH=/usr/local/bin:/usr/bin:/bin "HOME=$DATA/home" "SSL_CERT_FILE=$DATA/ca.pem")

fresh_cache() { # DIR
	# Removed at the end: for seconds after many files were removed, ext4 is slow
	# to make new ones, in whatever runs next.
	if [ -e "$1" ]; then
		mkdir -p "$DATA/removed"
		mv "$1" "$(mktemp -d "$DATA/removed/XXXXXX")/"
	fi
	mkdir -p "$1" "$DATA/home"
	chown "$USER_ID:$USER_ID" "$1" "$DATA/home"
}

# made_index IMAGE: its index, made once from the layout
made_index() {
	mkdir -p "$DATA/indexes"
	[ -f "$DATA/indexes/$1.lzi" ] || {
		"$LAZYRUN" -q --cache-dir "$DATA/index-cache" index \
			"oci:$DATA/layouts/$1:1" -o "$DATA/indexes/$1.lzi" || return
		rm -rf "$DATA/index-cache"
	}
}

# lazyrun_command CACHE PROFILE IMAGE [OPTION...]: sets CMD
# Only the warm start has a hot tree: elsewhere its builder would work on while
# the next tool is measured, in a cache that is about to be removed.
HOT_TREE=off
lazyrun_command() {
	local cache=$1 profile=$2 image=$3
	shift 3
	job "$image"
	CMD=("${NEAR_USER[@]}" "LAZYRUN_CACHEDIR=$cache" "LAZYRUN_PROFILE=$profile"
		"LAZYRUN_HOT_TREE=$HOT_TREE" "LAZYRUN_TRACE=$TRACE"
		"LAZYRUN_STATISTICS=$STATISTICS" "$LAZYRUN" -q exec --no-home --pwd / "$@"
		"docker://$REGISTRY/$image:1" "${JOB[@]}")
}

has_profiles() { "$LAZYRUN" profile --help >/dev/null 2>&1; }

make_lazyrun() { made_index "$1"; }
prepare_lazyrun() {
	fresh_cache "$DATA/cache" &&
		lazyrun_command "$DATA/cache" off "$1" --index "$DATA/indexes/$1.lzi"
}

make_lazyrun_warm() { made_index "$1"; }
# A job that read something new leaves a process behind that makes the hot tree,
# for seconds, once.  What is measured is a start after it: waits until no lazyrun
# works in the cache DIR any more, a minute at most.
await_idle_cache() { # DIR
	local i pid works
	for i in $(seq 600); do
		works=
		for pid in $(pidof -x "$LAZYRUN"); do
			! tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null |
				grep -qxF "LAZYRUN_CACHEDIR=$1" || works=$pid
		done
		[ -n "$works" ] || return 0
		sleep 0.1
	done
	echo "process $works is still at work in $1"
	return 1
}
prepare_lazyrun_warm() {
	# kept from run to run, as a node keeps it; made anew for another binary
	local cache=$DATA/warm/$1
	mkdir -p "$DATA/warm"
	[ "$cache" -nt "$LAZYRUN" ] || fresh_cache "$cache"
	HOT_TREE=auto lazyrun_command "$cache" auto "$1" --index "$DATA/indexes/$1.lzi"
	"${CMD[@]}" && rm -f "$TRACE" "$STATISTICS" && await_idle_cache "$cache"
}

prepare_lazyrun_no_index() {
	fresh_cache "$DATA/cache" && lazyrun_command "$DATA/cache" off "$1"
}

make_lazyrun_pull() { made_index "$1"; }
prepare_lazyrun_pull() {
	fresh_cache "$DATA/cache"
	lazyrun_command "$DATA/cache" off "$1" --index "$DATA/indexes/$1.lzi"
	local exec=("${CMD[@]}")
	CMD=(bash -c '"${@:2:$1}" >&2 && echo pulled && shift "$(($1 + 1))" && exec "$@"' x)
	local pull=("${NEAR_USER[@]}" "LAZYRUN_CACHEDIR=$DATA/cache" "$LAZYRUN" -q pull
		--index "$DATA/indexes/$1.lzi" "docker://$REGISTRY/$1:1")
	CMD+=("${#pull[@]}" "${pull[@]}" "${exec[@]}")
}

missing_lazyrun_profile() { has_profiles || echo "this lazyrun has no profiles"; }
# Learned once for each binary, as any earlier job of that kind would have.
make_lazyrun_profile() {
	local profile=$DATA/home/$1.profile
	made_index "$1" || return
	[ ! "$profile" -nt "$LAZYRUN" ] || return 0
	fresh_cache "$DATA/training"
	lazyrun_command "$DATA/training" auto "$1" --index "$DATA/indexes/$1.lzi"
	"${CMD[@]}" && "${CMD[@]}" || return
	"${NEAR_USER[@]}" "LAZYRUN_CACHEDIR=$DATA/training" "$LAZYRUN" -q profile \
		export --index "$DATA/indexes/$1.lzi" -o "$profile" \
		"docker://$REGISTRY/$1:1" || return
	rm -rf "$DATA/training"
}
prepare_lazyrun_profile() {
	fresh_cache "$DATA/cache"
	lazyrun_command "$DATA/cache" "$DATA/home/$1.profile" "$1" \
		--index "$DATA/indexes/$1.lzi"
}

missing_lazyrun_sif() { missing_sid; }
make_lazyrun_sif() { made_sif "$1"; }
# of_sif IMAGE: CMD's image becomes its SIF on the web server
of_sif() {
	local i
	for i in "${!CMD[@]}"; do
		[ "${CMD[i]}" != "docker://$REGISTRY/$1:1" ] || CMD[i]=$WEB/$1.sif
	done
}
prepare_lazyrun_sif() {
	fresh_cache "$DATA/cache"
	lazyrun_command "$DATA/cache" off "$1"
	of_sif "$1"
}

# The one conversion that lazyrun's users have: what `apptainer build` makes.
missing_lazyrun_converted() { missing_sid; }
make_lazyrun_converted() {
	local index=$DATA/indexes/$1.sif.lzi
	made_sif "$1" || return
	mkdir -p "$DATA/indexes"
	[ -f "$index" ] ||
		"$LAZYRUN" -q --cache-dir "$DATA/index-cache" index "$DATA/www/$1.sif" -o "$index" &&
		rm -rf "$DATA/index-cache"
}
prepare_lazyrun_converted() {
	fresh_cache "$DATA/cache"
	lazyrun_command "$DATA/cache" off "$1" --index "$DATA/indexes/$1.sif.lzi"
	of_sif "$1"
}

missing_lazyrun_osdf() {
	missing_sid
	command -v xrootd >/dev/null || echo "xrootd is not installed"
}
make_lazyrun_osdf() { made_sif "$1"; }
# The federation is started when it is first needed, the cache emptied each time.
need_osdf() {
	if [ -z "${FEDERATION_PORT:-}" ]; then
		start_osdf "$LINK-far" "$FAR_IP"
	else
		fresh_osdf_cache "$LINK-far"
	fi
}
prepare_lazyrun_osdf() {
	local i
	need_osdf && fresh_cache "$DATA/cache" || return
	lazyrun_command "$DATA/cache" off "$1" --insecure
	for i in "${!CMD[@]}"; do
		[ "${CMD[i]}" != "docker://$REGISTRY/$1:1" ] ||
			CMD[i]=pelican://$FAR_IP:$FEDERATION_PORT/ns/$1.sif
	done
}

missing_bwrap_warm() {
	command -v bwrap umoci >/dev/null || echo "bwrap and umoci are not installed"
}
make_bwrap_warm() {
	local bundle=$DATA/unpacked/$1
	[ ! -f "$bundle/.complete" ] || return 0
	may_make "$bundle" || return
	mkdir -p "$DATA/unpacked"
	rm -rf "$bundle"
	umoci unpack --image "$DATA/layouts/$1:1" "$bundle" >/dev/null || return
	chmod 755 "$bundle" "$bundle/rootfs"
	touch "$bundle/.complete"
}
prepare_bwrap_warm() {
	local bundle=$DATA/unpacked/$1
	job "$1"
	CMD=("${NEAR_USER[@]}" bwrap --ro-bind
		"$bundle/rootfs" / --dev /dev --proc /proc --tmpfs /tmp --chdir /
		"${JOB[@]}")
	"${CMD[@]}"
}

# ---- the tools of the other tree ----

INSID=${INSID:-}
SID_PID=
# in that tree: of this LINK alone, so that two benchmarks may share a tree
SID_WORK=/work/startup-${LINK:-startup}
SID_CA=usr/local/share/ca-certificates/lazyrun-${LINK:-startup}.crt

missing_sid() {
	[ -d "${PEERS:-/nowhere}/sid/usr" ] || { echo "no tree at \$PEERS/sid"; return; }
	[ -x "${INSID:-/nowhere}" ] || echo "INSID is not set"
}
missing_soci() { missing_sid; }
missing_podman() { missing_sid; }
missing_containerd() { missing_sid; }
missing_apptainer_build() { missing_sid; }
missing_apptainer_sif() { missing_sid; }
missing_apptainer_sif_warm() { missing_sid; }

# in_sid COMMAND...: in the tree, in the near namespace; every command in the
# same mount namespace, because one daemon's mounts must be seen by another
in_sid() { nsenter -t "$SID_PID" -m -n -r -w "$@"; }
SID_COMMAND() { CMD=(nsenter -t "$SID_PID" -m -n -r -w "$@"); }

tools_up() {
	[ -z "$(missing_sid)" ] || return 0
	local i work=$PEERS/sid$SID_WORK
	cp "$DATA/ca.pem" "$PEERS/sid/$SID_CA"
	mkdir -p "$work/sif" "$work/layout"
	chmod 1777 "$work/sif"
	# pivoting and mounting takes a moment: "up" says that it is over
	rm -f "$work/up"
	PEERS=$PEERS nsenter --net="/run/netns/$NEAR" "$INSID" \
		sh -c 'echo $$ >"$1/up"; exec sleep 86400' x "$SID_WORK" &
	SID_PID=$!
	for i in $(seq 100); do
		[ ! -s "$work/up" ] || break
		sleep 0.1
	done
	in_sid update-ca-certificates >/dev/null 2>&1
}

tools_down() {
	[ -n "${SID_PID:-}" ] || return 0
	stop_containerd
	in_sid rm -rf "$SID_WORK" "/$SID_CA"
	in_sid update-ca-certificates --fresh >/dev/null 2>&1
	kill "$SID_PID" 2>/dev/null
	SID_PID=
}

# made_sif IMAGE: a SIF of it, made once, on the web server
made_sif() {
	local sif=$DATA/www/$1.sif
	[ ! -f "$sif" ] || return 0
	may_make "$sif" || return
	local work=$PEERS/sid$SID_WORK
	cp -al "$DATA/layouts/$1" "$work/layout/$1" 2>/dev/null ||
		cp -a "$DATA/layouts/$1" "$work/layout/$1"
	in_sid su -s /bin/bash u1 -c "cd $SID_WORK/sif && apptainer -q build $1.sif oci:$SID_WORK/layout/$1" || return
	mv "$work/sif/$1.sif" "$sif"
	chmod 644 "$sif"
	rm -rf "$work/layout/$1"
}

quoted_job() { job "$1"; printf '%q ' "${JOB[@]}"; }

prepare_apptainer_build() {
	in_sid sh -c "rm -f $SID_WORK/sif/*.sif"
	in_sid su -s /bin/bash u1 -c "rm -rf ~/.apptainer/cache"
	SID_COMMAND su -s /bin/bash u1 -c "cd $SID_WORK/sif && apptainer -q build x.sif \
		docker://$REGISTRY/$1:1 >&2 && echo pulled && \
		exec apptainer -q exec x.sif $(quoted_job "$1")"
}
make_apptainer_sif() { made_sif "$1"; }
prepare_apptainer_sif() {
	in_sid sh -c "rm -f $SID_WORK/sif/*.sif"
	# curl is not in the tree: the host's, in the same network
	CMD=(bash -c 'curl -sf --cacert "$1" -o "$2" "$3" && echo pulled && shift 3 && exec "$@"'
		x "$DATA/ca.pem" "$PEERS/sid$SID_WORK/sif/x.sif" "$WEB/$1.sif")
	CMD=(nsenter "--net=/run/netns/$NEAR" "${CMD[@]}"
		nsenter -t "$SID_PID" -m -n -r -w su -s /bin/bash u1 -c
		"exec apptainer -q exec $SID_WORK/sif/x.sif $(quoted_job "$1")")
}
make_apptainer_sif_warm() { made_sif "$1"; }
missing_osdf_apptainer() { missing_lazyrun_osdf; }
make_osdf_apptainer() { made_sif "$1"; }
prepare_osdf_apptainer() {
	local i
	need_osdf && prepare_apptainer_sif "$1" || return
	for i in "${!CMD[@]}"; do
		[ "${CMD[i]}" != "$WEB/$1.sif" ] || CMD[i]=http://$FAR_IP:11095/ns/$1.sif
	done
}
prepare_apptainer_sif_warm() {
	cp "$DATA/www/$1.sif" "$PEERS/sid$SID_WORK/sif/x.sif"
	SID_COMMAND su -s /bin/bash u1 -c "exec apptainer -q exec $SID_WORK/sif/x.sif $(quoted_job "$1")"
	"${CMD[@]}"
}

prepare_podman() {
	local podman="podman --root $SID_WORK/podman --runroot $SID_WORK/podman-run"
	in_sid sh -c "$podman rmi -a -f" >/dev/null 2>&1
	SID_COMMAND bash -c "$podman pull -q $REGISTRY/$1:1 >&2 && echo pulled && \
		exec $podman run --rm --network none --runtime runc $REGISTRY/$1:1 $(quoted_job "$1")"
}
after_podman() {
	in_sid sh -c "podman --root $SID_WORK/podman --runroot $SID_WORK/podman-run rmi -a -f" >/dev/null 2>&1
}

# start_containerd: with SOCI as a snapshotter, both with empty stores
start_containerd() {
	local config=$PEERS/sid$SID_WORK/containerd.toml i
	stop_containerd
	in_sid sh -c "rm -rf $SID_WORK/ctd $SID_WORK/soci; mkdir -p $SID_WORK/ctd $SID_WORK/soci /run/soci"
	cat >"$config" <<-END
	version = 2
	root = "$SID_WORK/ctd/root"
	state = "$SID_WORK/ctd/state"
	[grpc]
	  address = "$SID_WORK/ctd/containerd.sock"
	[proxy_plugins.soci]
	  type = "snapshot"
	  address = "$SID_WORK/soci/soci.sock"
	[proxy_plugins.stargz]
	  type = "snapshot"
	  address = "$SID_WORK/stargz/stargz.sock"
	END
	nsenter -t "$SID_PID" -m -n -r -w env HOME=/root soci-snapshotter-grpc \
		--address $SID_WORK/soci/soci.sock --root $SID_WORK/soci/root >>"$OUT/logs/soci.log" 2>&1 &
	SOCI_PID=$!
	nsenter -t "$SID_PID" -m -n -r -w containerd -c $SID_WORK/containerd.toml \
		>>"$OUT/logs/containerd.log" 2>&1 &
	CONTAINERD_PID=$!
	for i in $(seq 100); do
		in_sid ctr -a $SID_WORK/ctd/containerd.sock version >/dev/null 2>&1 &&
			[ -S "$PEERS/sid$SID_WORK/soci/soci.sock" ] && return
		sleep 0.1
	done
	return 1
}
stop_containerd() {
	local pid
	for pid in ${CONTAINERD_PID:-} ${SOCI_PID:-}; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	CONTAINERD_PID='' SOCI_PID=''
	[ -z "${SID_PID:-}" ] || in_sid sh -c 'grep -o "$1/\(soci\|stargz\|ctd\)/[^ ]*" /proc/self/mounts |
		sort -r | while read -r m; do umount -l "$m"; done' x "$SID_WORK" 2>/dev/null
}

CTR="ctr -a $SID_WORK/ctd/containerd.sock"
prepare_containerd() {
	start_containerd || return
	SID_COMMAND bash -c "$CTR image pull $REGISTRY/$1:1 >&2 && echo pulled && \
		exec $CTR run --rm $REGISTRY/$1:1 bench-$$ $(quoted_job "$1")"
}
after_containerd() { stop_containerd; }

# made_soci_index IMAGE: in the registry, made once
made_soci_index() {
	[ ! -s "$DATA/indexes/$1.soci" ] || return 0
	may_make "the SOCI index of $1" || return
	mkdir -p "$DATA/indexes"
	start_containerd || return
	in_sid sh -c "$CTR image pull $REGISTRY/$1:1 >/dev/null &&
		soci -a $SID_WORK/ctd/containerd.sock create $REGISTRY/$1:1 &&
		soci -a $SID_WORK/ctd/containerd.sock push $REGISTRY/$1:1" >&2 || return
	in_sid soci -a $SID_WORK/ctd/containerd.sock index list -q --ref "$REGISTRY/$1:1" |
		head -n 1 >"$DATA/indexes/$1.soci"
	stop_containerd
}
make_soci() { made_soci_index "$1"; }
prepare_soci() {
	start_containerd || return
	SID_COMMAND bash -c "soci -a $SID_WORK/ctd/containerd.sock image rpull \
		--soci-index-digest $(cat "$DATA/indexes/$1.soci") $REGISTRY/$1:1 >&2 && echo pulled && \
		exec $CTR run --rm --snapshotter soci $REGISTRY/$1:1 bench-$$ $(quoted_job "$1")"
}
after_soci() { stop_containerd; }

# stargz: an image in the registry converted to eStargz (once), a snapshotter
# beside containerd.
missing_stargz() {
	missing_sid
	[ -n "$(missing_sid)" ] || [ -x "$PEERS/sid/usr/bin/containerd-stargz-grpc" ] ||
		echo "the tree has no containerd-stargz-grpc: Debian's stargz-snapshotter packages ctr-remote alone"
}
STARGZ_PID=
start_stargz() {
	local i
	in_sid sh -c "rm -rf $SID_WORK/stargz; mkdir -p $SID_WORK/stargz"
	nsenter -t "$SID_PID" -m -n -r -w env HOME=/root containerd-stargz-grpc \
		--address "$SID_WORK/stargz/stargz.sock" --root "$SID_WORK/stargz/root" >>"$OUT/logs/stargz.log" 2>&1 &
	STARGZ_PID=$!
	for i in $(seq 100); do
		[ ! -S "$PEERS/sid$SID_WORK/stargz/stargz.sock" ] || return 0
		sleep 0.1
	done
	return 1
}
make_stargz() {
	[ ! -e "$DATA/indexes/$1.estargz" ] || return 0
	may_make "the eStargz of $1" || return
	start_containerd || return
	in_sid sh -c "$CTR image pull $REGISTRY/$1:1 >/dev/null &&
		ctr-remote -a $SID_WORK/ctd/containerd.sock image convert --estargz --oci $REGISTRY/$1:1 $REGISTRY/$1:esgz &&
		$CTR image push $REGISTRY/$1:esgz" >&2 || return
	stop_containerd
	touch "$DATA/indexes/$1.estargz"
}
prepare_stargz() {
	start_stargz && start_containerd || return
	SID_COMMAND bash -c "ctr-remote -a $SID_WORK/ctd/containerd.sock image rpull $REGISTRY/$1:esgz >&2 && echo pulled && \
		exec $CTR run --rm --snapshotter stargz $REGISTRY/$1:esgz bench-$$ $(quoted_job "$1")"
}
after_stargz() {
	stop_containerd
	kill "$STARGZ_PID" 2>/dev/null
	wait "$STARGZ_PID" 2>/dev/null
	STARGZ_PID=
}

# ---- choosing ----

why_missing() {
	! declare -F "missing_${1//-/_}" >/dev/null || "missing_${1//-/_}"
}

tools_list() {
	local tool reason
	echo "images: scipy torch-cuda files model"
	for tool in $ALL_TOOLS; do
		reason=$(why_missing "$tool")
		printf '%-20s %s%s\n' "$tool" "$(describe "$tool")" "${reason:+ -- cannot run: $reason}"
	done
}

# Of the tools that were asked for (all) those that can run; the others, and why,
# are lines "*<tab>TOOL<tab>REASON" of LEFT_OUT, and rows of the table.
LEFT_OUT=
tools_choose() {
	local tool reason chosen=
	for tool in ${TOOLS:-$ALL_TOOLS}; do
		reason=${tool%=*}
		declare -F "prepare_${reason//-/_}" >/dev/null || die "no tool $reason; startup.sh list"
		reason=$(why_missing "$reason")
		if [ -n "$reason" ]; then
			say "$tool is left out: $reason"
			LEFT_OUT+="*	${tool%=*}	${reason//$'\n'/; }"$'\n'
		else
			chosen+=" $tool"
		fi
	done
	TOOLS=$chosen
}
