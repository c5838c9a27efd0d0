"""Kubernetes' API types as its Go source declares them: fields with their wire numbers, and enums.

The tags of a struct's fields say all that a decoder needs to know: the JSON name, the protobuf field
number, and whether a zero is left out. What is read here is a directory with the sources of
k8s.io/api and k8s.io/apimachinery; Go's grammar is read only as far as these files use it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_IMPORT = re.compile(r'^\t(?:(\w+) )?"(k8s\.io/[^"]+)"$')
_TYPE = re.compile(r"^type (\w+) (.+)$")
_FIELD = re.compile(r"^\t(?:\w+\s+)?([\w.*\[\]]+)\s+`(.*)`")
_TAG = re.compile(r'(\w+):"([^"]*)"')
_CONST = re.compile(r'^(?:const|\t)\s*(\w+)\s+(\w+)\s+= "([^"]*)"')
_VERSION = re.compile(r'GroupVersion\{Group: GroupName, Version: "(\w+)"\}')
_GROUP = re.compile(r'^const GroupName = "([^"]*)"', re.MULTILINE)
_KNOWN = re.compile(r"^\t\t&(\w+)\{\},$", re.MULTILINE)


@dataclass(frozen=True)
class GoField:
    """A field of a struct; `type` without the `*` of a pointer, `json` empty where it has no name."""

    type: str
    json: str
    number: int
    pointer: bool
    omitempty: bool
    inline: bool


@dataclass
class GoPackage:
    """The types of one group and version, by name; `path` is what others import it by."""

    path: str
    imports: dict[str, str] = field(default_factory=dict)
    structs: dict[str, list[GoField]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)
    enumerations: set[str] = field(default_factory=set)
    constants: dict[str, dict[str, str]] = field(default_factory=dict)
    """By type: the values that have a name, and what is said of them."""
    group: str = ""
    version: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def read_packages(root: Path) -> dict[str, GoPackage]:
    """Every package of versioned types below `root`, by its import path."""
    packages: dict[str, GoPackage] = {}
    for source in sorted(root.glob("**/*.go")):
        if source.name.endswith("_test.go") or source.name.startswith(("zz_", "generated")):
            continue
        path = _import_path(source.parent)
        if path:
            _read_file(packages.setdefault(path, GoPackage(path)), source.read_text())
    return packages


def _import_path(directory: Path) -> str:
    """`k8s.io/api/core/v1` for DIR/api/core/v1, or "" for what is of neither repository."""
    for name in ("api", "apimachinery"):
        for parent in (directory, *directory.parents):
            if parent.name == name and (parent / "go.mod").exists():
                return f"k8s.io/{name}/{directory.relative_to(parent)}"
    return ""


def _read_file(package: GoPackage, text: str) -> None:
    _read_registration(package, text)
    comment: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        stripped = line.strip()
        if stripped.startswith("//"):
            comment.append(stripped.removeprefix("//").strip())
            continue
        if found := _IMPORT.match(line):
            package.imports[found[1] or found[2].rpartition("/")[2]] = found[2]
        elif found := _TYPE.match(line):
            _read_type(package, found[1], found[2], comment, lines)
        elif found := _CONST.match(line):
            _read_constant(package, found, comment)
        comment = []


def _read_registration(package: GoPackage, text: str) -> None:
    version, group = _VERSION.search(text), _GROUP.search(text)
    if version and group:
        package.group, package.version = group[1], version[1]
        package.kinds = tuple(_KNOWN.findall(text))


def _read_type(
    package: GoPackage, name: str, what: str, comment: list[str], lines: Iterator[str]
) -> None:
    if what == "struct {":
        package.structs[name] = list(_fields(lines))
    elif not what.startswith(("interface", "func")):
        package.named[name] = what
    if "+enum" in comment:
        package.enumerations.add(name)
    if "+protobuf.nullable=true" in comment:
        package.nullable.add(name)


def _fields(lines: Iterator[str]) -> Iterator[GoField]:
    for line in lines:
        if line == "}":
            return
        found = _FIELD.match(line)
        if found and not line.strip().startswith("//"):
            yield from _field(found[1], dict(_TAG.findall(found[2])))


def _field(type_: str, tags: dict[str, str]) -> Iterator[GoField]:
    """The field, unless it is not on the wire (TypeMeta, which the envelope has)."""
    numbers = [part for part in tags.get("protobuf", "").split(",") if part.isdigit()]
    if numbers:
        name, *options = tags.get("json", "").split(",")
        yield GoField(
            type=type_.removeprefix("*"),
            json="" if name == "-" else name,
            number=int(numbers[0]),
            pointer=type_.startswith("*"),
            omitempty="omitempty" in options,
            inline="inline" in options,
        )


def _read_constant(package: GoPackage, found: re.Match[str], comment: list[str]) -> None:
    """A named value, described as Kubernetes' own generator of OpenAPI describes it."""
    name, type_, value = found.groups()
    said = " ".join(part for part in comment if not part.startswith("+"))
    said = " ".join(said.removeprefix(name).split())
    package.constants.setdefault(type_, {})[value] = said
