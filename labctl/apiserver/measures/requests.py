"""What is noted of every request, every line of a watch, and every write of the store."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from time import perf_counter
from typing import Any, Final, NamedTuple

from aiohttp import web

from labctl.api.resource import Resource
from labctl.apiserver.request import Request
from labctl.errors import StatusError
from labctl.meters import Durations

# Seconds; those of kube-apiserver's histograms reach from 5 ms to a minute, which a lab never needs.
REQUEST_SECONDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
STORE_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)
_LASTING: Final = frozenset({"attach", "exec", "log", "portforward", "proxy"})
_READING: Final = frozenset({"get", "list", "watch"})
_ABORTED: Final = 499  # nginx's word for a client that went before the answer


class Kind(NamedTuple):
    """What requests are told apart by: words, since a custom resource is made anew when it changes."""

    group: str
    version: str
    plural: str
    verb: str
    subresource: str
    scope: str


class Measures:
    """Plain numbers, by what they are of; `page` makes metrics of them."""

    def __init__(self) -> None:
        self.requests: dict[tuple[Kind, int], Durations] = {}
        self.writes: dict[tuple[str, str], Durations] = {}
        self.lasting: Counter[Kind] = Counter()
        self.watch_events: Counter[tuple[str, str, str]] = Counter()
        self.in_flight = {"readOnly": 0, "mutating": 0}

    async def measured(
        self, request: Request, answer: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """Awaits the answer to a request and notes how that went."""
        kind = _kind(request)
        present, place = self._present(kind)
        code = 500
        began = perf_counter()
        present[place] += 1
        try:
            response = await answer
            code = response.status
        except StatusError as error:
            code = error.code
            raise
        except (asyncio.CancelledError, ConnectionError):
            code = 200 if lasts(kind) else _ABORTED
            raise
        finally:
            present[place] -= 1
            self._note(kind, code, perf_counter() - began)
        return response

    def watched(self, resource: Resource, events: int) -> None:
        """A watch has told of so many events."""
        self.watch_events[resource.group, resource.version, resource.plural] += events

    def written(self, operation: str, key: str, seconds: float) -> None:
        """The store has taken a write: create, update or delete."""
        _, group, plural, _ = key.split("/", 3)
        at = (operation, plural if group == "core" else f"{plural}.{group}")
        durations = self.writes.get(at)
        if durations is None:
            durations = self.writes[at] = Durations(len(STORE_SECONDS))
        durations.observe(STORE_SECONDS, seconds)

    def _present(self, kind: Kind) -> tuple[dict[Any, int], object]:
        """Where a request is counted while it is answered; watches and streams apart."""
        if lasts(kind):
            return self.lasting, kind
        return self.in_flight, "readOnly" if kind.verb in _READING else "mutating"

    def _note(self, kind: Kind, code: int, seconds: float) -> None:
        durations = self.requests.get((kind, code))
        if durations is None:
            durations = self.requests[kind, code] = Durations(len(REQUEST_SECONDS))
        durations.observe(REQUEST_SECONDS, seconds)


def _kind(request: Request) -> Kind:
    target, resource = request.target, request.resource
    scope = "resource" if target.name else "namespace" if target.namespace else "cluster"
    names = resource.group, resource.version, resource.plural
    return Kind(*names, request.verb, target.subresource, scope)


def lasts(kind: Kind) -> bool:
    """Whether a request goes on for as long as its client likes."""
    return kind.verb == "watch" or kind.subresource in _LASTING
