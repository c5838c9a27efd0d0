"""What a client wants its connection to become: SPDY or WebSocket, and which protocol on it."""

from collections.abc import Sequence
from enum import StrEnum

from aiohttp import web

from labctl.api import status

_VERSION = "X-Stream-Protocol-Version"
_ACCEPTED = "X-Accepted-Stream-Protocol-Versions"
MESSAGE_MAX = 32 << 20  # bytes of a WebSocket message, as kube-apiserver has it
_SILENCE_SECONDS = 10.0


class Refused(Exception):
    """No protocol is spoken at both ends; `response` says so as kube-apiserver does."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.text)
        self.response = response


class Upgrade(StrEnum):
    """What a connection is to become."""

    NONE = ""
    WEBSOCKET = "websocket"
    SPDY = "spdy/3.1"


def wanted_upgrade(http: web.BaseRequest) -> Upgrade:
    wanted = http.headers.get("Upgrade", "").lower()
    asks = "upgrade" in http.headers.get("Connection", "").lower()
    return Upgrade(wanted) if asks and wanted in set(Upgrade) else Upgrade.NONE


def subprotocols(http: web.BaseRequest) -> list[str]:
    """What a client offers to speak on its WebSocket."""
    return _values(http, "Sec-WebSocket-Protocol")


def negotiate(http: web.BaseRequest, known: Sequence[str]) -> dict[str, str]:
    """The header that names the protocol for SPDY's streams, the client's first that is known.

    Raises Refused.
    """
    if _VERSION not in http.headers:
        text = f"header {_VERSION} does not exist in request with {len(http.headers)} headers"
        raise Refused(web.Response(status=400, text=f"unable to upgrade: {text}\n"))
    offered = _values(http, _VERSION)
    for name in offered:
        if name in known:
            return {_VERSION: name}
    text = f"client supports [{' '.join(offered)}], server accepts [{' '.join(known)}]"
    refusal = web.Response(
        status=403, text=f"unable to upgrade: unable to negotiate protocol: {text}\n"
    )
    for name in known:
        refusal.headers.add(_ACCEPTED, name)
    raise Refused(refusal)


def chosen(headers: dict[str, str]) -> str:
    """The protocol that `negotiate` found."""
    return headers[_VERSION]


def refuse_websocket(http: web.BaseRequest, known: Sequence[str]) -> Refused:
    """For a client that offers none of the subprotocols that are `known`."""
    offered = subprotocols(http)
    text = f"requested protocol(s) are not supported: [{' '.join(offered)}]; supports [{' '.join(known)}]"
    return Refused(web.Response(status=403, text=f"unable to upgrade: {text}\n"))


async def open_websocket(http: web.BaseRequest, protocols: Sequence[str]) -> web.WebSocketResponse:
    """The client's WebSocket, open; raises 400 when the handshake lacks something."""
    socket = web.WebSocketResponse(
        protocols=protocols, max_msg_size=MESSAGE_MAX, timeout=_SILENCE_SECONDS
    )
    try:
        await socket.prepare(http)
    except web.HTTPException as error:
        raise status.bad_request(error.text or "no WebSocket handshake") from error
    return socket


def _values(http: web.BaseRequest, header: str) -> list[str]:
    told = ",".join(http.headers.getall(header, ()))
    return [name.strip() for name in told.split(",") if name.strip()]
