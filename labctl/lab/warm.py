"""The warm image: everything heavy is imported once, then forked.

An import of aiohttp, uvloop, pyroute2 and the parts of labctl costs 0.4 s and 40 MB; a fork of the
process that has them costs milliseconds and shares the memory. Nothing of a running program may
be in that image: no event loop, thread, database, socket or private key.
"""

import gc
import importlib

_MODULES = (
    "uvloop",
    "labctl.controlplane.process",
    "labctl.runtime.process",
    "labctl.node.process",
)


def import_all() -> None:
    """Imports all that the lab's processes need, and keeps the collector off it for good.

    A collection writes to the header of every object it visits, and each page that is written is
    copied in every child (gc.freeze in the Python documentation).
    """
    gc.disable()
    for module in _MODULES:
        importlib.import_module(module)
    gc.freeze()
    gc.enable()
