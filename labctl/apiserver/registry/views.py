"""Requests for a version or group that is not the stored one: the same verbs, in another form.

What a client sends is converted before a verb sees it, and what it is answered after; between, there
is one object with one history, whichever way it was written.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from labctl.api import status
from labctl.api.conversion import View
from labctl.api.objects import Obj
from labctl.apiserver.answers import Answer, Listing, Plain, Stored, Stream, WatchLine, written_line
from labctl.apiserver.decoding import decode_object
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.reading import field_selector
from labctl.apiserver.request import Request
from labctl.apiserver.validation import shaped

_Verb = Callable[[Backend, Request], Awaitable[Answer | Stream]]


async def through_view(
    verb: _Verb, backend: Backend, request: Request, view: View
) -> Answer | Stream:
    """Runs a verb on what is stored, for a request in the form of `view`; raises what it raises."""
    body, warnings = _kept_body(request, view)
    stored = replace(
        request,
        target=replace(request.target, resource=view.stored),
        query=_query(request, view),
        body=body,
        view=view,
    )
    return _shown(await verb(backend, stored), view, warnings)


def _kept_body(
    request: Request, view: View
) -> tuple[bytes | Obj | list[Obj] | None, Sequence[str]]:
    """What a client sends in the stored form, and the warnings about its own. Raises 400, 415, 422."""
    if request.verb not in {"create", "update"}:
        return request.body, ()
    sent = decode_object(request)
    sent, warnings = shaped(request, sent)
    causes = list(view.check(sent)) if request.verb == "create" else []
    if causes:
        raise status.invalid(view.resource, sent["metadata"].get("name", ""), causes)
    return view.kept(sent), warnings


def _query(request: Request, view: View) -> dict[str, str]:
    """The query, with the fields of a selector under the names that they are stored by."""
    query = dict(request.query)
    field_selector(request)  # refuses what this form does not offer
    if "fieldSelector" in query:
        query["fieldSelector"] = re.sub(
            r"(?<![^,])[\w.]+(?=[=!])",
            lambda found: view.fields.get(found[0], found[0]),
            query["fieldSelector"],
        )
    return query


def _shown(answer: Answer | Stream, view: View, warnings: Sequence[str]) -> Answer | Stream:
    """The answer with its objects in the form of `view`; a Status stays what it is."""
    said = (*([view.warning] if view.warning else ()), *warnings, *answer.warnings)
    if isinstance(answer, Stream):
        return Stream(_lines(answer, view), said)
    if isinstance(answer, Listing):
        entries = [one.shown(view.shown) for one in answer.entries]
        return replace(answer, resource=view.resource, entries=entries, warnings=said)
    if isinstance(answer, Stored):
        return replace(answer, entry=answer.entry.shown(view.shown), warnings=said)
    value = answer.object()
    is_view = value.get("kind") == view.stored.kind
    return Plain(view.shown(value) if is_view else value, answer.code, said)


async def _lines(stream: Stream, view: View) -> AsyncGenerator[list[WatchLine]]:
    async with aclosing(stream.portions) as portions:
        async for lines in portions:
            yield [_line(line, view) for line in lines]


def _line(line: WatchLine, view: View) -> WatchLine:
    if line.type == "ERROR":
        return line
    if line.type == "BOOKMARK":
        value = {**line.object, "apiVersion": view.resource.api_version}
    else:
        value = view.shown(line.object)
    return written_line(line.type, value)
