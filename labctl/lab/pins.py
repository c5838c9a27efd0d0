"""Names in /run/netns that do not lead where they should, seen from outside who keeps them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labctl import names
from labctl.api.lab import LabSpec
from labctl.api.objects import Obj
from labctl.cri.messages import Sandbox
from labctl.lab import processes


@dataclass(frozen=True)
class MissingPin:
    """A name that `source`, the path of a living namespace, should have: as link, or as mount."""

    pin: Path
    source: str
    link: bool

    def describe(self) -> str:
        return f"{'ln -s' if self.link else 'mount --bind'} {self.source} {self.pin}"

    def report(self) -> Obj:
        return {"describe": self.describe(), "verb": "create", "kind": "Pin"}


def missing_of_node(spec: LabSpec, node: str) -> list[MissingPin]:
    """The node's own name, if it does not lead to where its agent is."""
    name = names.node_netns(spec.name, node)
    source = processes.namespaces(spec).get(name)
    pin = names.netns_path(name)
    if source is None or _same(pin, source):
        return []
    return [MissingPin(pin, source, link=False)]


def missing_of_pods(lab: str, sandboxes: Iterable[Sandbox]) -> list[MissingPin]:
    """Those of sandboxes that live."""
    ready = [sandbox for sandbox in sandboxes if sandbox.state == "ready"]
    return [
        MissingPin(pin_of(lab, one), one.netns, link=True) for one in ready if not _has(lab, one)
    ]


def pin_of(lab: str, sandbox: Sandbox) -> Path:
    return names.netns_path(names.pod_netns(lab, sandbox.config.namespace, sandbox.config.name))


def _has(lab: str, sandbox: Sandbox) -> bool:
    """By its pod's name, or by the one for what outlived its pod."""
    old = names.netns_path(names.old_netns(lab, sandbox.config.uid))
    return any(_same(pin, sandbox.netns) for pin in (pin_of(lab, sandbox), old))


def _same(pin: Path, source: str) -> bool:
    try:
        return os.path.samestat(pin.stat(), os.stat(source))
    except OSError:
        return False
