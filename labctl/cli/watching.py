"""`get --watch`: what is there, then a line for every change."""

import contextlib
from collections.abc import AsyncGenerator

import click

from labctl.api.objects import Obj
from labctl.cli import listing, output
from labctl.cli.listing import Look, Query
from labctl.cli.tables import column_widths, layout
from labctl.client.client import Client
from labctl.client.unix import UnixTransport
from labctl.errors import BadInput, StatusError
from labctl.lab.words import Target


async def watch(client: Client, query: Query, look: Look, form: str, *, only_changes: bool) -> None:
    """Prints for ever; ends when the server ends the watch."""
    if len(query.targets) != 1:
        raise BadInput("you may only specify a single resource type to watch")
    if form:
        await _watch_objects(client, query, form)
    else:
        await _watch_table(client, query, look, only_changes=only_changes)


async def _watch_table(client: Client, query: Query, look: Look, *, only_changes: bool) -> None:
    target, table = await listing.fetch_table(client, query, query.targets[0])
    rows = listing.table_rows(target.resource, table, look)
    top = [listing.header(target.resource, table, look)] if look.headers else []
    widths = column_widths([*top, *rows])
    if not only_changes:
        output.emit(layout([*top, *rows], widths))
    revision = table["metadata"].get("resourceVersion", "")
    definitions = table["columnDefinitions"]
    async with contextlib.aclosing(_events(client, query, revision, listing.TABLE)) as events:
        async for event in events:
            changed = {"columnDefinitions": definitions, **_without_empty(event["object"])}
            rows = listing.table_rows(target.resource, changed, look)
            widths = column_widths(rows, widths)
            output.emit(layout(rows, widths))


def _without_empty(table: Obj) -> Obj:
    """Only the first event of a watch must define the columns."""
    return {key: value for key, value in table.items() if value}


async def _watch_objects(client: Client, query: Query, form: str) -> None:
    async with contextlib.aclosing(_events(client, query, "", "application/json")) as events:
        async for event in events:
            output.emit(_line(event["object"], query, form))


def _line(obj: Obj, query: Query, form: str) -> str:
    """An object among others that come before and after it."""
    text = listing.format_object(obj, form, managed_fields=query.managed_fields)
    if form == "yaml":
        return f"---\n{text}"
    return text if form in ("json", "name") else f"{text}\n"


async def _events(
    client: Client, query: Query, revision: str, accept: str
) -> AsyncGenerator[Obj, None]:
    (target,) = query.targets
    parameters = {"watch": "true", **query.parameters(Target(target.resource))}
    if target.name:
        parameters["fieldSelector"] = f"metadata.name={target.name}"
    if revision:
        parameters["resourceVersion"] = revision
    path = target.resource.path(query.space(target.resource))
    transport = client.transport
    if not isinstance(transport, UnixTransport):
        raise click.ClickException("watching needs the lab's socket")
    async with contextlib.aclosing(transport.stream(path, parameters, accept)) as events:
        async for event in events:
            if event["type"] == "ERROR":
                raise StatusError(event["object"])
            if event["type"] != "BOOKMARK":
                yield event
