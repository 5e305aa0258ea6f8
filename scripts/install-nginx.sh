#!/bin/sh
# Installs nginx on Debian or Ubuntu if there is none, without starting the
# system's nginx service, now or at the next boot: Dispatcher runs its own.
# Asks no questions. NGINX_BINARY names the program to look for (default: nginx).
set -eu

nginx=${NGINX_BINARY:-nginx}
# Debian keeps nginx in /usr/sbin, which is not on every user's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
	printf 'install-nginx: %s\n' "$*" >&2
	exit 1
}

if command -v "$nginx" >/dev/null; then
	exit 0
fi
if [ "$nginx" != nginx ]; then
	fail "NGINX_BINARY is set to \"$nginx\", and there is no such program. Correct it, or unset it to have nginx installed."
fi
if ! command -v apt-get >/dev/null; then
	fail "nginx is missing, and there is no apt-get to install it with. Install nginx 1.22 or newer (https://nginx.org/en/download.html) and try again; NGINX_BINARY=/path/to/nginx names a program that is not on the PATH."
fi

if [ "$(id -u)" -eq 0 ]; then
	as_root() { "$@"; }
elif ! command -v sudo >/dev/null; then
	fail "nginx is missing, and installing it needs root or sudo. As root, run scripts/install-nginx.sh (or: apt-get install sudo), then try again."
elif [ -t 0 ]; then
	as_root() { sudo "$@"; }
else
	as_root() { sudo -n "$@"; }
fi

echo "install-nginx: nginx is missing; installing it with apt-get" >&2
as_root true || fail "sudo was refused. Run scripts/install-nginx.sh as root, then try again."

# While a policy-rc.d that answers 101 exists, package scripts start no service.
# One that is there already is the administrator's, and stays as it is.
policy=/usr/sbin/policy-rc.d
ours=no
cleanup() {
	if [ "$ours" = yes ]; then
		as_root rm -f "$policy"
		ours=no
	fi
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
	ours=yes
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 0755 "$policy"
fi

as_root apt-get update -q ||
	echo "install-nginx: apt-get update failed; trying with the package lists at hand" >&2
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nginx ||
	fail "apt-get could not install nginx; its own messages are above."
cleanup

# The package enables its service for the next boot, where it would take port 80;
# and a policy of the administrator's may have let it start now.
if [ -d /run/systemd/system ]; then
	as_root systemctl disable --now nginx.service >/dev/null 2>&1 ||
		echo "install-nginx: could not disable nginx.service; 'systemctl disable --now nginx' does it" >&2
else
	as_root service nginx stop >/dev/null 2>&1 || true
	as_root update-rc.d nginx disable >/dev/null 2>&1 || true
fi

command -v "$nginx" >/dev/null || fail "the package is installed, but there is still no nginx program on the PATH."
echo "install-nginx: installed $(nginx -v 2>&1); the system's nginx service is off" >&2
