#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# Index and profile beside the image: pushed to a real docker-registry (which
# has no referrers API, so by tag), found by a node that has nothing; a layout
# with such artifacts served by `lazyrun serve` (which has the API).
. "$(dirname "$0")/lib.sh"
need umoci
need busybox
need skopeo
need docker-registry
layout=$(image_layout tiny)
lr() { as_user "$LAZYRUN" -q "$@"; }
cd / || exit 1
number() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$WORK/home/statistics"; }
job() {
	rm -f "$WORK/home/statistics"
	as_user "$LAZYRUN" exec --no-home --pwd / --statistics "$WORK/home/statistics" \
		"$@" "$IMAGE" sha256sum /srv/random >/dev/null || fault "the job"
}
fresh_node() { rm -rf "$WORK/cache"; user_folder "$WORK/cache"; }

# a real registry, on a port that is free
mkdir "$WORK/storage"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$WORK/registry.yml" <<YML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $WORK/storage}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$port"}
YML
docker-registry serve "$WORK/registry.yml" >"$WORK/docker-registry.log" 2>&1 &
servers+=($!)
wait_for "docker-registry" curl -sf "http://127.0.0.1:$port/v2/"
skopeo copy -q --dest-tls-verify=false "oci:$layout:1" "docker://127.0.0.1:$port/tiny:1" ||
	fault "skopeo copy"
IMAGE=docker://127.0.0.1:$port/tiny:1

lr profile push "$IMAGE" 2>"$WORK/err"
equal "push without a profile" 1 $?
lr index --push "$IMAGE" || fault "index --push"
job
lr profile push "$IMAGE" || fault "profile push"

# a node that has nothing finds both
fresh_node
job 2>"$WORK/err"
equal "no index is made" "" "$(grep -i 'index' "$WORK/err")"
# what the kernel reads ahead of a program's pages differs by a chunk at times
check_played() { # LABEL
	[ "$(number profile_wanted)" -gt 0 ] || fault "$1: no profile was played"
	at_most "$1: chunks touched that it did not name" 2 \
		"$(($(number chunks_touched) - $(number profile_wanted)))"
}
check_played "the first run's profile"
at_most "HTTP requests of a first run on a node" 20 "$(number http_requests)"
contains "the profile is in the cache" "sha256sum random" "$(lr profile show "$IMAGE")"

# pushed again: the older ones leave the list
lr index --push "$IMAGE" || fault "index --push again"
lr profile push "$IMAGE" || fault "profile push again"
digest=$(lr --json inspect "$IMAGE" | sed -n 's/.*"digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' | head -n 1)
list=$(curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' \
	"http://127.0.0.1:$port/v2/tiny/manifests/${digest/:/-}")
equal "one of each type is listed" "1 1" "$(echo "$list" | python3 -c '
import json, sys
types = [m["artifactType"] for m in json.load(sys.stdin)["manifests"]]
print(types.count("application/vnd.lazyrun.index.v1"), types.count("application/vnd.lazyrun.profile.v1"))')"

# forbidden: the index is made here
fresh_node
job --local-index 2>"$WORK/err"
contains "--local-index" "no index" "$(cat "$WORK/err")"
equal "--local-index, nothing to play" 0 "$(number profile_wanted)"

# profile pull alone
fresh_node
lr profile pull "$IMAGE" || fault "profile pull"
contains "profile pull" "sha256sum random" "$(lr profile show "$IMAGE")"

# an index of another image: refused, and the job runs all the same
mkdir "$WORK/other"
skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$port/tiny:1" "oci:$WORK/other/tiny:1"
python3 - "$WORK/other/tiny" "$list" "http://127.0.0.1:$port/v2/tiny" <<'PY'
# The artifacts as an OCI layout has them, and a second index artifact, made
# later, whose blob is no index.
import hashlib, json, os, sys, urllib.request
root, listed, base = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
index = json.load(open(root + "/index.json"))
def put(data):
    digest = hashlib.sha256(data).hexdigest()
    open(f"{root}/blobs/sha256/{digest}", "wb").write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}
def get(kind, digest):
    request = urllib.request.Request(f"{base}/{kind}/{digest}", headers={
        "Accept": "application/vnd.oci.image.manifest.v1+json"})
    return urllib.request.urlopen(request).read()
for entry in listed["manifests"]:
    manifest = get("manifests", entry["digest"])
    put(manifest)
    for blob in [json.loads(manifest)["config"]] + json.loads(manifest)["layers"]:
        put(get("blobs", blob["digest"]))
    index["manifests"].append({k: entry[k] for k in ("mediaType", "digest", "size")})
json.dump(index, open(root + "/index.json", "w"))
bad = dict(json.loads(manifest), artifactType="application/vnd.lazyrun.index.v1")
bad["layers"] = [dict(put(b"no index" * 1000), mediaType="application/vnd.lazyrun.index.v1")]
bad["annotations"] = {"org.opencontainers.image.created": "2999-01-01T00:00:00Z"}
bad = dict(put(json.dumps(bad).encode()), mediaType="application/vnd.oci.image.manifest.v1+json")
json.dump(dict(index, manifests=index["manifests"] + [bad]), open(root + "/bad.json", "w"))
PY
chmod -R a+rX "$WORK/other"
serve "$WORK/other"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
fresh_node
job
check_played "the profile by the referrers API"
mv "$WORK/other/tiny/bad.json" "$WORK/other/tiny/index.json"
fresh_node
job 2>"$WORK/err"
contains "a bad index beside the image" "not a lazyrun index" "$(cat "$WORK/err")"
contains "and one is made" "no index" "$(cat "$WORK/err")"

# a registry that takes no uploads
lr profile push "$IMAGE" 2>"$WORK/err"
equal "push to a read-only registry" 1 $?
contains "push to a read-only registry" "no uploads" "$(cat "$WORK/err")"
lr profile push "oci:$layout:1" 2>"$WORK/err"
equal "push to a layout" 1 $?
