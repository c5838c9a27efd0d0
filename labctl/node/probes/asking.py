"""Asking: from a probe's handler, and where its container is, to one outcome."""

from collections.abc import Sequence
from dataclasses import dataclass

from labctl.api.objects import Obj
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError, RuntimeUnavailable
from labctl.cri.messages import Container
from labctl.node.pods.container_config import port_number
from labctl.node.probes import grpc, http, tcp
from labctl.node.probes.probe import Outcome, Probe

_OUTPUT_LIMIT = 10 * 1024  # characters of a command's output that an event may carry


@dataclass(frozen=True, slots=True)
class Subject:
    """A running container: its spec, its incarnation, and the address of its pod."""

    spec: Obj
    container: Container
    address: str


async def ask(probe: Probe, subject: Subject, runtime: RuntimeClient) -> Outcome:
    """Asks once, for at most the probe's timeout. Raises RuntimeUnavailable: nobody was asked."""
    handler, seconds = probe.handler, probe.timeout
    if wanted := handler.get("httpGet"):
        return await _http(wanted, subject, seconds)
    if wanted := handler.get("tcpSocket"):
        port = port_number(subject.spec, wanted["port"])
        return (
            await tcp.connect(_host(wanted, subject), port, seconds) if port else _no_port(wanted)
        )
    if wanted := handler.get("grpc"):
        return await grpc.check(
            subject.address, wanted["port"], wanted.get("service") or "", seconds
        )
    return await _command(
        (handler.get("exec") or {}).get("command") or (), subject, runtime, seconds
    )


async def _http(wanted: Obj, subject: Subject, seconds: float) -> Outcome:
    port = port_number(subject.spec, wanted["port"])
    if port is None:
        return _no_port(wanted)
    headers = {one["name"]: one.get("value", "") for one in wanted.get("httpHeaders") or ()}
    scheme, path = wanted.get("scheme") or "HTTP", wanted.get("path") or "/"
    return await http.get(scheme, _host(wanted, subject), port, path, headers, seconds)


def _host(wanted: Obj, subject: Subject) -> str:
    return wanted.get("host") or subject.address


def _no_port(wanted: Obj) -> Outcome:
    return Outcome(healthy=False, message=f"couldn't find port: {wanted['port']}")


async def _command(
    command: Sequence[str], subject: Subject, runtime: RuntimeClient, seconds: float
) -> Outcome:
    """A stand-in has none of its image's programs: what they would say is taken to be yes."""
    if subject.container.stand_in:
        return Outcome(healthy=True)
    try:
        done = await runtime.exec_sync(subject.container.id, tuple(command), seconds)
    except TimeoutError:
        said = f'command "{" ".join(command)}" timed out'
        return Outcome(healthy=False, message=said)
    except RuntimeUnavailable:
        raise
    except CriError as error:
        return Outcome(healthy=False, message=error.message)
    text = (done.stdout + done.stderr).decode(errors="replace")[:_OUTPUT_LIMIT]
    return Outcome(done.exit_code == 0, text)
