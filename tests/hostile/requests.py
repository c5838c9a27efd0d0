"""Requests of every method on every path that OpenAPI names, mostly nearly right: a strategy.

What is entirely wrong is refused at the door; what has the right shape and one odd value in it comes
as far as the rules, the store, the controllers and the agents.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from tests.api.test_validation import RICH, paths

Schema = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_ODD_METHODS = ("HEAD", "OPTIONS", "TRACE", "PURGE", "get")
_LEVELS = 7  # of an object: as deep as a container's probes in a template

TEXTS = (
    *("a", "web", "default", "node1", "main", "nginx", "app", "None", "", "-", "A_b", "ä", "\x00"),
    *("10.0.0.1", "10.96.0.77", "fe80::1", "10.0.0.0/8", "1Gi", "100m", "1e99", "9" * 70, "50%"),
    *("TCP", "Always", "Never", "ClusterIP", "NodePort", "Foreground", "Exists", "In", "Delete"),
    *("2026-11-25T00:00:00Z", "2026-11-25T00:00:00.000001Z", "YQ==", "a/b", "a.b/c", "/", "../x"),
    *("v1", "apps/v1", "Pod", "kubernetes.io/metadata.name", "x" * 64, "x" * 254, "%s", "{}"),
)
NUMBERS = (-1, 0, 1, 2, 80, 30000, 65535, 65536, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 10**30)
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    (None, True, -1, 3.5, 10**30, "", "\x00", [], [None], {}, {"a": None}, {"$patch": "delete"})
)
_QUERY = st.sampled_from(
    (
        *(
            "",
            "1",
            "true",
            "-1",
            "0",
            "9" * 20,
            "9" * 5000,
            "1_0",
            "٣",
            "All",
            "nope",
            "\x00",
            "a=b",
        ),
        *(
            "a in (b,c)",
            "a in (",
            "!a",
            "a=b,",
            "metadata.name=a",
            "spec.nodeName=node1",
            "=",
            "\\",
        ),
        *("Strict", "Warn", "Exact", "NotOlderThan", "Background", "Orphan", "e30", "x" * 2000),
        "eyJyZXZpc2lvbiI6MSwiYWZ0ZXIiOiIvY29yZS9wb2RzL2RlZmF1bHQvYSJ9",
    )
)
_ACCEPTS = st.sampled_from(
    (
        *("application/json", "*/*", "", "application/yaml"),
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
    )
)
_ODD_ACCEPTS = st.sampled_from(("text/html", "\xff", "application/json;q=nan,*/*;q=0", "," * 99))
_NAMES = st.sampled_from(("a", "a", "b", "web", "node1", "..", "%", "\x00", "ä", "x" * 300))
_NAMESPACES = st.sampled_from(("default", "default", "default", "default", "nope", "", "\x00"))
_PATCHES = ("merge-patch+json", "strategic-merge-patch+json", "json-patch+json", "apply-patch+yaml")
_POINTERS = st.sampled_from(
    (
        *("", "/", "/metadata", "/metadata/labels", "/metadata/labels/a", "/metadata/name", "a"),
        *("/spec", "/spec/containers/0", "/spec/containers/-", "/spec/containers/9", "/data/a"),
        *("/~2", "/a/b"),
    )
)


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None

    @classmethod
    def of(cls, method: str, target: str, body: Any = None) -> "Request":
        """One with JSON, if any; a PATCH is merged."""
        if body is None:
            return cls(method, target, {}, None)
        kind = "merge-patch+json" if method == "PATCH" else "json"
        headers = {"Content-Type": f"application/{kind}"}
        return cls(method, target, headers, json.dumps(body).encode())

    @property
    def watches(self) -> bool:
        return self.method == "GET" and "watch=" in self.target


class Document:
    """What a server's `/openapi/v2` says, and good objects of some of its kinds to make bad ones of."""

    def __init__(self, swagger: Schema) -> None:
        self._paths: Schema = swagger["paths"]
        self._definitions: Schema = swagger["definitions"]
        self.objects = cache(self._objects)

    def requests(self) -> st.SearchStrategy[Request]:
        operations = [
            (path, method)
            for path, methods in self._paths.items()
            for method in _METHODS
            if method in methods and not _ends_it_all(path, method)
            for _ in range(6 if method == "post" and "{namespace}" in path else 1)
        ]
        return st.sampled_from(operations).flatmap(lambda one: self._request(*one))

    def _request(self, path: str, method: str) -> st.SearchStrategy[Request]:
        operation = self._paths[path][method]
        query = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
        body, types = self._body(method, operation)
        return st.builds(
            _made,
            method=rarely(st.sampled_from(_ODD_METHODS), st.just(method.upper())),
            path=st.just(path),
            names=st.tuples(_NAMESPACES, _NAMES),
            query=_some(query, lambda _: _QUERY, most=3),
            content_type=rarely(st.sampled_from(("", "a/b", "\xff", "application/yaml")), types),
            accept=rarely(_ODD_ACCEPTS, _ACCEPTS),
            body=body,
        )

    def _body(
        self, method: str, operation: Schema
    ) -> tuple[st.SearchStrategy[Any], st.SearchStrategy[str]]:
        kind = operation.get("x-kubernetes-group-version-kind", {})
        own = next((one for one in operation["parameters"] if one["in"] == "body"), None)
        if own is None or not kind:
            return st.none(), st.just("")
        if method != "patch":
            return self._objects_of(own["schema"], kind), st.just("application/json")
        returned = operation["responses"]["200"]["schema"]
        patches = self._objects_of(returned, kind) | st.lists(_OPERATIONS, max_size=4)
        return patches, st.sampled_from(_PATCHES).map("application/".__add__)

    def _objects_of(self, schema: Schema, kind: Schema) -> st.SearchStrategy[Any]:
        version = "/".join(part for part in (kind["group"], kind["version"]) if part)
        typed = {"apiVersion": version, "kind": kind["kind"]}
        if "DeleteOptions" in schema.get("$ref", ""):
            typed = {}

        def named(obj: Any, name: str, most: bool) -> Any:
            if not isinstance(obj, dict):
                return obj
            metadata = obj.get("metadata")
            metadata = {**metadata, "name": name} if isinstance(metadata, dict) else {"name": name}
            return {**typed, **obj, **({"metadata": metadata} if most else {})}

        good = [obj for resource, obj in RICH if resource.kind == kind["kind"]]
        objects = self.objects(schema.get("$ref", ""), _LEVELS)
        if good and typed:
            objects = st.sampled_from(good).flatmap(hurt) | objects
        return st.builds(named, objects, st.sampled_from(("a", "b")), st.booleans() | st.just(True))

    def _objects(self, reference: str, levels: int) -> st.SearchStrategy[Any]:
        schema = self._definitions.get(reference.removeprefix("#/definitions/"), {})
        return self._values({**schema, "$ref": ""}, levels)

    def _values(self, schema: Schema, levels: int) -> st.SearchStrategy[Any]:
        """Values of a schema, most of them right."""
        return rarely(JUNK, self._right(schema, levels))

    def _right(self, schema: Schema, levels: int) -> st.SearchStrategy[Any]:
        if schema.get("$ref"):
            return self.objects(schema["$ref"], levels) if levels else st.just({})
        if "properties" in schema:
            return self._members(schema, levels)
        items = self._later(schema.get("items", {}), levels)
        others = self._later(schema.get("additionalProperties") or {}, levels)
        of_type = {
            "array": st.lists(items, max_size=2 if levels else 0),
            "integer": st.sampled_from(NUMBERS),
            "number": st.sampled_from(NUMBERS),
            "boolean": st.booleans(),
            "object": st.dictionaries(st.sampled_from(TEXTS), others, max_size=2),
        }
        return of_type.get(schema.get("type", ""), st.sampled_from(TEXTS))

    def _later(self, schema: Schema, levels: int) -> st.SearchStrategy[Any]:
        return st.deferred(lambda: self._values(schema, max(levels - 1, 0)))

    def _members(self, schema: Schema, levels: int) -> st.SearchStrategy[Any]:
        members: Schema = schema["properties"]
        if not levels:
            return st.just({})
        needed = [name for name in schema.get("required", ()) if name in members]
        right = st.fixed_dictionaries({name: self._later(members[name], levels) for name in needed})
        wished = [name for name in members if name not in {"apiVersion", "kind", *needed}]
        others = _some(wished, lambda name: self._later(members[name], levels), most=4)
        return st.builds(lambda one, two: {**one, **two}, right, others)


def hurt(obj: Any) -> st.SearchStrategy[Any]:
    """An object with something odd in up to two places."""
    places = [path for path in paths(obj) if path]
    odd = JUNK | st.sampled_from(TEXTS) | st.sampled_from(NUMBERS)
    wounds = st.lists(st.tuples(st.sampled_from(places), odd), max_size=2)
    return wounds.map(lambda some: _with_wounds(obj, some))


def _with_wounds(obj: Any, wounds: Iterable[tuple[tuple[str | int, ...], Any]]) -> Any:
    hurt_one = json.loads(json.dumps(obj))
    for (*parents, last), odd in wounds:
        target = hurt_one
        with suppress(KeyError, IndexError, TypeError):  # an earlier wound took the place away
            for step in parents:
                target = target[step]
            target[last] = odd
    return hurt_one


def _ends_it_all(path: str, method: str) -> bool:
    """An administrator who takes all roles or nodes away gets what they asked for, and no lab."""
    return method == "delete" and "{" not in path


def rarely(odd: st.SearchStrategy[Any], usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Once in fifty times the odd one."""
    return st.integers(0, 49).flatmap(lambda number: odd if number == 49 else usual)


def _some(
    names: list[str], values: Callable[[str], st.SearchStrategy[Any]], most: int
) -> st.SearchStrategy[dict[str, Any]]:
    if not names:
        return st.just({})
    chosen = st.lists(st.sampled_from(names), max_size=most, unique=True)
    return chosen.flatmap(lambda some: st.fixed_dictionaries({one: values(one) for one in some}))


_OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(("add", "remove", "replace", "move", "copy", "test", "jump")),
        "path": _POINTERS,
        "from": _POINTERS,
        "value": JUNK | st.sampled_from(TEXTS),
    }
)


def _made(
    method: str,
    path: str,
    names: tuple[str, str],
    query: Mapping[str, str],
    content_type: str,
    accept: str,
    body: Any,
) -> Request:
    namespace, name = (quote(one, safe="") for one in names)
    path = path.replace("{namespace}", namespace).replace("{name}", name)
    target = f"{path}?{urlencode(query)}" if query else path
    headers = {"Content-Type": content_type, "Accept": accept}
    data = None if body is None or method == "GET" else json.dumps(body).encode()
    return Request(method, target, {name: text for name, text in headers.items() if text}, data)
