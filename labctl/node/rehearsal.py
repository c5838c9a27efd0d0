"""What agents do first, done once in the image from which they are forked.

Libraries and labctl itself make things when they need them for the first time: message templates,
tables of fields, definitions, decoders, codecs. Made before the fork, agents share them; made after
it, each would spend its own time and memory on the same. Nothing here needs a network, a loop or a
key, and nothing is left behind but what was made.
"""

import encodings.idna
import logging
from dataclasses import replace
from pathlib import Path

import msgspec
from aiohttp.payload import PAYLOAD_REGISTRY
from yarl import URL

from labctl import names
from labctl.api.kinds.core import NODES
from labctl.api.lab import (
    BACKENDS,
    LabSpec,
    default_lab,
    lab_from_yaml,
    node_address,
)
from labctl.api.objects import Obj
from labctl.api.patches.strategic_diff import strategic_diff
from labctl.cri import messages, wire
from labctl.net import encode
from labctl.net.diff import diff
from labctl.net.nouns import Link, NftTable, Sysctl
from labctl.net.state import NetState
from labctl.node.desired import desired
from labctl.node.machine import Machine
from labctl.node.node_object import node_object
from labctl.node.pod_side import desired_pod
from labctl.node.process import trust
from labctl.node.snapshot import PodPort, snapshot
from labctl.node.underlay import UNDERLAY_INTERFACE

_PORT = PodPort("rehearsal", 0, "default", "rehearsal", "10.244.0.2")
_LISTS = (list[messages.Sandbox], list[messages.Container], list[messages.StoredImage])


def rehearse(lab_file: Path, authority: Path) -> None:
    """`authority` is the file of the certificate that the lab's processes trust."""
    trust(authority)
    lab_from_yaml(lab_file.read_text())
    spec = default_lab()
    nodes = [_node(spec, number) for number in range(2)]
    strategic_diff(NODES, *nodes)
    for backend in BACKENDS:
        _lay_out(replace(spec, network=replace(spec.network, backend=backend)), nodes)
    _talk()
    logging.LogRecord("", logging.INFO, "", 0, "%s", ("is a str a Mapping?",), None)


def _node(spec: LabSpec, number: int) -> Obj:
    one = spec.nodes[number]
    node = node_object(one, node_address(spec, one.name), Machine.here(), ())
    return {**node, "spec": {"podCIDR": f"10.244.{number}.0/24"}}


def _lay_out(spec: LabSpec, nodes: list[Obj]) -> None:
    """A node's network with one pod, up to the messages to the kernel."""
    cluster, node = snapshot(spec, nodes).with_ports([_PORT]), spec.node_names[0]
    cable = Link(UNDERLAY_INTERFACE, "veth", mtu=cluster.mtu)  # is the fabric's to make
    for wanted in (desired(cluster, node), desired_pod(cluster, node, _PORT)):
        for operation in diff(NetState([cable]), wanted):
            if not isinstance(operation.noun, NftTable | Sysctl):
                encode.requests(operation, lambda _name: 1, peer_netns=0)


def _talk() -> None:
    """What answers of the runtime are decoded to, and what the first connection asks for."""
    for kind in _LISTS:
        msgspec.json.decode(b"[]", type=kind)
    wire.decode_reply(b"{}")
    URL(f"https://{names.CONTROL_PLANE_ADDRESS}:{names.API_PORT}/api").update_query(watch="true")
    encodings.idna.ToASCII("localhost")
    PAYLOAD_REGISTRY.get(b"")
