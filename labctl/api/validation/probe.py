"""The rules of probes and of the handlers that probes and hooks share."""

from collections.abc import Iterable, Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_ONE_SUCCESS = ("livenessProbe", "startupProbe")  # one success is all that means anything there
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_NUMBERS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_SCHEMES = ("HTTP", "HTTPS")


def check_probes(container: Obj, path: str) -> Iterator[Cause]:
    for kind in _PROBES:
        if kind in container:
            probe, here = container[kind], f"{path}.{kind}"
            yield from check_handler(probe, _HANDLERS, here)
            yield from terms.not_negative(probe, _NUMBERS, here)
            if kind in _ONE_SUCCESS and probe.get("successThreshold", 1) != 1:
                value = probe["successThreshold"]
                yield causes.invalid(f"{here}.successThreshold", value, "must be 1")
            grace = probe.get("terminationGracePeriodSeconds")
            if grace is not None and grace <= 0:
                field = f"{here}.terminationGracePeriodSeconds"
                yield causes.invalid(field, grace, "must be greater than 0")


def check_handler(handler: Obj, supported: Iterable[str], path: str) -> Iterator[Cause]:
    """Exactly one of the handlers that the place supports, itself well formed."""
    given = [one for one in supported if one in handler]
    if not given:
        yield causes.required(path, "must specify a handler type")
    for extra in given[1:]:
        yield causes.forbidden(f"{path}.{extra}", "may not specify more than 1 handler type")
    for kind in given[:1]:
        yield from _one_handler(kind, handler[kind], f"{path}.{kind}")


def _one_handler(kind: str, handler: Obj, path: str) -> Iterator[Cause]:
    if kind == "exec":
        if not handler.get("command"):
            yield causes.required(f"{path}.command")
    elif kind == "sleep":
        yield from terms.not_negative(handler, ("seconds",), path)
    else:
        yield from port_reference(handler.get("port"), f"{path}.port")
    if kind == "httpGet":
        if handler.get("path") == "":
            yield causes.required(f"{path}.path")
        yield from terms.choice(handler, "scheme", _SCHEMES, path)


def port_reference(port: int | str | None, field: str) -> Iterator[Cause]:
    """A port by its number or by its name in the same container or pod."""
    if port is None:
        return
    problems = names.port_number(port) if isinstance(port, int) else names.port_name(port)
    for problem in problems:
        yield causes.invalid(field, port, problem)
