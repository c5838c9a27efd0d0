"""The warm image: everything heavy is imported once, then forked.

An import of aiohttp, uvloop and the parts of labctl costs 0.3 s and 30 MB; a fork of the process
that has them costs milliseconds and shares the memory. Nothing of a running program may be in that
image: no event loop, thread, database, socket or private key.
The control plane's part comes first: it is forked as soon as that is there, and opens its store
while the rest is imported for the others.
"""

import gc
import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # where OpenSSL looks for authorities

_CONTROL_PLANE = ("uvloop", "labctl.controlplane.process")
_REST = ("labctl.runtime.process", "labctl.node.process")


def import_control_plane() -> None:
    """Imports what the control plane needs, most of which the others need too."""
    with _without_authorities():
        _import(_CONTROL_PLANE)


def import_rest() -> None:
    """Imports what runtime and agents need besides."""
    _import(_REST)


def _import(modules: Sequence[str]) -> None:
    """Imports modules, and keeps the collector off them for good.

    A collection writes to the header of every object it visits, and each page that is written is
    copied in every child (gc.freeze in the Python documentation).
    """
    gc.disable()
    for module in modules:
        importlib.import_module(module)
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
