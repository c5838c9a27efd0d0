"""What Kubernetes' Go types know and its OpenAPI definitions do not: wire numbers and enumerations.

Writes labctl/api/protobuf/messages.json, by which protobuf bodies are read, and tools/enums.json,
which trim_schemas.py puts into the published definitions. Both hold the stable versions of all
groups, so that a kind that labctl comes to serve is there already.

    git clone -b v0.33.0 https://github.com/kubernetes/api DIR/api
    git clone -b v0.33.0 https://github.com/kubernetes/apimachinery DIR/apimachinery
    python -m tools.read_go_types DIR
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.go_types import GoField, GoPackage, read_packages

ROOT = Path(__file__).parent.parent
MESSAGES = ROOT / "labctl/api/protobuf/messages.json"
ENUMS = ROOT / "tools/enums.json"

_STABLE = re.compile(r"v\d+")
_NOT_SENT = ("k8s.io/api/admission/v1", "k8s.io/api/apidiscovery/v2")
_META = "k8s.io/apimachinery/pkg/apis/meta/v1"
_OPTIONS = f"{_META}.DeleteOptions"
# Types whose JSON is not that of their fields; labctl.api.protobuf.scalars reads each of them.
SCALARS = {
    **{name: name for name in ("string", "bool", "int32", "int64")},
    "[]byte": "bytes",
    f"{_META}.Time": "time",
    f"{_META}.MicroTime": "microtime",
    f"{_META}.FieldsV1": "json",
    "k8s.io/apimachinery/pkg/runtime.RawExtension": "json",
    "k8s.io/apimachinery/pkg/api/resource.Quantity": "quantity",
    "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "intorstring",
}
_PLAIN = ("string", "bool", "int32", "int64", "bytes")  # what has a zero that Go can leave out

Packages = dict[str, GoPackage]


def message_name(full: str) -> str:
    """`core.v1.Pod` for k8s.io/api/core/v1.Pod."""
    path, _, name = full.rpartition(".")
    return ".".join((*path.split("/")[-2:], name))


def definition_name(full: str) -> str:
    """`io.k8s.api.core.v1.Pod`, as OpenAPI names the same type."""
    return "io." + full.replace("k8s.io", "k8s", 1).replace("/", ".")


def resolved(packages: Packages, package: GoPackage, type_: str) -> str:
    """What a type comes to on the wire: a scalar, `[]X`, `map[string]X`, or a struct's full name."""
    if type_ in SCALARS:
        return SCALARS[type_]
    if type_.startswith("[]"):
        return "[]" + resolved(packages, package, type_[2:])
    if found := re.fullmatch(r"map\[([\w.]+)\](.+)", type_):
        assert resolved(packages, package, found[1]) == "string", type_
        return "map[string]" + resolved(packages, package, found[2])
    qualifier, _, name = type_.rpartition(".")
    owner = packages[package.imports[qualifier]] if qualifier else package
    full = f"{owner.path}.{name}"
    if full in SCALARS:
        return SCALARS[full]
    if name in owner.named:
        inner = resolved(packages, owner, owner.named[name])
        return "strings" if name in owner.nullable and inner == "[]string" else inner
    if name not in owner.structs:
        sys.exit(f"error: {full} is no type that can be read here")
    return full


def wire_field(packages: Packages, package: GoPackage, field: GoField) -> tuple[str, str]:
    """How often a field comes, and the type of what comes."""
    type_ = resolved(packages, package, field.type)
    if type_.startswith("[]"):
        return "list", type_[2:]
    if type_.startswith("map[string]"):
        return "map", type_.removeprefix("map[string]")
    if field.inline:
        return "inline", type_
    omitted = field.omitempty and not field.pointer and type_ in _PLAIN
    return ("omitzero" if omitted else "one"), type_


def messages(packages: Packages, start: list[str]) -> dict[str, list[list[Any]]]:
    """The fields of every message that `start` leads to: number, name, how, type."""
    found: dict[str, list[list[Any]]] = {}
    waiting = list(start)
    while waiting:
        full = waiting.pop()
        path, _, name = full.rpartition(".")
        if message_name(full) in found:
            continue
        fields = found.setdefault(message_name(full), [])
        for field in packages[path].structs[name]:
            how, type_ = wire_field(packages, packages[path], field)
            if "." in type_:
                waiting.append(type_)
                type_ = message_name(type_)
            fields.append([field.number, field.json, how, type_])
    return dict(sorted(found.items()))


def stable(packages: Packages) -> Iterator[GoPackage]:
    """The versions that clients send objects of."""
    for package in packages.values():
        if (
            package.path.startswith("k8s.io/api/")
            and _STABLE.fullmatch(package.version)
            and package.path not in _NOT_SENT
        ):
            yield package


def enumerated(packages: Packages, package: GoPackage, type_: str) -> str:
    """The full name of the enumeration that a field's values are of, or ""."""
    qualifier, _, name = type_.removeprefix("[]").rpartition(".")
    owner = packages.get(package.imports.get(qualifier, "")) if qualifier else package
    known = owner and name in owner.enumerations and name in owner.constants
    return f"{owner.path}.{name}" if owner and known else ""


def enums(packages: Packages, package: GoPackage) -> Iterator[tuple[str, dict[str, str]]]:
    """For each definition of a package, which of its fields hold which enumeration."""
    for name in package.structs:
        fields = {
            field.json: enumeration
            for field in flattened(package, name)
            if (enumeration := enumerated(packages, package, field.type))
        }
        if fields:
            yield definition_name(f"{package.path}.{name}"), fields


def flattened(package: GoPackage, name: str) -> Iterator[GoField]:
    """The fields of a struct, those of structs inlined in it too, as JSON has them."""
    for field in package.structs[name]:
        if field.inline:
            yield from flattened(package, field.type)
        else:
            yield field


def main() -> None:
    packages = read_packages(Path(sys.argv[1]))
    sent = list(stable(packages))
    groups = {one.api_version: ".".join(one.path.split("/")[-2:]) for one in sent}
    kinds = [
        f"{one.path}.{kind}" for one in sent for kind in one.kinds if not kind.endswith("List")
    ]
    table = messages(packages, [*kinds, _OPTIONS])
    write(MESSAGES, {"groups": dict(sorted(groups.items())), "messages": table})

    fields = dict(sorted(pair for one in sent for pair in enums(packages, one)))
    used = {full for one in fields.values() for full in one.values()}
    values = {
        full: dict(sorted(packages[path].constants[name].items()))
        for full in sorted(used)
        for path, _, name in [full.rpartition(".")]
    }
    write(ENUMS, {"values": values, "fields": fields})


def write(target: Path, sections: dict[str, dict[str, Any]]) -> None:
    """Compact JSON, one member of a section a line, so that differences can be read."""
    parts = []
    for section, members in sections.items():
        lines = ",\n".join(
            f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}"
            for name, value in members.items()
        )
        parts.append(f'"{section}":{{\n{lines}\n}}')
    target.write_text("{" + ",\n".join(parts) + "}\n")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
