#!/usr/bin/env bash
# Makes a release twice, from copies of the source in two folders, with other times, umasks,
# languages and flags of the user's own, and fails if they differ in a byte. Then it looks into
# them: sums, what the program says of itself, licences, the list of its parts.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=v0.0.0-check

fail() {
	echo "release-check: $*" >&2
	exit 1
}

# copy copies the source without what was built of it.
copy() {
	mkdir -p "$1"
	tar --exclude=./.git --exclude=./.cache --exclude=./bin --exclude=./dist -cf - . | tar -C "$1" --touch -xf -
}

copy "$work/one"
copy "$work/another folder/deep/in it"
release=(make --no-print-directory release VERSION="$version" SOURCE_DATE_EPOCH=1767225600)
(cd "$work/one" && umask 022 && TZ=UTC LC_ALL=C "${release[@]}")
(cd "$work/another folder/deep/in it" && umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 GOFLAGS=-buildvcs=auto GOAMD64=v3 "${release[@]}")
diff -r "$work/one/dist" "$work/another folder/deep/in it/dist" || fail "two builds of the same source differ"

cd "$work/one/dist"
files=(*)
[ ${#files[@]} = 5 ] || fail "there should be two archives, two lists and their sums: ${files[*]}"
sha256sum --quiet -c SHA256SUMS
for arch in amd64 arm64; do
	name=dispatcher_${version}_linux_$arch
	tar -xzf "$name.tar.gz"
	for f in dispatcher LICENSE README.md licences/go/LICENSE licences/k8s.io/client-go@*/LICENSE; do
		[ -s "$name/$f" ] || compgen -G "$name/$f" >/dev/null || fail "$name.tar.gz lacks $f"
	done
	sum=$(sha256sum "$name/dispatcher" | cut -d ' ' -f 1)
	grep -q "\"content\": \"$sum\"" "$name.cdx.json" || fail "$name.cdx.json is of another program"
	go version -m "$name/dispatcher" | awk '$1 == "dep" {print "pkg:golang/" $2 "@" $3}' | while read -r part; do
		grep -qF "\"purl\": \"${part//+/%2B}\"" "$name.cdx.json" || fail "$name.cdx.json lacks $part"
	done
done
says=$("dispatcher_${version}_linux_$(go env GOHOSTARCH)/dispatcher" version)
says=${says%%$'\n'*}
[ "$says" = "dispatcher $version" ] || fail "the program says \"$says\", not \"dispatcher $version\""
echo "release-check: two builds are the same: $(sha256sum SHA256SUMS | cut -c 1-16)"
