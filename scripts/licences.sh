#!/usr/bin/env bash
# Checks that all that the program is linked with is under a licence that lets it be passed on
# with a notice alone. It reads the module cache and asks nobody.
set -euo pipefail
cd "$(dirname "$0")/.."
# MPL-2.0 is left out: whoever passes a program on with it must offer that source, which the
# archives of "make release" don't.
allowed=Apache-2.0,BSD-2-Clause,BSD-3-Clause,ISC,MIT

if ! output=$(go tool -modfile=tools/audit/go.mod go-licenses check --allowed_licenses="$allowed" ./... 2>&1); then
	# Most of what it says is about assembler code, in which it can't look for imports.
	grep -vE 'contains non-Go code|^/.*\.s$' <<<"$output" >&2
	echo "licences: a dependency is under none of $allowed; take another one, or have its licence judged and add it to scripts/licences.sh" >&2
	exit 1
fi
echo "licences: all dependencies are under ${allowed//,/, }"
