"""Tables: the server prints, so that kubectl and labctl show the same and know no columns."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from labctl.api.resource import Resource
from labctl.api.tables import table
from labctl.apiserver.answers import Answer, Listing, Plain, Stored, Stream, WatchLine, written_line
from labctl.apiserver.request import Request


def tabulated(request: Request, answer: Answer | Stream) -> Answer | Stream:
    """The answer as a Table, if there is something to print."""
    resource, include = request.resource, request.query.get("includeObject") or "Metadata"
    if isinstance(answer, Stored):
        metadata = {"resourceVersion": str(answer.entry.revision)}
        value = table(resource, [answer.object()], metadata, include_object=include)
        return Plain(value, answer.code, answer.warnings)
    if isinstance(answer, Listing):
        objects = [entry.object for entry in answer.entries]
        value = table(resource, objects, answer.metadata(), include_object=include)
        return Plain(value, answer.code, answer.warnings)
    if isinstance(answer, Stream):
        return Stream(_tabulated(resource, answer, include), answer.warnings)
    return answer


async def _tabulated(
    resource: Resource, stream: Stream, include: str
) -> AsyncGenerator[list[WatchLine]]:
    """Every event's object as a Table of one row; only the first table brings its columns."""
    columns = True
    async with aclosing(stream.portions) as portions:
        async for lines in portions:
            tables = []
            for line in lines:
                tables.append(_as_table(resource, line, include, columns=columns))
                columns = columns and line.type == "ERROR"
            yield tables


def _as_table(resource: Resource, line: WatchLine, include: str, *, columns: bool) -> WatchLine:
    if line.type == "ERROR":
        return line
    metadata = {"resourceVersion": line.object["metadata"]["resourceVersion"]}
    rows = [] if line.type == "BOOKMARK" else [line.object]
    value = table(resource, rows, metadata, include_object=include, columns=columns)
    return written_line(line.type, value)
