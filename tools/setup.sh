#!/bin/sh
# Everything a machine needs for labctl, on Debian or Ubuntu: system packages, a virtual
# environment, and `labctl` on the path of sudo. Does nothing, quickly, where nothing is to do.
#
#   tools/setup.sh [VENV]      default: .venv beside the checkout's pyproject.toml
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
venv=${1:-$here/.venv}
packages="python3-venv iproute2 nftables catatonit crun busybox-static iputils-ping tcpdump procps make etcd-server containernetworking-plugins"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Labs start their own etcd; the package's service is not wanted, and its ports may be taken.
etcd_service() {
    case $missing in *etcd-server*) ;; *) return 0 ;; esac
    if [ -d /run/systemd/system ]; then as_root systemctl --quiet "$1" etcd.service; fi
}

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "installing:$missing" >&2
    etcd_service mask
    as_root apt-get update -qq
    # shellcheck disable=SC2086  # a list of words is meant
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
    etcd_service unmask
    etcd_service disable
fi

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "error: labctl needs Python 3.11 or newer; python3 here is $(python3 -V 2>&1)" >&2
    echo "hint: Debian 12 and Ubuntu 24.04 have one" >&2
    exit 1
}

# The stamp names what was installed, so that a changed pyproject.toml installs again.
stamp=$venv/labctl.stamp
wanted=$(cksum <"$here/pyproject.toml")" $here"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "installing labctl into $venv" >&2
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e "$here[dev]" >&2
    echo "$wanted" >"$stamp"
fi

# Not every system has that package, and only tests want it.
"$here/tools/kubectl.sh" "$venv/kubectl" || echo "no kubectl 1.20: its tests will be skipped" >&2

# sudo's secure_path has /usr/local/bin and not the virtual environment.
if [ "$(readlink /usr/local/bin/labctl 2>/dev/null)" != "$venv/bin/labctl" ]; then
    as_root ln -sf "$venv/bin/labctl" /usr/local/bin/labctl
fi
