"""`labctl doctor`: whether this host can run a lab, found out by asking it and by building one.

Each check says what is missing and how to get it. The last one brings a small lab up, proves its
network, takes it away again and looks whether anything stayed.
"""

import asyncio
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labctl import names
from labctl.api.objects import Obj
from labctl.cgroups.hierarchies import read_hierarchies
from labctl.errors import LabError
from labctl.lab import cgroup, host, inventory

_NEIGHBOUR_LIMIT = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
_PLENTY_OF_NEIGHBOURS = 16384
_FREE_BYTES = 200 * 1024 * 1024
_OLDEST_KERNEL = (5, 14)  # cgroup.kill
_POD_SECONDS = 30.0

Told = Callable[["Check"], None]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `state` is ok, warning (a lab runs all the same) or failed."""

    name: str
    state: str
    message: str
    fix: str = ""

    def report(self) -> Obj:
        report: Obj = {"check": self.name, "state": self.state, "message": self.message}
        return {**report, "passed": self.state != "failed", "fix": self.fix}


def examine(told: Told) -> Obj:
    """The DoctorReport; `told` hears of each check as it is done."""
    found = []
    for check in checks():
        found.append(check)
        told(check)
    if all(check.state != "failed" for check in found):
        found.append(_trial())
        told(found[-1])
    return {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "DoctorReport",
        "passed": all(check.state != "failed" for check in found),
        "checks": [check.report() for check in found],
    }


def checks() -> Iterator[Check]:
    """What can be told without building a lab."""
    yield _root()
    yield _kernel()
    yield _programs()
    yield _cgroups()
    yield _controllers()
    yield _space()
    yield _neighbours()
    yield _crun()
    yield _plugins()
    if os.geteuid() == 0:
        yield _links()


def _root() -> Check:
    if os.geteuid() == 0:
        return Check("root", "ok", "labctl runs as root")
    return Check("root", "failed", "labctl needs root", "sudo labctl doctor")


def _kernel() -> Check:
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2])
    if version >= _OLDEST_KERNEL:
        return Check("kernel", "ok", f"Linux {release}")
    return Check("kernel", "failed", f"Linux {release} has no cgroup.kill", "Linux 5.14 or newer")


def _programs() -> Check:
    missing = host.missing_programs()
    if not missing:
        return Check("programs", "ok", f"{', '.join(host.PROGRAMS)} are there")
    words = ", ".join(missing)
    return Check("programs", "failed", f"not on PATH: {words}", host.install_hint(missing))


def _cgroups() -> Check:
    try:
        return Check("cgroup v2", "ok", f"mounted on {cgroup.hierarchy()}")
    except LabError as error:
        return Check("cgroup v2", "failed", error.message, error.hint)


def _controllers() -> Check:
    hierarchies = read_hierarchies()
    if not hierarchies.missing:
        return Check("limits", "ok", "containers can be limited in memory, CPU and processes")
    words = ", ".join(hierarchies.missing)
    message = f"no cgroup controller for {words}: limits of these are not honoured"
    wanted = " ".join(f"+{one}" for one in hierarchies.missing)
    fix = f"echo {wanted} | sudo tee {hierarchies.unified}/cgroup.subtree_control"
    return Check("limits", "warning", message, fix)


def _space() -> Check:
    place = next(one for one in (names.STATE_DIR, *names.STATE_DIR.parents) if one.exists())
    free = shutil.disk_usage(place).free
    message = f"{free // 2**20} MiB free below {place}"
    if free >= _FREE_BYTES:
        return Check("disk", "ok", message)
    return Check("disk", "failed", message, f"free {_FREE_BYTES // 2**20} MiB")


def _neighbours() -> Check:
    try:
        limit = int(_NEIGHBOUR_LIMIT.read_text())
    except FileNotFoundError:  # a container's view of /proc/sys
        message = "how many entries the ARP table takes is told only to the host itself"
        return Check("arp table", "ok", message)
    message = f"the ARP table of all namespaces together takes {limit} entries"
    if limit >= _PLENTY_OF_NEIGHBOURS:
        return Check("arp table", "ok", message)
    fix = f"sudo sysctl -w net.ipv4.neigh.default.gc_thresh3={_PLENTY_OF_NEIGHBOURS}"
    return Check("arp table", "warning", f"{message}: large meshes need more", fix)


def _plugins() -> Check:
    """Only a lab that names CNI plugins needs any, so none is no fault."""
    from labctl.api.lab.cni import BIN_DIR

    found = [one for one in BIN_DIR.split(":") if Path(one).is_dir() and any(Path(one).iterdir())]
    if found:
        return Check("cni plugins", "ok", f"there are some in {' and '.join(found)}")
    package = "sudo apt-get install -y containernetworking-plugins"
    return Check("cni plugins", "ok", f"none: for a lab file's network.cni, {package}")


def _crun() -> Check:
    if shutil.which("crun") is not None:
        return Check("crun", "ok", "the runtime class crun can be used")
    fix = "sudo apt-get install -y crun"
    return Check("crun", "warning", "not on PATH: pods of the runtime class crun cannot start", fix)


def _links() -> Check:
    """Makes the kinds of links that a lab needs, in a namespace that goes with this process."""
    from labctl.net import namespaces
    from labctl.net.apply import apply
    from labctl.net.netlink import Netlink
    from labctl.net.nouns import Link
    from labctl.net.operations import Create

    try:
        with namespaces.unpinned() as place, Netlink.at(place) as netlink:
            apply(netlink, [Create(Link("br", "bridge", mtu=1500, mac="02:00:00:00:00:01"))])
    except LabError as error:
        return Check("links", "failed", error.message, "sudo modprobe -a bridge veth vxlan")
    return Check("links", "ok", "namespaces and bridges can be made")


def _trial() -> Check:
    """A lab of two nodes and two pods, from up to down, with its network proved."""
    lab = f"doctor-{os.getpid()}"
    before = inventory.take(lab)
    try:
        failed = _prove_small_lab(lab)
    except LabError as error:
        return Check("trial", "failed", f"a small lab: {error.message}", error.hint)
    left = before.difference(inventory.take(lab))
    left = [line for line in left if not line.startswith("processes")]  # init reaps in its own time
    if failed:
        return Check("trial", "failed", f"a small lab: {failed}")
    if left:
        return Check("trial", "failed", f"down left something: {'; '.join(left)}")
    return Check("trial", "ok", "a lab of two nodes came up, was proved and went without a trace")


def _prove_small_lab(lab: str) -> str:
    """Why the network of a small lab is not right; "" when it is."""
    from labctl.api.kinds.apps import DEPLOYMENTS
    from labctl.client.wait import wait_for
    from labctl.lab import connect, quick, rollout
    from labctl.lab.down import down
    from labctl.lab.manifests import manifest
    from labctl.lab.progress import Silence
    from labctl.lab.up import up
    from labctl.lab.wish import Wish
    from labctl.verify import Topology, snapshot, verify

    async def observe() -> Topology:
        client = connect.client(lab)
        await wait_for(
            client,
            DEPLOYMENTS,
            "probe",
            "default",
            lambda obj: obj is not None and rollout.progress(obj)[1],
            _POD_SECONDS,
        )
        return await snapshot(client, lab)

    pods = manifest(quick.deployment("probe", ["probe"], replicas=2, port=80), "default")
    try:
        up(Wish(lab, nodes=2, manifests=(pods,)), Silence())
        report = verify(asyncio.run(observe()))
    finally:
        down(lab, Silence())
    return next((check["reason"] for check in report["checks"] if not check["passed"]), "")
