"""A port-forward request: which of the forms it is in, and off it goes."""

from aiohttp import web

from labctl.apiserver.kubelet import forward_channels, forward_streams
from labctl.apiserver.kubelet.forwarding import Forwarder
from labctl.apiserver.kubelet.upgrades import (
    Upgrade,
    negotiate,
    open_websocket,
    refuse_websocket,
    subprotocols,
    wanted_upgrade,
)
from labctl.apiserver.spdy.wires import SocketWire, Upgraded, WebSocketWire
from labctl.names import FORWARD_PROTOCOL

_TUNNEL = f"SPDY/3.1+{forward_streams.PROTOCOL}"
_WEBSOCKET_PROTOCOLS = (_TUNNEL, *forward_channels.PROTOCOLS, FORWARD_PROTOCOL)


async def serve_forward(http: web.BaseRequest, forwarder: Forwarder) -> web.StreamResponse:
    """Until either end is gone. Raises StatusError, or Refused."""
    upgrade = wanted_upgrade(http)
    if upgrade is Upgrade.NONE:
        raise await forwarder.refusal(http)
    if upgrade is Upgrade.SPDY:
        headers = negotiate(http, (forward_streams.PROTOCOL,))
        await forward_streams.serve_streams(await SocketWire.take_over(http, headers), forwarder)
        return Upgraded()
    offered = subprotocols(http)
    if _TUNNEL in offered:
        return await _serve_tunnel(http, forwarder)
    if FORWARD_PROTOCOL in offered:
        return await forwarder.pass_on(http)
    if offered and not set(offered) & set(forward_channels.PROTOCOLS):
        raise refuse_websocket(http, _WEBSOCKET_PROTOCOLS)
    return await _serve_channels(http, forwarder, forward_channels.PROTOCOLS if offered else ())


async def _serve_tunnel(http: web.BaseRequest, forwarder: Forwarder) -> web.StreamResponse:
    socket = await open_websocket(http, (_TUNNEL,))
    await forward_streams.serve_streams(WebSocketWire(socket), forwarder)
    await socket.close()
    return socket


async def _serve_channels(
    http: web.BaseRequest, forwarder: Forwarder, protocols: tuple[str, ...]
) -> web.StreamResponse:
    ports = forward_channels.read_ports(http.query.getall("ports", []))
    socket = await open_websocket(http, protocols)
    await forward_channels.serve_channels(socket, ports, forwarder)
    await socket.close()
    return socket
