"""A lab that is hurt, and how it is then: what is planned, and what its logs and Events say."""

import asyncio
import re
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import TypeVar

from labctl import names
from labctl.api.kinds.core import EVENTS, NODES, PODS
from labctl.api.objects import Obj, name
from labctl.client.client import Client
from labctl.lab import connect, state
from labctl.lab.plan import plan, plan_fabric
from labctl.node.snapshot import internal_ip
from tests.wounds.table import HOST, Wound

T = TypeVar("T")

_HEALED = re.compile(r" healed: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Patient:
    """A lab with two nodes, a and b, that have two pods each in the namespace `default`."""

    lab: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, lab: str, *, turned: bool = False) -> "Patient":
        """`turned` makes the second node a: Events of one object are few, so wounds are spread."""
        nodes, pods = asyncio.run(_objects(lab))
        order = sorted(nodes, key=name, reverse=turned)[:2]
        fields = {"lab": lab}
        for letter, node in zip("ab", order, strict=True):
            own = [pod for pod in pods if pod["spec"].get("nodeName") == name(node)]
            fields |= _node_fields(letter, node)
            for number, pod in enumerate(sorted(own, key=name)[:2], 1):
                fields |= _pod_fields(f"{letter}{number}", pod)
        return cls(lab, fields)

    def inflict(self, wound: Wound) -> None:
        """Runs the wound's line where it belongs."""
        line = wound.line.format_map(self.fields)
        enter = [] if wound.place == HOST else ["ip", "netns", "exec", self._netns(wound.place)]
        words = [*enter, "sh", "-ec", line]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        # a name that lies below a mount of /run/netns over itself is unmounted, and then stays
        assert done.returncode == 0 or "busy" in done.stderr, f"{line}: {done.stderr}"

    def _netns(self, place: str) -> str:
        if place in ("a", "b"):
            return names.node_netns(self.lab, self.fields[place])
        if place in ("fabric", "outside", "control-plane"):
            return f"labctl.{self.lab}.{place}"
        return names.pod_netns(self.lab, "default", self.fields[place])

    def healed(self) -> Counter[str]:
        """What was mended so far, by the logs of all who mend."""
        logs = names.log_dir(self.lab).glob("*.log")
        return Counter(said for log in logs for said in _HEALED.findall(log.read_text()))

    def planned(self) -> list[str]:
        """What would have to be done now: nothing when all is right."""
        here = [one.describe() for one in plan_fabric(state.require(self.lab))]
        return here + asyncio.run(_ask(self.lab, self._planned))

    async def _planned(self, client: Client) -> list[str]:
        found = [await plan(client, self.lab, self.fields[node]) for node in ("a", "b")]
        return [one.describe() for operations in found for one in operations]

    def told(self) -> list[Obj]:
        """The Events of heals. From the tenth of one object on they are combined in one."""
        listed = asyncio.run(_ask(self.lab, lambda client: client.list(EVENTS)))
        return [event for event in listed.items if event["reason"] == "NetworkHealed"]

    def times_told(self) -> int:
        return sum(event["count"] for event in self.told())


def _node_fields(key: str, node: Obj) -> dict[str, str]:
    subnet = ip_interface(node["spec"]["podCIDR"]).network
    return {
        key: name(node),
        f"{key}_ip": internal_ip(node),
        f"{key}_port": names.port_name(name(node)),
        f"{key}_subnet": str(subnet),
        f"{key}_gateway": str(subnet[1]),
        f"{key}_vtep": str(subnet[0]),
        f"{key}_vtep_mac": names.vtep_mac(name(node)),
    }


def _pod_fields(key: str, pod: Obj) -> dict[str, str]:
    veth = names.veth_name(pod["metadata"]["uid"], 0)
    return {key: name(pod), f"{key}_ip": pod["status"]["podIP"], f"{key}_veth": veth}


async def _objects(lab: str) -> tuple[list[Obj], list[Obj]]:
    async def ask(client: Client) -> tuple[list[Obj], list[Obj]]:
        return (await client.list(NODES)).items, (await client.list(PODS, "default")).items

    return await _ask(lab, ask)


async def _ask(lab: str, question: Callable[[Client], Awaitable[T]]) -> T:
    client = connect.client(lab)
    try:
        return await question(client)
    finally:
        await client.transport.close()
