#!/usr/bin/env bash
# Prints the path of a current nginx (1.30 or newer) below .cache/nginx, and
# fetches it first if it isn't there. It is Debian's binary of the next release
# with its own C library, unpacked; the system's package lists, packages and
# libraries are not touched. Needs no root. Fails, saying why, where it can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=$PWD/.cache/nginx
packages=(nginx nginx-common libc6 libssl3t64 libpcre2-8-0 zlib1g libcrypt1 libzstd1)
# The release after the stable one, then unstable, where the first lacks a package.
suites=(forky sid)

fail() {
	echo "current-nginx: $*" >&2
	exit 1
}

if [ -x "$cache/nginx" ] && "$cache/nginx" -v 2>/dev/null; then
	echo "$cache/nginx"
	exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
	fail "a current nginx is fetched from Debian's packages, and there is no apt-get here; name one with NGINX_BINARY"
fi
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "Debian's keys are missing: apt-get install debian-archive-keyring, or name a current nginx with NGINX_BINARY"
# The mirror that this machine uses: the newer format of sources, then the older one.
mirror=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | grep -v security | head -n 1 || true)
[ -n "$mirror" ] || mirror=$(sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' /etc/apt/sources.list 2>/dev/null | grep -v security | head -n 1 || true)
case $mirror in
*debian*) ;;
*) fail "this machine's package sources name no Debian mirror; name a current nginx with NGINX_BINARY" ;;
esac

new=$cache.new
rm -rf "$new"
mkdir -p "$new"/{root,debs,lists/partial,archives/partial}
trap 'rm -rf "$new"' EXIT
: >"$new/status"
cat >"$new/apt.conf" <<CONF
Dir::Etc::sourcelist "$new/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$new";
Dir::State::status "$new/status";
Dir::State::lists "$new/lists";
Dir::Cache "$new";
Dir::Cache::archives "$new/archives";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
APT::Sandbox::User "";
CONF
export APT_CONFIG=$new/apt.conf
found=
for suite in "${suites[@]}"; do
	echo "deb [signed-by=$keyring] $mirror $suite main" >"$new/sources.list"
	rm -f "$new"/debs/*.deb
	if apt-get update -qq >&2 && (cd "$new/debs" && apt-get download -qq "${packages[@]}" >&2); then
		found=$suite
		break
	fi
done
[ -n "$found" ] || fail "no Debian release at hand has every package that it needs; name a current nginx with NGINX_BINARY"
for deb in "$new"/debs/*.deb; do
	dpkg -x "$deb" "$new/root"
done
loader=$(find "$new/root" -name 'ld-linux*.so.*' ! -type d | head -n 1)
libraries=$(dirname "$(find "$new/root" -name libc.so.6 | head -n 1)")
# With its own loader and libraries it runs on an older system; --argv0 keeps the name.
cat >"$new/nginx" <<RUN
#!/bin/sh
exec "$cache${loader#"$new"}" --library-path "$cache${libraries#"$new"}" --argv0 "$cache/nginx" "$cache/root/usr/sbin/nginx" "\$@"
RUN
chmod +x "$new/nginx"
rm -rf "$cache" "$new"/{debs,lists,archives,*.bin}
mv "$new" "$cache"
"$cache/nginx" -v 2>/dev/null || fail "the fetched nginx does not run here; name a current nginx with NGINX_BINARY"
echo "$cache/nginx"
