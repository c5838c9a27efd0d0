"""Receiving descriptors that came with a message: closed on exec, as all others are.

Python 3.11's own socket.recv_fds takes flags, and drops them.
"""

import array
import socket

_MAX = 16


def receive(connection: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """At most `size` bytes, and the descriptors among them; raises OSError."""
    descriptors = array.array("i")
    space = socket.CMSG_LEN(_MAX * descriptors.itemsize)
    data, ancillary, _, _ = connection.recvmsg(size, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return data, list(descriptors)
