#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [STEP...]: every test of the project, or the steps named.
#
#   deps         install what is missing (tools/install-deps.sh)
#   release      gcc, optimized: unit, stress, fuzz corpora, lints
#   integration  real mounts, real registries, real images, as a user
#   acceptance   whole batch systems; skipped unless LAZYRUN_ACCEPTANCE is set
#   asan         clang, AddressSanitizer and UBSan, libFuzzer: unit tests, and
#                every fuzz target for FUZZ_SECONDS (6)
#   tsan         clang, ThreadSanitizer: the stress programs
#   tidy         clang-tidy and gcc -fanalyzer over every source file
#
# Each configuration is built once, in BUILD_ROOT (build-tests/).  The last
# line counts what passed; the exit status is 0 only when nothing failed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tools/reach.sh
reach tests/run.sh "$@"
BUILD_ROOT=${BUILD_ROOT:-$PWD/build-tests}
FUZZ_SECONDS=${FUZZ_SECONDS:-6}
passed=0 failed=0 skipped=0

say() { printf '\n=== %s\n' "$*"; }

# count NAME STATUS: 0 passed, 77 skipped, else failed
count() {
	case $2 in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)); echo "SKIPPED $1" ;;
	*) failed=$((failed + 1)); echo "FAILED $1 (status $2)" ;;
	esac
}

# build NAME MESON_ARGUMENT...: configure and compile $BUILD_ROOT/NAME
build() {
	local name=$1
	shift
	if [ ! -f "$BUILD_ROOT/$name/build.ninja" ]; then
		meson setup "$BUILD_ROOT/$name" "$@" >"$BUILD_ROOT/$name.setup" 2>&1 ||
			{ cat "$BUILD_ROOT/$name.setup"; count "configure $name" 1; return 1; }
	fi
	if ! ninja -C "$BUILD_ROOT/$name" >"$BUILD_ROOT/$name.ninja" 2>&1; then
		grep -E -A5 'FAILED|error' "$BUILD_ROOT/$name.ninja" | head -n 60
		count "build $name" 1
		return 1
	fi
	count "build $name" 0
}

# meson_tests BUILD MESON_TEST_ARGUMENT...: run and count single tests
# Each Criterion test is a process of its own: SIGABRT of the program itself is
# Criterion's ("Could not initialize inheritable arena": it draws the address by
# lot, and may find something there; its issue 274).  That one is run again.
meson_tests() {
	local name=$1 log=$BUILD_ROOT/$1/meson-logs/testlog.json
	shift
	meson test -C "$BUILD_ROOT/$name" --no-rebuild --print-errorlogs "$@" |
		grep -vE '^(ninja| *[0-9]+/[0-9]+ .* OK )' | head -n 200
	[ -s "$log" ] || { count "meson test $name" 1; return; }
	while read -r result test; do
		case $result in
		OK | EXPECTEDFAIL) count "$test" 0 ;;
		SKIP) count "$test" 77 ;;
		UNBEGUN)
			echo "Criterion could not begin $test: once more"
			meson test -C "$BUILD_ROOT/$name" --no-rebuild --print-errorlogs \
				--logbase again "${test##*/}"
			count "$name: $test" $?
			;;
		*) count "$name: $test ($result)" 1 ;;
		esac
	done < <(python3 -c '
import json, sys
for line in open(sys.argv[1]):
    test = json.loads(line)
    unbegun = ":unit" in test["name"] and test["returncode"] == -6
    print("UNBEGUN" if unbegun else test["result"], test["name"].replace(" ", ""))' "$log")
}

step_deps() { sh tools/install-deps.sh build demo test; }

step_release() {
	say "release: gcc"
	build release --buildtype=release -Db_ndebug=false &&
		meson_tests release
}

step_integration() {
	say "integration"
	LAZYRUN=$BUILD_ROOT/release/tools/lazyrun
	[ -x "$LAZYRUN" ] || build release --buildtype=release -Db_ndebug=false || return
	export LAZYRUN
	[ -c /dev/fuse ] && [ "$(id -u)" = 0 ] && chmod 666 /dev/fuse
	local script start
	for script in tests/integration/[0-9]*.sh; do
		start=$SECONDS
		timeout -k 10 "$(sed -n 's/^# TIMEOUT: //p' "$script")" \
			bash "$script" >"$BUILD_ROOT/integration.log" 2>&1
		local status=$?
		printf '%-52s %4ds\n' "${script##*/}" $((SECONDS - start))
		[ $status = 0 ] ||
			{ grep FAULT "$BUILD_ROOT/integration.log"
			tail -n 40 "$BUILD_ROOT/integration.log"; }
		count "${script##*/}" $status
	done
}

step_acceptance() {
	say "acceptance"
	local script status
	# the others there are parts of these
	for script in $(grep -l '^# TIMEOUT: ' tests/acceptance/*.sh); do
		if [ -z "${LAZYRUN_ACCEPTANCE:-}" ]; then
			echo "needs a batch system: LAZYRUN_ACCEPTANCE=1 runs it"
			count "${script##*/}" 77
			continue
		fi
		LAZYRUN=$BUILD_ROOT/release/tools/lazyrun BUILD_ROOT=$BUILD_ROOT \
			timeout -k 10 "$(sed -n 's/^# TIMEOUT: //p' "$script")" \
			bash "$script" >"$BUILD_ROOT/acceptance.log" 2>&1
		status=$?
		case $status in
		0) ;;
		77) tail -n 1 "$BUILD_ROOT/acceptance.log" ;;
		*) tail -n 60 "$BUILD_ROOT/acceptance.log" ;;
		esac
		count "${script##*/}" $status
	done
}

step_asan() {
	say "asan: clang, address, undefined, libFuzzer"
	CC=clang build asan -Db_sanitize=address,undefined -Db_lundef=false \
		-Dfuzzers=true --buildtype=debugoptimized || return
	# A leak does not fail a Criterion test: the log files say so.
	rm -f "$BUILD_ROOT"/asan-log.*
	ASAN_OPTIONS=log_path=$BUILD_ROOT/asan-log \
		UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
		meson_tests asan --suite unit --suite stress
	local log
	# of reports that say the same, one
	for log in $(grep -H '^SUMMARY' "$BUILD_ROOT"/asan-log.* 2>/dev/null |
		sort -t: -u -k2 | cut -d: -f1); do
		head -n 40 "$log"
		count "sanitizer report ${log##*/}" 1
	done
	local target stem scratch
	for target in "$BUILD_ROOT"/asan/tests/fuzz/fuzz_*; do
		[ -x "$target" ] && [ -f "$target" ] || continue
		stem=${target##*/fuzz_}
		scratch=$(mktemp -d)
		"$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 \
			-rss_limit_mb=2048 -error_exitcode=1 \
			-artifact_prefix="$BUILD_ROOT/fuzz-$stem-" \
			"$scratch" "tests/fuzz/corpus/$stem" >"$BUILD_ROOT/fuzz-$stem.log" 2>&1
		local status=$?
		[ $status = 0 ] || tail -n 30 "$BUILD_ROOT/fuzz-$stem.log"
		count "fuzz_$stem, $FUZZ_SECONDS s" $status
		rm -rf "$scratch"
	done
}

step_tsan() {
	say "tsan: clang, thread"
	CC=clang build tsan -Db_sanitize=thread -Dunit_tests=disabled \
		-Db_lundef=false --buildtype=debugoptimized || return
	TSAN_OPTIONS=halt_on_error=1 meson_tests tsan --suite stress
}

step_tidy() {
	say "tidy: clang-tidy, gcc -fanalyzer"
	local out=$BUILD_ROOT/tidy.log
	[ -f "$BUILD_ROOT/tsan/compile_commands.json" ] ||
		CC=clang meson setup "$BUILD_ROOT/tsan" -Db_sanitize=thread \
			-Dunit_tests=disabled -Db_lundef=false >/dev/null || return
	git ls-files '*.c' | grep -E '^(common|index|fetch|image|fs|gpu|hot|run|tools)/' |
		xargs -P 2 -n 8 clang-tidy --quiet -p "$BUILD_ROOT/tsan" \
			>"$out" 2>/dev/null
	local status=$?
	grep -E 'warning:|error:' "$out" | sort -u | head -n 40
	count "clang-tidy" $status
	# Off: what gcc 12 sees where a struct's first member is handed out, or
	# a cleanup attribute is at work.  Leaks are LeakSanitizer's.
	build analyzer --buildtype=debugoptimized -Dunit_tests=disabled \
		"-Dc_args=-fanalyzer -Wno-analyzer-too-complex
			-Wno-analyzer-malloc-leak
			-Wno-analyzer-use-of-uninitialized-value"
}

mkdir -p "$BUILD_ROOT"
[ $# -gt 0 ] || set -- deps release integration acceptance asan tsan tidy
for step in "$@"; do
	"step_$step" || count "step $step" 1
done
printf '\n%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
