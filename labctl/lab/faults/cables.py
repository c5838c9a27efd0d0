"""Bad cables: loss, rate and delay of a node's or a pod's, each way.

A node's cable leads from its `eth0` to the switch, a pod's from its `eth0` to its node. A pod's is
as old as its sandbox: with a new one comes a good cable.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import replace

from labctl import names
from labctl.api.objects import Obj, name, namespace
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.errors import BadInput, LabError, NetError
from labctl.fabric.topology import CABLE
from labctl.lab import connect, processes, state
from labctl.lab.faults import record
from labctl.lab.faults.record import BadCable, Faults
from labctl.lab.places import find_pod
from labctl.net import impairment
from labctl.net.impairment import Cable
from labctl.net.netlink import Netlink

_NODE_WORDS = ("node/", "nodes/", "no/")


async def find_cable(lab: str, word: str, space: str = "default") -> BadCable:
    """The cable of a node or pod, as it is remembered. LabError when there is none.

    A bare word is a node if there is one of that name. Nodes are found without the API.
    """
    kind, slash, at = word.partition("/")
    if f"{kind}{slash}" in _NODE_WORDS:
        state.require_node(lab, at)
        node = at
    elif word in state.require(lab).node_names:
        node = word
    else:
        return record.read(lab).known(await _of_pod(lab, word, space))
    return record.read(lab).known(BadCable(node, names.port_name(node)))


def set_impairment(lab: str, cable: BadCable, kind: str, value: float) -> None:
    """Makes a cable bad in one way, whatever else is wrong with it; 0 makes it good in that.

    Raises LabError when the cable is gone, and HostCannot for what this kernel lacks: then
    everything is as it was.
    """
    worse = replace(cable.impairment, **{kind: value})
    wanted = replace(cable, impairment=worse, index=_index(lab, cable))
    record.change(lab, lambda faults: faults.with_cable(wanted))  # first: `clear` has to know
    try:
        _impair(lab, wanted)
    except LabError:
        record.change(lab, lambda faults: faults.with_cable(cable))
        raise


def make_good(lab: str, cable: BadCable) -> None:
    """Ends all that is wrong with a cable, whether it exists still or not."""
    good = replace(cable, impairment=impairment.GOOD)

    def mended(faults: Faults) -> Faults:
        _mend(lab, good)
        return faults.with_cable(good)

    record.change(lab, mended)


def _mend(lab: str, good: BadCable) -> None:
    if good.exists:
        try:
            _impair(lab, good)
        except NetError as error:
            if error.errno != errno.ENODEV:  # or it is just made anew, and is a good one
                raise
        else:
            return
    with contextlib.suppress(NetError):  # the node is gone as well
        impairment.forget(_far(lab, good), good.port)


def renew(lab: str, cable: BadCable) -> None:
    """Makes a cable as bad again as it is remembered, if it was made anew since.

    Raises LabError when it is not there: somebody may be about to make it.
    """
    if cable.exists and _index(lab, cable) != cable.index:
        record.change(lab, lambda faults: _renewed(lab, faults, cable))


def _renewed(lab: str, faults: Faults, cable: BadCable) -> Faults:
    """What was typed meanwhile counts."""
    known = faults.known(cable)
    if known not in faults.cables:
        return faults
    index = _index(lab, known)
    _impair(lab, known)
    return faults.with_cable(replace(known, index=index))


def _index(lab: str, cable: BadCable) -> int:
    with Netlink.at(_far(lab, cable)) as there:
        return there.index(cable.port)


def _impair(lab: str, cable: BadCable) -> None:
    with _near(lab, cable) as near:
        impairment.impair(Cable(near, CABLE, _far(lab, cable), cable.port), cable.impairment)


@contextlib.contextmanager
def _near(lab: str, cable: BadCable) -> Iterator[str | int]:
    """A pod's namespace by its pause's pidfd, which can mean no other process (setns(2))."""
    if cable.pause is None:
        yield str(names.netns_path(names.node_netns(lab, cable.node)))
        return
    pidfd = processes.open_pidfd(cable.pause)
    if pidfd is None:
        raise LabError(f"the sandbox of pod {cable.title} is gone")
    try:
        yield pidfd
    finally:
        os.close(pidfd)


def _far(lab: str, cable: BadCable) -> str:
    netns = names.fabric_netns(lab) if cable.pause is None else names.node_netns(lab, cable.node)
    return str(names.netns_path(netns))


async def _of_pod(lab: str, word: str, space: str) -> BadCable:
    client = connect.client(lab)
    try:
        pod = await find_pod(client, word, space)
    finally:
        await client.transport.close()
    node = pod["spec"].get("nodeName", "")
    if pod["spec"].get("hostNetwork"):
        raise BadInput(
            f"pod {name(pod)} is on its node's network: it has no cable", f"name node/{node}"
        )
    pause = processes.observe("pause", await _pause(lab, node, pod))
    cable = BadCable(node, "", namespace=namespace(pod), pod=name(pod), pause=pause)
    with _near(lab, cable) as near, Netlink.at(near) as here, Netlink.at(_far(lab, cable)) as there:
        return replace(cable, port=impairment.find_port(here, CABLE, there))


async def _pause(lab: str, node: str, pod: Obj) -> int:
    """The pid of the pod's pause; LabError when it has no sandbox, NoSuchLab without a runtime."""
    runtime = RuntimeClient(names.runtime_socket(lab))
    try:
        sandboxes = await runtime.list_pod_sandboxes(node)
    except CriError as error:
        raise connect.not_up(lab) from error
    finally:
        await runtime.close()
    for one in sandboxes:
        if one.config.uid == pod["metadata"]["uid"] and one.state == "ready":
            return one.pid
    raise LabError(f"pod {name(pod)} has no sandbox", f"labctl describe pod {name(pod)}")
