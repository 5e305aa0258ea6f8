#!/usr/bin/env bash
# Fuzzes every target for FUZZTIME (10m), FUZZJOBS (1) of them at a time: one alone uses all
# processors, several use one each. "scripts/fuzz.sh PACKAGE TARGET" fuzzes one. Fails if a
# target does, and says how to see it again.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${FUZZTIME:-10m} FUZZJOBS=${FUZZJOBS:-1}

# targets prints "PACKAGE TARGET" lines.
targets() {
	grep -rnoE '^func Fuzz[A-Za-z0-9_]*' --include=*_test.go . | sed -E 's#^(.*)/[^/]*:[0-9]+:func (Fuzz.*)#\1 \2#' | sort
}

# fuzz_one fuzzes a target and prints what it says in one piece.
fuzz_one() {
	local package=$1 target=$2 log status=0 flags=()
	[ "$FUZZJOBS" = 1 ] || flags=(-parallel 1)
	log=$(mktemp)
	# Without the race detector: it is ten times slower, and nothing here is concurrent.
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 20x "${flags[@]}" "$package" >"$log" 2>&1 || status=$?
	# Between -fuzztime's end and that of the workers, Go before 1.27 may report the end itself as a
	# failure (go.dev/issue/75804). It is one only if there is nothing else: no input, no panic.
	if [ "$status" -ne 0 ] && [ "$(sed -n '/^--- FAIL: /,$p' "$log" | grep -vE '^(--- FAIL: .*|FAIL.*|exit status 1)$')" = "    context deadline exceeded" ]; then
		status=0
	fi
	if [ "$status" -eq 0 ]; then
		echo "== $package $target: $(grep -E '^fuzz: elapsed: .*execs' "$log" | tail -n 1 | sed 's/^fuzz: //')"
	else
		echo "== $package $target FAILED"
		grep -vE '^fuzz: elapsed' "$log" || true
		again "$package" "$target" "$log"
	fi
	rm -f "$log"
	return "$status"
}

# again says how to see a failure again.
again() {
	local package=$1 target=$2 log=$3 input file
	input=$(sed -nE "s#.*(Failing input written to testdata/fuzz/|seed corpus entry: )($target/[^ ]+).*#\\2#p" "$log" | head -n 1)
	if [ -z "$input" ]; then
		echo "   See it again with: FUZZTIME=$FUZZTIME scripts/fuzz.sh $package $target"
		return
	fi
	echo "   See it again with: go test -run '^$input\$' $package"
	file=$package/testdata/fuzz/$input
	if [ -e "$file" ]; then
		echo "   It reads $file; commit that with what mends it, and every test run tries it:"
		sed 's/^/   | /' "$file" | cut -c 1-2000
	fi
}

if [ $# -eq 2 ]; then
	fuzz_one "$@"
	exit
fi
list=$(targets)
if [ "$FUZZJOBS" != 1 ]; then # or each of them would compile the same
	for package in $(cut -d ' ' -f 1 <<<"$list" | uniq); do
		go test -c -fuzz . -o /dev/null "$package"
	done
fi
xargs -P "$FUZZJOBS" -n 2 scripts/fuzz.sh <<<"$list"
