"""Kubernetes' channel protocol, by which a command's streams share one WebSocket.

The first byte of a message is its channel. The protocol's versions differ in how the end is told:
from v4 on as a Status, before as a sentence (and nothing if all went well); v5 can also say that
stdin has ended.
"""

from typing import Final

import msgspec

from labctl.api import status
from labctl.api.objects import Obj

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
STDIN_ENDED: Final = b"\xff\x00"

V5: Final = "v5.channel.k8s.io"
V4: Final = "v4.channel.k8s.io"
V1: Final = "channel.k8s.io"
# What SPDY's streams may speak, and what a WebSocket may; one without a subprotocol speaks V1.
SPDY_PROTOCOLS: Final = (V5, V4, "v3.channel.k8s.io", "v2.channel.k8s.io", V1)
WEBSOCKET_PROTOCOLS: Final = (V5, V4, V1)
RESIZABLE: Final = SPDY_PROTOCOLS[:3]

NAMES: Final = {
    "stdin": STDIN,
    "stdout": STDOUT,
    "stderr": STDERR,
    "error": ERROR,
    "resize": RESIZE,
}


def told(protocol: str, body: bytes) -> bytes:
    """The final Status `body` as `protocol` tells it."""
    if protocol in (V5, V4):
        return body
    ending = msgspec.json.decode(body, type=Obj)
    return b"" if ending.get("status") == "Success" else str(ending.get("message", "")).encode()


def lost() -> bytes:
    """The final Status when the agent went away before it told one."""
    error = status.internal_error("the connection to the node's agent was lost")
    return msgspec.json.encode(error.status)
