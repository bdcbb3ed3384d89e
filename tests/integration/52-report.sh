#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# What the benchmarks make of their measurements: medians, failures, ratios, the
# verdict on the matrix; plots where matplotlib is there; a run's times.
. "$(dirname "$0")/lib.sh"
BENCH=$ROOT/bench
mkdir "$WORK/results" "$WORK/results/traces"
echo "2 cores, made up" >"$WORK/results/conditions.txt"
{
	echo "date,image,rtt_ms,rate_mbit,tool,run,pulled_s,started_s,ready_s,exit_s,status,wire_bytes,requests,load"
	for run in 1 2 3; do
		echo "x,scipy,20,1000,lazyrun,$run,,0.5,$run.5,$run.6,0,40000000,276,1"
		echo "x,scipy,20,1000,lazyrun-profile,$run,,0.4,1.25,1.3,0,41000000,57,1"
		echo "x,scipy,20,1000,lazyrun-pull,$run,1.5,1.6,2.0,2.1,0,404000000,90,1"
		echo "x,scipy,80,1000,lazyrun,$run,,1,9.0,9.1,0,40000000,276,1"
	done
	echo "x,scipy,20,1000,soci,1,2.0,2.5,9.0,9.5,0,91000000,300,1"
	echo "x,scipy,20,1000,soci,2,,,,900.0,124,0,0,1"
	echo "x,scipy,20,1000,podman,1,,,,1.0,125,0,0,1"
} >"$WORK/results/results.csv"
cat >"$WORK/results/traces/scipy-20-1000-lazyrun-2.jsonl" <<'END'
{"ms":1.0,"pid":7,"event":"mounted"}
{"ms":40.0,"pid":7,"event":"request","url":"https://x/1","status":200,"bytes":600,"new_connection":true,"queued_ms":1,"started_ms":2,"connected_ms":22,"first_byte_ms":39}
{"ms":90.0,"pid":7,"event":"request","url":"https://x/2","status":206,"bytes":9000,"new_connection":false,"offset":0,"size":9000,"queued_ms":41,"started_ms":42,"first_byte_ms":65}
{"ms":100.0,"pid":7,"event":"exec"}
{"ms":2500.0,"pid":7,"event":"exit"}
END
python=python3
"$python" -c 'import matplotlib' 2>/dev/null || python=/usr/bin/python3
"$python" "$BENCH/startup_report.py" "$WORK/results" >"$WORK/out" 2>"$WORK/err" ||
	{ fault "startup_report.py"; cat "$WORK/err"; }
report=$(cat "$WORK/results/results.md")
contains "conditions" "2 cores, made up" "$report"
contains "a median and its range" "| lazyrun, no profile | 3 |  | 0.50 | 2.50 (1.50–3.50) | 2.60 | 40.0 | 276 |" "$report"
contains "a failure beside a success" "| SOCI | 1, 1 failed | 2.00 |" "$report"
contains "a tool that only fails" "| podman pull + run | 0, 1 failed (status 125): it said nothing |" "$report"
contains "a ratio" "SOCI 7.20" "$report"
contains "the matrix" "| scipy, 20 ms, 1000 Mbit/s | 2.00 | 1.25 | 0.62 | 2.50 | 1.25 **over** |" "$report"
if "$python" -c 'import matplotlib' 2>/dev/null; then
	for plot in ready-scipy-20-1000 wire_bytes-scipy-20-1000 requests-scipy-20-1000 \
		waterfall-scipy-20-1000-lazyrun ready-rtt-scipy; do
		[ -s "$WORK/results/$plot.svg" ] && [ -s "$WORK/results/$plot.png" ] ||
			fault "no plot $plot"
	done
else
	echo "no matplotlib: plots are not checked"
fi

times=$("$BENCH/timed.py" 20 "$WORK/log" sh -c 'echo started; echo other; echo ready; exit 3')
contains "the exit status" '"status": 3' "$times"
contains "what was not printed" '"pulled_s": null' "$times"
case $times in *'"ready_s": null'*) fault "ready was printed: $times" ;; esac
equal "other output" other "$(cat "$WORK/log")"
times=$("$BENCH/timed.py" 0.5 "$WORK/log" sh -c 'echo started; sleep 50')
contains "a run that lasts" '"status": 124' "$times"
# what it left in the background does not make it longer
times=$("$BENCH/timed.py" 20 "$WORK/log" sh -c 'sleep 3 & exit 0')
at_most "seconds to an end with a child left" 2 \
	"$(echo "$times" | sed 's/.*"exit_s": \([0-9.]*\).*/\1/')"

mkdir -p "$WORK/layout/tiny/blobs/sha256"
manifest='{"config":{"digest":"sha256:c0"},"layers":[{"digest":"sha256:1a"}]}'
echo config >"$WORK/layout/tiny/blobs/sha256/c0"
echo layer >"$WORK/layout/tiny/blobs/sha256/1a"
echo "$manifest" >"$WORK/layout/tiny/blobs/sha256/ab"
echo '{"manifests":[{"mediaType":"x","digest":"sha256:ab"}]}' >"$WORK/layout/tiny/index.json"
"$BENCH/registry_tree.py" "$WORK/registry" "$WORK/layout/tiny" || fault "registry_tree.py"
tree=$WORK/registry/docker/registry/v2
equal "a layer" layer "$(cat "$tree/blobs/sha256/1a/1a/data")"
equal "the tag" sha256:ab "$(cat "$tree/repositories/tiny/_manifests/tags/1/current/link")"
END_OF_TAR=$("$BENCH/make_tree.py" files 250 | tar tf - | grep -c '\.dat$')
equal "generated files" 250 "$END_OF_TAR"
equal "the same bytes each time" 1 \
	"$(for i in 1 2; do "$BENCH/make_tree.py" files 20 | sha256sum; done | sort -u | wc -l)"
