#!/usr/bin/env bash
# Prints the folder with the kube-apiserver, etcd, kube-controller-manager and
# kubectl that the tests of test/kube run, and builds them first if they aren't
# there: one program, from the module in test/kube/assets, once for each content
# of that module. A KUBEBUILDER_ASSETS that names another folder with
# kube-apiserver and etcd (from setup-envtest, say) is taken instead.
set -euo pipefail

fail() {
	echo "kube-assets: $*" >&2
	exit 1
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
	for program in kube-apiserver etcd; do
		[ -x "$KUBEBUILDER_ASSETS/$program" ] ||
			fail "KUBEBUILDER_ASSETS is \"$KUBEBUILDER_ASSETS\", and there is no $program in it. Correct it, or unset it to have both built."
	done
	cd "$KUBEBUILDER_ASSETS"
	pwd
	exit 0
fi

cd "$(dirname "$0")/.."
module=$PWD/test/kube/assets
cache=$PWD/.cache/kube
version=$(sed -n 's/.*k8s\.io\/kubernetes \(v[0-9.]*\)$/\1/p' "$module/go.mod")
IFS=. read -r major minor _ <<<"${version#v}"
[ -n "$minor" ] || fail "there is no version of k8s.io/kubernetes in $module/go.mod"
# Without its version, /version says that it is none. No symbols and no DWARF:
# nobody debugs it, and they take a tenth of the time.
stamp=k8s.io/component-base/version
flags=(
	-trimpath -buildvcs=false -gcflags=all=-dwarf=false
	-ldflags="-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor -X $stamp.gitCommit=unknown -X $stamp.gitTreeState=clean"
)
export CGO_ENABLED=0 GOWORK=off

hash=$({
	cd "$module"
	sha256sum go.mod go.sum ./*.go
	go env GOVERSION GOOS GOARCH
	echo "${flags[@]}"
} | sha256sum | cut -c 1-16)
assets=$cache/$hash
build=$cache/build

if [ ! -d "$assets" ]; then
	mkdir -p "$cache"
	# Whoever comes second waits for the first one's result.
	command -v flock >/dev/null || fail "flock is missing: apt-get install util-linux, or name a folder with kube-apiserver and etcd with KUBEBUILDER_ASSETS"
	exec 9>"$cache/lock"
	flock 9
fi
if [ ! -d "$assets" ]; then
	echo "kube-assets: building Kubernetes $version for the tests, once; it takes 5 to 10 minutes on two processors" >&2
	rm -rf "$build/out"
	mkdir -p "$build/out"
	# It takes gigabytes that nothing else can use, so the user's own cache is
	# spared. After a failure it stays, and the next try goes on from there. A
	# compiler that doesn't collect garbage is faster; the limit is a safety net.
	GOCACHE=$build/cache GOGC=off GOMEMLIMIT=2GiB \
		go build -C "$module" "${flags[@]}" -o "$build/out/kubetest" . >&2 9>&- ||
		fail "the build failed; its own messages are above. Try again, or name a folder with kube-apiserver and etcd with KUBEBUILDER_ASSETS."
	for program in kube-apiserver etcd kube-controller-manager kubectl; do
		ln -s kubetest "$build/out/$program"
	done
	mv "$build/out" "$assets"
	rm -rf "$build"
fi
echo "$assets"
