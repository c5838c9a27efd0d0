"""The API server's `/metrics`, made of plain numbers when somebody asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from labctl.api.version import GIT_VERSION
from labctl.apiserver.measures.requests import (
    REQUEST_SECONDS,
    STORE_SECONDS,
    Kind,
    Measures,
    lasts,
)
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.meters import Durations, Labels, counter, gauge, histogram, page

if TYPE_CHECKING:
    from prometheus_client import Metric

_KIND = ("verb", "group", "version", "resource", "subresource", "scope")
# kube-apiserver names requests by their method where verbs share one.
_VERBS = {"create": "POST", "update": "PUT"}


def metrics(measures: Measures, cache: WatchCache) -> bytes:
    """The page as text."""
    return page([*_requests(measures), *_watches(measures), *_storage(measures, cache)])


def _requests(measures: Measures) -> Iterator[Metric]:
    by_kind: dict[Kind, Durations] = defaultdict(lambda: Durations(len(REQUEST_SECONDS)))
    totals = []
    for (kind, code), durations in measures.requests.items():
        totals.append(((*_labels(kind), str(code)), durations.total()))
        if not lasts(kind):
            by_kind[kind].add(durations)
    yield counter("apiserver_request", "Requests by their answer.", (*_KIND, "code"), totals)
    yield histogram(
        "apiserver_request_duration_seconds",
        "Time from a request's head to the end of its answer; watches and streams left out.",
        _KIND,
        REQUEST_SECONDS,
        [(_labels(kind), durations) for kind, durations in by_kind.items()],
    )
    yield gauge(
        "apiserver_current_inflight_requests",
        "Requests that are being answered.",
        ("request_kind",),
        [((kind,), number) for kind, number in measures.in_flight.items()],
    )


def _watches(measures: Measures) -> Iterator[Metric]:
    yield gauge(
        "apiserver_longrunning_requests",
        "Watches and streams that are open.",
        _KIND,
        [(_labels(kind), number) for kind, number in measures.lasting.items()],
    )
    yield counter(
        "apiserver_watch_events",
        "Events told to watches.",
        ("group", "version", "resource"),
        list(measures.watch_events.items()),
    )


def _storage(measures: Measures, cache: WatchCache) -> Iterator[Metric]:
    yield histogram(
        "etcd_request_duration_seconds",
        "Time that the store took for a write, whatever its engine.",
        ("operation", "type"),
        STORE_SECONDS,
        list(measures.writes.items()),
    )
    yield gauge(
        "apiserver_storage_objects",
        "Objects in the store.",
        ("resource",),
        [((resource,), number) for resource, number in cache.sizes().items()],
    )
    yield gauge(
        "apiserver_watch_cache_resource_version",
        "The revision up to which the watch cache has followed the store.",
        (),
        [((), cache.revision)],
    )
    yield gauge("kubernetes_build_info", "Always 1.", ("git_version",), [((GIT_VERSION,), 1)])


def _labels(kind: Kind) -> Labels:
    verb = _VERBS.get(kind.verb, kind.verb.upper())
    return (
        verb,
        kind.group,
        kind.version,
        kind.plural,
        kind.subresource,
        kind.scope,
    )
