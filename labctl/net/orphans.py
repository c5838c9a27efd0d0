"""TCP connections that nobody has open any more, and that the kernel still tries to end well.

Such an orphan sends what its dead process left, again and again, for a minute or two where nobody
answers (tcp(7), tcp_orphan_retries), and holds its namespace as long.
"""

import errno
import socket
import struct

from labctl.net import wire
from labctl.net.netlink import Netlink, Request

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _SOCK_DESTROY = 20, 21
# inet_diag_req_v2: family, protocol, extensions, states, and which socket; inet_diag_msg begins
# with family, state, timer, retransmits, and the same words for which.
_WHICH_SIZE = 48
_REQUEST = struct.Struct("=BBBxI")
_MESSAGE = struct.Struct(f"=BBBB{_WHICH_SIZE}sIIIII")  # …, expires, queues, uid, inode
_ENDING = 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11  # FIN_WAIT1, FIN_WAIT2, LAST_ACK, CLOSING
# Gone meanwhile, or a kernel without CONFIG_INET_DIAG_DESTROY, where they take their time.
_FORGIVEN = frozenset({errno.ENOENT, errno.EOPNOTSUPP})


def end_orphans(netlink: Netlink) -> None:
    """Ends those in the namespace of `netlink`. Raises NetError where the kernel tells of none."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with netlink.inside():
        sock = socket.socket(socket.AF_NETLINK, kind, _NETLINK_SOCK_DIAG)
    with Netlink(sock) as diag:
        for family in (socket.AF_INET, socket.AF_INET6):
            asked = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _ENDING) + bytes(_WHICH_SIZE)
            told = [_MESSAGE.unpack_from(body) for body in diag.dump(_SOCK_DIAG_BY_FAMILY, asked)]
            diag.send([_end(family, which) for *_, which, _, _, _, _, inode in told if not inode])


def _end(family: int, which: bytes) -> Request:
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _ENDING) + which
    message = wire.message(_SOCK_DESTROY, wire.NLM_F_REQUEST, body)
    return Request(message, lambda: "ss --kill state closing", _FORGIVEN)
