#!/bin/sh
# The oldest kubectl that the tests run: Debian's, unpacked and not installed, since on some
# machines another package owns /usr/bin/kubectl. Does nothing where it is there already.
#
#   tools/kubectl.sh DIRECTORY      makes DIRECTORY/kubectl-1.20
set -eu

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

mkdir -p "$1"
target=$(cd "$1" && pwd)/kubectl-1.20
[ -x "$target" ] && exit

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# As root, apt fetches as the user _apt, who must be able to write here.
[ "$(id -u)" = 0 ] && chown _apt "$work"
apt-get download -qq kubernetes-client >&2 || {
    as_root apt-get update -qq
    apt-get download -qq kubernetes-client >&2
}
dpkg-deb --extract kubernetes-client_*.deb .
usr/bin/kubectl version --client --short | grep -q ' v1\.20\.' || {
    echo "error: Debian's kubernetes-client is not kubectl 1.20 any more" >&2
    exit 1
}
mv usr/bin/kubectl "$target"
