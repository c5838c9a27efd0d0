"""pyroute2's message classes come without the rest of it, and do not stand in its way."""

import subprocess
import sys

_PROGRAM = """
import sys
import labctl.net.encode
assert "pyroute2.netlink.rtnl.ifinfmsg" in sys.modules
assert "pyroute2.iproute" not in sys.modules, "the whole package was imported"
from pyroute2 import IPRoute
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from labctl.net import messages
assert ifinfmsg is messages.ifinfmsg
"""


def test_only_the_messages_are_imported_and_the_whole_is_still_to_be_had() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
