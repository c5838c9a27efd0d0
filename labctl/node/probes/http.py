"""httpGet: a GET as kubelets send it; every answer from 200 to 399 is a healthy one."""

import asyncio
from collections.abc import Mapping

import aiohttp
import yarl

from labctl.node.probes import tcp
from labctl.node.probes.probe import Outcome

_AGENT = "kube-probe/1.33"
_BODY_LIMIT = 10 * 1024  # bytes; more of a body is not waited for


async def get(
    scheme: str, host: str, port: int, path: str, headers: Mapping[str, str], seconds: float
) -> Outcome:
    """Redirects are followed on the same host; one that leads elsewhere counts as an answer.

    Certificates are not checked: a pod's address is in none (kubelet does not check them either).
    """
    url = yarl.URL(f"{scheme.lower()}://{host}:{port}{_rooted(path)}", encoded=True)
    try:
        async with asyncio.timeout(seconds):
            code = await _code(url, {"User-Agent": _AGENT, "Accept": "*/*", **headers})
    except TimeoutError:
        why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return Outcome(healthy=False, message=f'Get "{url}": {why}')
    except aiohttp.ClientConnectorError as error:
        why = tcp.refusal(host, port, error.os_error)
        return Outcome(healthy=False, message=f'Get "{url}": {why}')
    except (aiohttp.ClientError, ValueError, OSError) as error:
        return Outcome(healthy=False, message=f'Get "{url}": {error or type(error).__name__}')
    if 200 <= code < 400:
        return Outcome(healthy=True)
    return Outcome(healthy=False, message=f"HTTP probe failed with statuscode: {code}")


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


async def _code(url: yarl.URL, headers: Mapping[str, str]) -> int:
    connector = aiohttp.TCPConnector(ssl=False, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(10):
            async with session.get(url, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(_BODY_LIMIT)
                location = answer.headers.get("Location", "")
                target = url.join(yarl.URL(location))
                if answer.status not in {301, 302, 303, 307, 308} or target.host != url.host:
                    return answer.status
                url = target
    raise aiohttp.ClientError("stopped after 10 redirects")
