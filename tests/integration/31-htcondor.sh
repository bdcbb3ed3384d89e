#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 120
# HTCondor's file transfer plugin: the image becomes a stub, other files go to
# the pool's own plugin, and lazyrun opens the stub.  A whole pool is in
# tests/acceptance/htcondor.sh.
. "$(dirname "$0")/lib.sh"
need umoci
layout=$(image_layout tiny)
serve "$layout"
IMAGE=docker://127.0.0.1:$PORT/tiny:1
cd / || exit 1
PLUGIN=$ROOT/tools/htcondor/lazyrun-transfer
user_folder "$WORK/bin" "$WORK/scratch"
ln -s "$LAZYRUN" "$WORK/bin/lazyrun"
cat >"$WORK/bin/other-plugin" <<'EOF'
#!/bin/sh
cp "$2" "$2.seen"
printf '[ TransferSuccess = true; TransferUrl = "osdf:///data" ]\n' >"$4"
[ "$5" != -upload ] || echo uploaded >"$4"
EOF
chmod 755 "$WORK/bin/other-plugin"
# as HTCondor calls it; DELEGATE by a stand-in for /etc/lazyrun/htcondor.sh
sed "s#/etc/lazyrun/htcondor.sh#$WORK/htcondor.sh#g" "$PLUGIN" >"$WORK/bin/plugin"
chmod 755 "$WORK/bin/plugin"
echo "DELEGATE=$WORK/bin/other-plugin" >"$WORK/htcondor.sh"
plugin() { as_user env "PATH=$WORK/bin:$PATH" "_CONDOR_JOB_AD=$WORK/job.ad" "$WORK/bin/plugin" "$@"; }

contains "methods" 'SupportedMethods = "osdf,pelican,stash"' "$(plugin -classad)"
# as 25.14 writes it
printf 'ClusterId = 1\nContainerImage = "tiny:1"\nContainerImageFullPath = "%s"\n' "$IMAGE" >"$WORK/job.ad"
cat >"$WORK/scratch/in" <<EOF
[ LocalFileName = "$WORK/scratch/x.sif"; Url = "$IMAGE" ]
[ LocalFileName = "$WORK/scratch/data.sif"; Url = "osdf:///data" ]
EOF
plugin -infile "$WORK/scratch/in" -outfile "$WORK/scratch/out"
equal "both transferred" 0 $?
equal "an answer for each" 2 "$(grep -c 'TransferSuccess = true' "$WORK/scratch/out")"
contains "the rest went to the other plugin" osdf:///data "$(cat "$WORK/scratch/out.rest.seen")"
equal "the image did not" 0 "$(grep -c "$IMAGE" "$WORK/scratch/out.rest.seen")"
contains "a stub" "url: $IMAGE" "$(cat "$WORK/scratch/x.sif")"
equal "lazyrun opens the stub" hello "$(as_user "$LAZYRUN" -q exec "$WORK/scratch/x.sif" echo hello)"
equal "an upload is the other plugin's" uploaded "$(plugin -infile "$WORK/scratch/in" \
	-outfile "$WORK/scratch/up" -upload; cat "$WORK/scratch/up")"

# as an older HTCondor does
for name in tiny:1 "$IMAGE"; do
	printf 'ContainerImage = "%s"\n' "$name" >"$WORK/job.ad"
	rm "$WORK/scratch/x.sif"
	plugin -infile "$WORK/scratch/in" -outfile "$WORK/scratch/out"
	contains "a stub, by $name" "url: $IMAGE" "$(cat "$WORK/scratch/x.sif")"
done
printf 'ContainerImage = "iny:1"\n' >"$WORK/job.ad"
plugin -infile "$WORK/scratch/in" -outfile "$WORK/scratch/out"
equal "only the job's image" 2 "$(grep -c Url "$WORK/scratch/out.rest.seen")"

# an image that is not there: the transfer fails with the reason
printf 'ContainerImage = "tiny:no"\n' >"$WORK/job.ad"
sed 's/tiny:1/tiny:no/; 2d' "$WORK/scratch/in" >"$WORK/scratch/in2"
chown "$(stat -c %u "$WORK/scratch")" "$WORK/scratch/in2"
plugin -infile "$WORK/scratch/in2" -outfile "$WORK/scratch/out2" 2>"$WORK/err" &&
	fault "an image that is not there was transferred"
contains "the reason" 'TransferSuccess = false; TransferError = "' "$(cat "$WORK/scratch/out2")"

# a stub that was changed, or damaged
sed 's/^digest: .*/digest: sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff/' \
	"$WORK/scratch/x.sif" >"$WORK/other.sif"
as_user "$LAZYRUN" exec "$WORK/other.sif" echo hello >"$WORK/out" 2>"$WORK/err"
equal "an image that was replaced runs" hello "$(cat "$WORK/out")"
contains "and a warning says so" "it was replaced meanwhile" "$(cat "$WORK/err")"
printf 'lazyrun-stub 1\nurl: /etc/passwd\n' >"$WORK/bad.sif"
as_user "$LAZYRUN" exec "$WORK/bad.sif" true 2>"$WORK/err" && fault "a stub to a local file ran"
contains "a stub to a local file" "not a URL" "$(cat "$WORK/err")"

# SINGULARITY_USE_LAUNCHER: HTCondor's script, as it calls it; and what it does,
# done by lazyrun, in an image without a shell
user_folder "$WORK/scratch/job" "$WORK/noshell"
mkdir -p "$WORK/noshell/bin" "$WORK/noshell/tmp"
cp /bin/busybox "$WORK/noshell/bin/"
printf '%s\n' '#!/bin/sh' ':> $_CONDOR_SCRATCH_DIR/.condor_container_launched' 'exec "$@"' >"$WORK/launcher"
chmod 755 "$WORK/launcher"
mark=$WORK/scratch/job/.condor_container_launched
launched() { # IMAGE WORD...
	local image=$1
	shift
	as_user env "_CONDOR_SCRATCH_DIR=/gone" "APPTAINERENV__CONDOR_SCRATCH_DIR=/srv" \
		"$LAZYRUN" -q exec --exit-style=apptainer -B "$WORK/launcher:/condor_container_launcher.sh" \
		-B "$WORK/scratch/job:/srv" -C "$image" /condor_container_launcher.sh "$@"
}
for image in "$WORK/noshell" "$IMAGE"; do
	rm -f "$mark"
	equal "the job behind the launcher in $image" "a b" "$(launched "$image" /bin/busybox echo "a b")"
	[ -e "$mark" ] || fault "no mark of the start in $image"
done
rm -f "$mark"
launched "$WORK/noshell" /no/such 2>/dev/null
equal "a job that cannot be executed" "255 marked" "$? $([ -e "$mark" ] && echo marked)"
rm -f "$mark"
launched docker://127.0.0.1:1/no:1 /bin/busybox true 2>/dev/null
equal "an image that cannot be had" "255 unmarked" "$? $([ -e "$mark" ] || echo unmarked)"
chmod 555 "$WORK/scratch/job"
launched "$WORK/noshell" /bin/busybox true 2>"$WORK/err"
equal "no place for the mark" 255 $?
contains "no place for the mark" "cannot make /srv/.condor_container_launched" "$(cat "$WORK/err")"
chmod 755 "$WORK/scratch/job"
