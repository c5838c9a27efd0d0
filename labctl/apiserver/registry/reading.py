"""Get and list, from the cache: as new as the client asks for, selected, in pages."""

from collections.abc import Callable, Mapping

from labctl.api import status
from labctl.api.selectors import (
    FieldSelector,
    SelectorSyntax,
    parse_field_selector,
    parse_label_selector,
)
from labctl.apiserver.answers import Listing, Stored
from labctl.apiserver.registry import paging
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.numbers import parse_number, parse_version
from labctl.apiserver.request import Request
from labctl.apiserver.watchcache.entry import Entry
from labctl.errors import BadInput


async def get(backend: Backend, request: Request) -> Stored:
    """200 with the object; raises 404."""
    await _wait_for_version(backend, request.query)
    entry = backend.cache.get(request.resource, request.namespace, request.name)
    if entry is None:
        raise status.not_found(request.resource, request.name)
    return Stored(entry)


async def list_(backend: Backend, request: Request) -> Listing:
    """200 with the objects that the selectors match; raises 400, 410, 504."""
    limit = max(parse_number(request.query, "limit"), 0)
    if request.query.get("continue"):
        return await paging.next_page(backend, request, selector(request), limit)
    if request.query.get("resourceVersionMatch") == "Exact":
        return await paging.exact_page(backend, request, selector(request), limit)
    await _wait_for_version(backend, request.query)
    entries = matching_entries(backend, request)
    return paging.first_page(request, backend.cache.revision, entries, limit)


def matching_entries(backend: Backend, request: Request) -> list[Entry]:
    """What a request's namespace and selectors match, in the order of keys."""
    fields = field_selector(request)
    name = fields.required("metadata.name")
    if name is not None and (request.namespace or not request.resource.namespaced):
        found = backend.cache.get(request.resource, request.namespace, name)
        entries = [] if found is None else [found]
    else:
        entries = list(backend.cache.entries(request.resource, request.namespace))
    matches = selector(request)
    if matches is not None:
        entries = [entry for entry in entries if matches(entry)]
    return sorted(entries, key=_key)


def selector(request: Request) -> Callable[[Entry], bool] | None:
    """The test of a request's label and field selectors; None if it has neither. Raises 400."""
    fields = field_selector(request)
    try:
        labels = parse_label_selector(request.query.get("labelSelector", ""))
    except SelectorSyntax as error:
        raise status.bad_request(f"unable to parse requirement: {error.problem}") from None
    if fields.empty and labels.empty:
        return None

    if labels.empty:
        return lambda entry: fields.matches(entry.object)

    def matches(entry: Entry) -> bool:
        obj = entry.object
        return fields.matches(obj) and labels.matches(obj["metadata"].get("labels"))

    return matches


async def _wait_for_version(backend: Backend, query: Mapping[str, str]) -> None:
    """Unset means the newest; 0 whatever is at hand; N no older than that."""
    version = parse_version(query)
    if version is None:
        await backend.cache.fresh()
    else:
        await backend.cache.reached(version)


def field_selector(request: Request) -> FieldSelector:
    """A request's field selector; raises 400 for syntax and for fields that are not offered."""
    text = request.query.get("fieldSelector", "")
    try:
        return parse_field_selector(text, request.resource.field_selectors)
    except BadInput as error:
        raise status.bad_request(error.message) from None


def _key(entry: Entry) -> str:
    return entry.key
