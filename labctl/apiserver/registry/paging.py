"""Lists in pages: the first from the cache, the rest from the store as it was at that revision.

A `continue` token holds the revision and the last key, and no server has to remember anything. When
the store has been compacted past the revision, the client gets 410 and begins again.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence

import msgspec

from labctl.api import status
from labctl.apiserver.answers import Listing
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.numbers import parse_version
from labctl.apiserver.request import Request
from labctl.apiserver.watchcache.entry import Entry
from labctl.store import Expired, StoreError

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You must start a new list without the continue parameter."
)
_CHUNK = 500  # objects read from the store at once, while looking for a page of matching ones


class _Token(msgspec.Struct, frozen=True):
    revision: int
    after: str


Match = Callable[[Entry], bool]


def first_page(request: Request, revision: int, entries: Sequence[Entry], limit: int) -> Listing:
    """The first `limit` (0: all) of the entries of a list at `revision`."""
    if not limit or len(entries) <= limit:
        return Listing(request.resource, revision, entries)
    page = entries[:limit]
    # As Kubernetes: how many remain is told only where no selector makes that a guess.
    counted = not (request.query.get("labelSelector") or request.query.get("fieldSelector"))
    remaining = len(entries) - limit if counted else None
    return Listing(request.resource, revision, page, _encode(revision, page[-1].key), remaining)


async def next_page(backend: Backend, request: Request, match: Match | None, limit: int) -> Listing:
    """The page that a request's continue token asks for; raises 400, 410."""
    if request.query.get("resourceVersion", "0") not in {"", "0"}:
        raise status.bad_request("specifying resource version is not allowed when using continue")
    token = _decode(request.query["continue"])
    prefix = request.resource.prefix(request.namespace)
    if token.revision > backend.cache.revision or not token.after.startswith(prefix):
        raise status.bad_request("continue key is not valid: it belongs to another list")
    return await _page_at(backend, request, match, token, limit)


async def exact_page(
    backend: Backend, request: Request, match: Match | None, limit: int
) -> Listing:
    """The list as it was at exactly the revision that a request names; raises 400, 410, 504."""
    version = parse_version(request.query)
    if not version:
        raise status.bad_request(
            'resourceVersionMatch: Forbidden: resourceVersionMatch "Exact" is forbidden '
            "without a resourceVersion other than 0"
        )
    await backend.cache.reached(version)
    return await _page_at(backend, request, match, _Token(version, ""), limit)


async def _page_at(
    backend: Backend, request: Request, match: Match | None, token: _Token, limit: int
) -> Listing:
    """Reads chunks from the store until a page is full: selectors may pass over many objects."""
    prefix = request.resource.prefix(request.namespace)
    found: list[Entry] = []
    after, more, remaining = token.after, True, 0
    while more and (not limit or len(found) < limit):
        wanted = limit - len(found) if limit and match is None else _CHUNK
        try:
            page = await backend.store.page(
                prefix, limit=wanted, after=after, at_revision=token.revision
            )
        except Expired:
            raise status.expired(_EXPIRED) from None
        except StoreError as error:
            raise status.service_unavailable(f"the store cannot be read: {error}") from error
        stored = (Entry(one.key, one.value, one.revision) for one in page.items)
        entries = [entry.seen_as(request.resource) for entry in stored]
        found += [entry for entry in entries if match is None or match(entry)]
        after = entries[-1].key if entries else after
        more, remaining = page.more, page.remaining
    if limit and len(found) > limit:
        found, more = found[:limit], True
    resume = _encode(token.revision, found[-1].key) if more and found else ""
    return Listing(
        request.resource,
        token.revision,
        found,
        resume,
        remaining if resume and match is None else None,
    )


def _encode(revision: int, after: str) -> str:
    raw = msgspec.json.encode(_Token(revision, after))
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> _Token:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        token = msgspec.json.decode(raw, type=_Token)
    except ValueError:
        raise status.bad_request("continue key is not valid: it cannot be decoded") from None
    if token.revision < 1:
        raise status.bad_request("continue key is not valid: incorrect encoded revision")
    return token
