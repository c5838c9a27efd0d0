"""Watch: what is there, if asked for, then every change, until the time is over.

Between the state that a watch begins with and its first change nothing can be lost: both come from
the cache in one synchronous step. Bookmarks tell an idle client how far it has seen, so that it can
resume; one goes out just before a watch ends by its time.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from labctl.api import causes, status
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.answers import Stream, WatchLine, written_line
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.numbers import parse_number, parse_version
from labctl.apiserver.registry.reading import (
    field_selector,
    matching_entries,
    selector,
)
from labctl.apiserver.request import Request, Target
from labctl.apiserver.watchcache.entry import ADDED, Entry, Notice, event_line
from labctl.apiserver.watchcache.watcher import Interest, Match, Watcher
from labctl.errors import StatusError

_BOOKMARK_SECONDS = 60.0
_LAST_BOOKMARK = 2.0  # seconds before the end, as kube-apiserver
_DEFAULT_SECONDS = (1800.0, 3600.0)  # a random time between, so that watches do not end together
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"
# Fields by whose value many watches are told apart: agents watch their own pods.
_INDEXED = (("spec", "nodeName"), ("metadata", "name"))


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What a client asks of a watch."""

    version: int | None
    seconds: float
    bookmarks: bool
    initial_events: bool | None


async def watch(backend: Backend, request: Request) -> Stream:
    """Begins a watch; raises 400, 422, 504. A revision that is too old is told in the stream."""
    wishes = _read_wishes(request)
    request = _narrowed(request)
    interest = _interest(request)
    if wishes.version:
        await backend.cache.reached(wishes.version)
    else:
        await backend.cache.fresh()
    return Stream(_portions(backend, request, interest, wishes))


async def _portions(
    backend: Backend, request: Request, interest: Interest, wishes: _Wishes
) -> AsyncGenerator[list[WatchLine]]:
    deadline = asyncio.get_running_loop().time() + wishes.seconds
    try:
        after = _after(backend, wishes)
        async with backend.cache.watch(request.resource, interest, after) as watcher:
            # No await between here and there: the list and the watch are of one moment.
            initial = _initial(backend, request, wishes)
            if initial:
                yield initial
            live = _live(backend, request.resource, watcher, wishes, deadline)
            async with aclosing(live) as portions:
                async for portion in portions:
                    yield portion
    except StatusError as error:
        yield [written_line("ERROR", error.status)]


def _after(backend: Backend, wishes: _Wishes) -> int:
    """The revision after which changes are told: that of the initial state, if there is one."""
    if _starts_with_state(wishes) or not wishes.version:
        return backend.cache.revision
    return wishes.version


def _starts_with_state(wishes: _Wishes) -> bool:
    if wishes.initial_events is not None:
        return wishes.initial_events
    return not wishes.version


def _initial(backend: Backend, request: Request, wishes: _Wishes) -> list[WatchLine]:
    if not _starts_with_state(wishes):
        return []
    # By revision: some clients resume from the version of the last object that they saw.
    entries = sorted(matching_entries(backend, request), key=_revision)
    lines = [_present(entry) for entry in entries]
    if wishes.initial_events:
        end = _bookmark(request.resource, backend.cache.revision)
        end["metadata"]["annotations"] = {_INITIAL_EVENTS_END: "true"}
        lines.append(written_line("BOOKMARK", end))
    return lines


async def _live(
    backend: Backend, resource: Resource, watcher: Watcher, wishes: _Wishes, deadline: float
) -> AsyncGenerator[list[WatchLine]]:
    clock = asyncio.get_running_loop().time
    bookmark_at = clock() + _BOOKMARK_SECONDS
    last_at = deadline - _LAST_BOOKMARK if wishes.bookmarks else deadline
    while not watcher.lost and clock() < deadline:
        wake_at = min(bookmark_at, last_at if clock() < last_at else deadline)
        await watcher.wait(max(wake_at - clock(), 0.0))
        notices = watcher.take()
        if notices:
            yield [_told(resource, notice) for notice in notices]
        elif wishes.bookmarks and not watcher.lost and clock() >= min(bookmark_at, last_at):
            # The queue is empty, so all up to the cache's revision has been told.
            yield [written_line("BOOKMARK", _bookmark(resource, backend.cache.revision))]
            bookmark_at = clock() + _BOOKMARK_SECONDS
            last_at = deadline


def _narrowed(request: Request) -> Request:
    """A watch of one object by its path is a watch of the collection by metadata.name."""
    if not request.name:
        return request
    terms = [request.query.get("fieldSelector", ""), f"metadata.name={request.name}"]
    query = {**request.query, "fieldSelector": ",".join(term for term in terms if term)}
    target = Target(request.resource, request.namespace)
    return Request(request.verb, target, request.user, query, accept=request.accept)


def _interest(request: Request) -> Interest:
    """What a watch wants to see, by its namespace and its selectors. Raises 400."""
    match, namespace = selector(request) or _everything, request.namespace
    fields = field_selector(request)
    for field in _INDEXED:
        value = fields.required(".".join(field))
        if value is not None:
            return Interest(_within(namespace, match), field, value)
    return Interest(_within(namespace, match))


def _within(namespace: str, match: Match) -> Match:
    if not namespace:
        return match
    return lambda entry: entry.namespace == namespace and match(entry)


def _everything(_: Entry) -> bool:
    return True


def _read_wishes(request: Request) -> _Wishes:
    query = request.query
    initial_events = request.flag("sendInitialEvents") if "sendInitialEvents" in query else None
    match = query.get("resourceVersionMatch", "")
    if initial_events is not None and match != "NotOlderThan":
        raise _bad_option(
            request,
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )
    if initial_events is None and match:
        raise _bad_option(
            request,
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )
    return _Wishes(
        parse_version(query),
        _seconds(parse_number(query, "timeoutSeconds")),
        request.flag("allowWatchBookmarks"),
        initial_events,
    )


def _bad_option(request: Request, field: str, detail: str) -> StatusError:
    cause = causes.forbidden(field, detail)
    options = Resource("meta.k8s.io", "v1", "ListOptions", "listoptions", namespaced=False)
    return status.invalid(options, request.name, [cause])


def _seconds(wanted: int) -> float:
    if wanted < 0:
        raise status.bad_request(f"timeoutSeconds: {wanted} is no time to watch")
    return float(min(wanted, 1 << 31)) or random.uniform(*_DEFAULT_SECONDS)  # noqa: S311 - spreads load


def _bookmark(resource: Resource, revision: int) -> Obj:
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": {"resourceVersion": str(revision), "creationTimestamp": None},
    }


def _present(entry: Entry) -> WatchLine:
    """The event of what is there already: only this watch's, so its line is not kept."""
    return WatchLine(ADDED, entry.object, lambda: event_line(ADDED, entry))


def _told(resource: Resource, notice: Notice) -> WatchLine:
    if resource.custom is not None:
        notice = notice.seen_as(resource)
    return WatchLine(notice.type, notice.entry.object, lambda: notice.line)


def _revision(entry: Entry) -> int:
    return entry.revision
