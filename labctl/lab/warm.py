"""The warm image: what the lab's processes have in common is imported once, then forked.

An import of aiohttp, uvloop and the parts of labctl costs 0.4 s and 30 MB; a fork of the process
that has them costs milliseconds and shares the memory. Nothing of a running program may be in that
image: no event loop, thread, database, socket or private key.
What only one process needs it imports itself, beside the others: the control plane is forked as
soon as there is what it shares with agents, and the agents', of which there are many, comes next.
"""

import gc
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

CONTROL_PLANE = "labctl.controlplane.process"
RUNTIME = "labctl.runtime.process"
AGENT = "labctl.node.process"
_REHEARSAL = "labctl.node.rehearsal"

_SHARED = (
    "uvloop",
    "aiohttp.web",
    "labctl.api.lab",
    "labctl.api.patches",
    "labctl.api.schema",
    "labctl.client.cache",
    "labctl.client.events",
    "labctl.client.http",
    "labctl.client.reconciler",
)
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # where OpenSSL looks for authorities


def import_shared() -> None:
    """Imports what both control plane and agents need."""
    with _without_authorities():
        for module in _SHARED:
            load(module)


def prepare_agents(lab_file: Path, authority: Path) -> None:
    """Imports what agents need, and makes for all of them what each would make first.

    `authority` is the file of the lab's own certificate.
    """
    load(AGENT)
    rehearsal = load(_REHEARSAL)
    with _frozen():
        rehearsal.rehearse(lab_file, authority)


def load(module: str) -> ModuleType:
    """Imports a module with all that it needs, and keeps the collector off it for good."""
    with _frozen():
        return importlib.import_module(module)


@contextmanager
def _frozen() -> Iterator[None]:
    """No collection will ever look at what is there when its body is done.

    A collection writes to the header of every object it visits, and each page that is written is
    copied in every child (gc.freeze in the Python documentation).
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@contextmanager
def _without_authorities() -> Iterator[None]:
    """Within, OpenSSL finds none of the machine's authorities.

    aiohttp makes a context that trusts them while it is imported, which takes 50 ms and a few
    megabytes; labctl's connections trust the lab's own authority, and never use that context.
    """
    before = {name: os.environ.get(name) for name in _TRUST}
    os.environ.update(dict.fromkeys(_TRUST, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
