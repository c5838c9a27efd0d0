"""What `get` fetches and how a server's Table becomes lines.

The server decides on columns and cells, so that labctl and kubectl print the same; here columns
are chosen, a namespace, kind or labels added, and everything laid out.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from labctl.api.jsonpath import find
from labctl.api.objects import Obj, labels, name, namespace
from labctl.api.resource import Resource
from labctl.cli import output
from labctl.cli.tables import cell_text, layout
from labctl.client.client import Client
from labctl.errors import BadInput, StatusError
from labctl.lab.words import Target, printed_name

T = TypeVar("T")

_NO_FIELD = (0, 0.0, "")

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@dataclass(frozen=True)
class Query:
    """Which objects are asked for; selectors as text, namespace "" for all."""

    targets: tuple[Target, ...]
    namespace: str = ""
    labels: str = ""
    fields: str = ""
    sort_by: str = ""
    ignore_not_found: bool = False
    managed_fields: bool = False
    """Whether they are shown in JSON and YAML."""

    @property
    def of_one_object(self) -> bool:
        return len(self.targets) == 1 and bool(self.targets[0].name)

    def space(self, resource: Resource) -> str:
        return self.namespace if resource.namespaced else ""

    def parameters(self, target: Target) -> dict[str, str]:
        """The query of the request; a name is looked up by path and takes no selectors."""
        wanted = {"labelSelector": self.labels, "fieldSelector": self.fields}
        if target.name:
            wanted = {}
        if self.sort_by:
            wanted["includeObject"] = "Object"
        return {key: value for key, value in wanted.items() if value}


@dataclass(frozen=True)
class Look:
    """How a Table is printed."""

    wide: bool = False
    labels: bool = False
    headers: bool = True
    namespaces: bool = False
    kinds: bool = False


async def fetch_table(client: Client, query: Query, target: Target) -> tuple[Target, Obj]:
    """The target, and the server's Table for it."""
    path = target.resource.path(query.space(target.resource), target.name)
    parameters = query.parameters(target)
    table = await client.transport.request("GET", path, query=parameters, accept=TABLE)
    return target, _sorted(table, query.sort_by)


async def fetch_objects(client: Client, query: Query, target: Target) -> list[Obj]:
    """The objects themselves."""
    resource, at = target
    space = query.space(resource)
    if at:
        return [await client.get(resource, at, space)]
    return (await client.list(resource, space, labels=query.labels, fields=query.fields)).items


async def fetch_each(
    query: Query, fetch: Callable[[Target], Awaitable[T]]
) -> tuple[list[T], list[str]]:
    """What `fetch` finds for each target, and a sentence on each that is not there."""
    found: list[T] = []
    missing: list[str] = []
    for target in query.targets:
        try:
            found.append(await fetch(target))
        except StatusError as error:
            if error.reason != "NotFound":
                raise
            missing.append(error.message)
    return found, [] if query.ignore_not_found else missing


def in_order(objects: list[Obj], query: Query) -> list[Obj]:
    """The objects as --sort-by wants them; raises BadInput when none has such a field."""
    return _by_field(objects, query.sort_by, lambda obj: obj) if query.sort_by else objects


def as_list(objects: Sequence[Obj]) -> Obj:
    """Several objects as the List that kubectl prints."""
    return {
        "apiVersion": "v1",
        "items": list(objects),
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }


def format_objects(objects: Sequence[Obj], form: str) -> str:
    """One object as itself, several as a List, in a form of -o that is data."""
    if form == "name":
        return "".join(f"{label}\n" for label in object_names(objects))
    return format_object(objects[0] if len(objects) == 1 else as_list(objects), form)


def format_object(obj: Obj, form: str, *, managed_fields: bool = False) -> str:
    """One object (or a List) in a form of -o that is data; managed fields are seldom wanted in it."""
    if form in {"json", "yaml"} and not managed_fields:
        obj = _without_managed_fields(obj)
    if form == "json":
        return output.as_json(obj, sort=True)
    if form == "yaml":
        return output.as_yaml(obj, sort=True)
    if form == "name":
        return "".join(f"{label}\n" for label in object_names([obj]))
    return output.jsonpath(form, obj)


def _without_managed_fields(obj: Obj) -> Obj:
    if isinstance(obj.get("items"), list):
        obj = {**obj, "items": [_without_managed_fields(item) for item in obj["items"]]}
    metadata = obj.get("metadata") or {}
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {k: v for k, v in metadata.items() if k != "managedFields"}}


def object_names(objects: Iterable[Obj]) -> list[str]:
    """`pod/web`, `deployment.apps/web` for each; the kind is taken from the object itself."""
    found = []
    for obj in objects:
        group, slash, _ = obj.get("apiVersion", "").partition("/")
        kind = f"{obj.get('kind', '').lower()}{f'.{group}' if slash else ''}"
        found.append(f"{kind}/{name(obj)}")
    return found


def table_rows(resource: Resource, table: Obj, look: Look) -> list[list[str]]:
    """The Table's rows as text, without the header."""
    columns = _columns(table, look)
    return [_row(resource, row, columns, look) for row in table.get("rows") or ()]


def header(resource: Resource, table: Obj, look: Look) -> list[str]:
    """The names of the columns, as kubectl prints them."""
    definitions = table["columnDefinitions"]
    names = [str(definitions[index]["name"]).upper() for index in _columns(table, look)]
    if look.namespaces and resource.namespaced:
        names.insert(0, "NAMESPACE")
    return [*names, "LABELS"] if look.labels else names


def print_tables(found: Sequence[tuple[Target, Obj]], look: Look) -> str:
    """Several Tables with an empty line between; nothing for those without rows."""
    parts = []
    for target, table in found:
        rows = table_rows(target.resource, table, look)
        if rows:
            top = [header(target.resource, table, look)] if look.headers else []
            parts.append(layout([*top, *rows]))
    return "\n".join(parts)


def _columns(table: Obj, look: Look) -> list[int]:
    definitions = enumerate(table.get("columnDefinitions") or ())
    return [index for index, column in definitions if look.wide or not column.get("priority")]


def _row(resource: Resource, row: Obj, columns: Sequence[int], look: Look) -> list[str]:
    cells = [cell_text(row["cells"][index]) for index in columns]
    obj = row.get("object") or {}
    if look.kinds and cells:
        cells[0] = printed_name(resource, cells[0])
    if look.namespaces and resource.namespaced:
        cells.insert(0, namespace(obj))
    if look.labels:
        cells.append(_labels_text(obj))
    return cells


def _labels_text(obj: Obj) -> str:
    pairs = sorted(labels(obj).items())
    return ",".join(f"{key}={value}" for key, value in pairs) or "<none>"


def _sorted(table: Obj, path: str) -> Obj:
    if not path:
        return table
    rows = _by_field(table.get("rows") or (), path, lambda row: row.get("object") or {})
    return {**table, "rows": rows}


def _by_field(items: Sequence[T], path: str, object_of: Callable[[T], Obj]) -> list[T]:
    keys = [_sort_key(object_of(item), path) for item in items]
    if items and set(keys) == {_NO_FIELD}:
        raise BadInput(f"--sort-by {path}: no object has that field", "as in: .metadata.name")
    order = sorted(range(len(items)), key=keys.__getitem__)
    return [items[index] for index in order]


def _sort_key(obj: Obj, path: str) -> tuple[int, float, str]:
    """Numbers before texts, and what has no such field first."""
    found: list[Any] = find(path, obj)
    if not found:
        return _NO_FIELD
    value = found[0]
    return (1, float(value), "") if isinstance(value, int | float) else (2, 0.0, str(value))
