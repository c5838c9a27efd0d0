"""Manifests as commands take them: read from files, checked whole, put into a good order.

Nothing is sent before all of them are known to be good, so bad input changes nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labctl.api.catalog import Catalog
from labctl.api.custom.definition import defined_resources
from labctl.api.fields import FieldError, nearest
from labctl.api.fields import Path as FieldPath
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.manifests import Document, read_documents
from labctl.api.objects import Obj, name, namespace
from labctl.api.resource import Resource
from labctl.api.resources import BUILT_IN
from labctl.errors import BadInput
from labctl.lab.reading import read_stdin, read_text
from labctl.lab.words import printed_name

_FIELD_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]|\[([^\]]+)\]")
_SUFFIXES = (".yaml", ".yml", ".json")
# labctl's own kinds, and what they are for
_OURS = {"Lab": "labctl up FILE", "Scenario": "labctl scenario run FILE"}
# What others may need comes first; the rest keeps the order of the files.
_FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "ResourceQuota",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "Service",
)


@dataclass(frozen=True)
class Manifest:
    """An object to be submitted, its namespace filled in."""

    resource: Resource
    obj: Obj

    @property
    def label(self) -> str:
        shown = name(self.obj) or (self.obj["metadata"].get("generateName") or "")
        return printed_name(self.resource, shown)


def read(sources: Iterable[str]) -> list[Document]:
    """Every document of files, directories (their YAML and JSON) and `-`; BadInput if unreadable."""
    given = list(sources)
    found = [document for source in given for document in _read_source(source)]
    if not given:
        raise BadInput("no objects were given", "-f FILE, -f DIRECTORY or -f -")
    if not found:
        where = ", ".join("stdin" if source == "-" else source for source in given)
        raise BadInput(f"no objects were given: there is none in {where}")
    return found


def _read_source(source: str) -> list[Document]:
    if source == "-":
        return read_documents(read_stdin(), "stdin")
    path = Path(source)
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    return [one for file in files for one in read_documents(read_text(file), str(file))]


def are_known(documents: Sequence[Document], catalog: Catalog) -> bool:
    """Whether every manifest is of a kind of the catalog, or of one that another of them defines."""
    known = {(one.api_version, one.kind) for one in _defined(documents)}
    return all(
        catalog.by_kind(one.api_version, one.kind) or (one.api_version, one.kind) in known
        for one in documents
        if one.is_manifest
    )


def _defined(documents: Sequence[Document]) -> list[Resource]:
    """The kinds that CustomResourceDefinitions among the documents define, if these are good."""
    found: list[Resource] = []
    for one in documents:
        if one.kind == CUSTOMRESOURCEDEFINITIONS.kind and one.is_manifest:
            try:
                crd = manifest(one.obj, "").obj
            except FieldError:
                continue  # said when its turn comes
            found += defined_resources(crd)
    return found


def prepare(
    documents: Sequence[Document], space: str = "default", catalog: Catalog = BUILT_IN
) -> list[Manifest]:
    """The manifests among the documents, checked, namespaces and the like first.

    BadInput names file, line and field of the first thing that is wrong.
    """
    catalog = BUILT_IN.beside((*_defined(documents), *catalog.stored))
    check_kinds(documents)
    found = [_prepare(one, space, catalog) for one in documents if one.is_manifest]
    _refuse_duplicates(found, [document for document in documents if document.is_manifest])
    return in_order(found)


def check_kinds(documents: Iterable[Document]) -> None:
    """BadInput for a kind that would be labctl's own, if labctl had it."""
    for document in documents:
        if not document.is_manifest and document.kind not in _OURS:
            problem = f"labctl has no kind {document.kind!r}"
            raise document.error(("kind",), problem, nearest(document.kind, _OURS))


def given(documents: Sequence[Document], space: str, catalog: Catalog) -> list[Manifest]:
    """The manifests of files, for who has use for nothing else; BadInput when there are none."""
    found = prepare(documents, space, catalog)
    if not found:
        kind = documents[0].kind
        raise documents[0].error(("kind",), f"a {kind} is no object of the API", _OURS[kind])
    return found


def in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=_rank)


def _rank(one: Manifest) -> int:
    kind = one.resource.kind
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)


def _prepare(document: Document, space: str, catalog: Catalog) -> Manifest:
    try:
        return manifest(document.obj, space, catalog)
    except FieldError as error:
        raise document.placed(error) from None


def manifest(obj: Obj, space: str, catalog: Catalog = BUILT_IN) -> Manifest:
    """An object with its resource and namespace; FieldError when it cannot be submitted."""
    resource = catalog.by_kind(obj["apiVersion"], obj["kind"])
    if resource is None:
        raise FieldError(
            ("kind",),
            f'no matches for kind "{obj["kind"]}" in version "{obj["apiVersion"]}"',
            _kind_meant(obj, catalog),
        )
    metadata = obj.get("metadata") or {}
    if not metadata.get("name") and not metadata.get("generateName"):
        raise FieldError(("metadata", "name"), "is required")
    if resource.namespaced and not namespace(obj):
        obj = {**obj, "metadata": {**metadata, "namespace": space}}
    check(resource, obj)
    return Manifest(resource, obj)


def _kind_meant(obj: Obj, catalog: Catalog) -> str:
    """The same kind in its version, or one with nearly that name."""
    versions = [one.api_version for one in catalog.stored if one.kind == obj["kind"]]
    if versions:
        return f"did you mean apiVersion {versions[0]}?"
    return nearest(obj["kind"], (one.kind for one in catalog.stored), cutoff=0.8)


def check(resource: Resource, obj: Obj) -> None:
    """What the API server would refuse, refused here: FieldError with the first thing wrong."""
    from labctl.api.defaults import set_defaults
    from labctl.api.schema import fields_beside
    from labctl.api.validation import unknown_fields, validate

    for field in unknown_fields(resource, obj):
        path = field_path(field)
        meant = nearest(str(path[-1]), fields_beside(resource, path), cutoff=0.7)
        hint = meant or f"labctl knows no such field of {resource.kind}"
        raise FieldError(path, "unknown field", hint)
    for cause in validate(resource, set_defaults(resource, obj), None):
        raise FieldError(field_path(cause.field), cause.message)


def field_path(field: str) -> FieldPath:
    """The path of a field as messages have it: `spec.ports[0].port`, `metadata.labels[a.b/c]`."""
    steps = (match.groups() for match in _FIELD_STEP.finditer(field))
    return tuple(int(index) if index else key or bracketed for key, index, bracketed in steps)


def _refuse_duplicates(manifests: list[Manifest], documents: list[Document]) -> None:
    seen: dict[tuple[Resource, str, str], Document] = {}
    for one, document in zip(manifests, documents, strict=True):
        at = (one.resource, namespace(one.obj), name(one.obj))
        if at in seen and name(one.obj):
            first = f"{seen[at].source}:{seen[at].line()}"
            problem = f"{one.label} is there twice (first in {first})"
            raise document.error(("metadata", "name"), problem)
        seen[at] = document
