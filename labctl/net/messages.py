"""pyroute2's message classes, without all else that pyroute2 has.

`import pyroute2` brings sockets, servers and a database for twenty protocols: 100 ms and 8 MB, for
every process and every `labctl up`. The classes that encode rtnetlink messages need none of that,
so while they are imported the package is an empty one. Whoever imports pyroute2 itself later gets
the whole.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without_contents(package: str) -> Iterator[None]:
    """Within, `package` is only the place of its submodules; its own code is not run."""
    spec = None if package in sys.modules else importlib.util.find_spec(package)
    if spec is None:  # it is there already, or not at all: then the import itself says so best
        yield
        return
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        del sys.modules[package]


with _without_contents("pyroute2"):
    from pyroute2.netlink.rtnl import (
        RTM_DELADDR,
        RTM_DELLINK,
        RTM_DELNEIGH,
        RTM_DELROUTE,
        RTM_NEWADDR,
        RTM_NEWLINK,
        RTM_NEWNEIGH,
        RTM_NEWROUTE,
        RTM_SETLINK,
    )
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.ifinfmsg import IFF_UP, ifinfmsg
    from pyroute2.netlink.rtnl.ndmsg import ndmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

__all__ = [
    "IFF_UP",
    "RTM_DELADDR",
    "RTM_DELLINK",
    "RTM_DELNEIGH",
    "RTM_DELROUTE",
    "RTM_NEWADDR",
    "RTM_NEWLINK",
    "RTM_NEWNEIGH",
    "RTM_NEWROUTE",
    "RTM_SETLINK",
    "ifaddrmsg",
    "ifinfmsg",
    "ndmsg",
    "rtmsg",
]
