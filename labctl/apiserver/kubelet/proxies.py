"""The subresources that agents serve, passed on as they come."""

import time

from aiohttp import web

from labctl.api.log_options import LogOptions
from labctl.apiserver.http.exchange import Proxy
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.commands import serve_command
from labctl.apiserver.kubelet.forward_requests import serve_forward
from labctl.apiserver.kubelet.forwarding import Forwarder
from labctl.apiserver.kubelet.location import container_name, find_pod, locate
from labctl.apiserver.kubelet.logs import pass_log
from labctl.apiserver.kubelet.upgrades import Refused
from labctl.apiserver.request import Request
from labctl.apiserver.server import ApiServer
from labctl.client.hangup import cut_if_abandoned


def proxies(server: ApiServer, agents: Agents) -> dict[str, Proxy]:
    """A handler for each."""

    async def log(http: web.BaseRequest, request: Request) -> web.StreamResponse:
        LogOptions.of(request.query, request.name, time.time())
        pod = await find_pod(server.backend, request)
        container = container_name(pod, request.query)
        if not pod["spec"].get("nodeName"):
            return web.Response(status=204)  # as kube-apiserver: nothing was said yet
        return await pass_log(http, agents, locate(server.backend, pod, container))

    async def command(http: web.BaseRequest, request: Request) -> web.StreamResponse:
        pod = await find_pod(server.backend, request)
        place = locate(server.backend, pod, container_name(pod, request.query))
        try:
            with cut_if_abandoned(http.transport):
                return await serve_command(http, request, agents, place)
        except Refused as refusal:
            return refusal.response

    async def forward(http: web.BaseRequest, request: Request) -> web.StreamResponse:
        pod = await find_pod(server.backend, request)
        try:
            forwarder = Forwarder(agents, pod, locate(server.backend, pod))
            with cut_if_abandoned(http.transport):
                return await serve_forward(http, forwarder)
        except Refused as refusal:
            return refusal.response

    return {"log": log, "exec": command, "attach": command, "portforward": forward}
