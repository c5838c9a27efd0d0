"""Manifests and labctl's own documents, from text to objects that know where they came from.

Text of a file goes in; objects come out, and whatever is wrong is one error that names the file and
the line. Kubernetes manifests, `Lab` and `Scenario` documents may stand in one file: they are told
apart by kind.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from labctl.api.causes import type_name
from labctl.api.fields import FieldError, Path, format_path
from labctl.api.objects import Obj, is_deeper_than
from labctl.api.yaml_values import MAX_DEPTH, YamlDocument, YamlProblem, load_documents
from labctl.errors import BadInput

MAX_BYTES = 3 * 1024 * 1024  # what an API server takes in one request
LABCTL_GROUP = "labctl.io"


@dataclass(frozen=True)
class Document:
    """An object and its place: file (`source`), document (from 0) and, in a List, item."""

    obj: Obj
    source: str
    text: str
    index: int = 0
    base: Path = ()

    @property
    def api_version(self) -> str:
        return str(self.obj.get("apiVersion", ""))

    @property
    def kind(self) -> str:
        return str(self.obj.get("kind", ""))

    @property
    def is_manifest(self) -> bool:
        """Whether it is for the API server, and not a Lab or a Scenario."""
        return not self.api_version.startswith(f"{LABCTL_GROUP}/")

    def line(self, path: Path = ()) -> int:
        """The line (from 1) of a field, or of the nearest thing around it that is there."""
        return locate(self.text, self.index, (*self.base, *path))

    def error(self, path: Path, problem: str, hint: str = "") -> BadInput:
        """An error that names the file, the line and the field."""
        field = format_path((*self.base, *path))
        said = f"{field}: {problem}" if field else problem
        return BadInput(f"{self.source}:{self.line(path)}: {said}", hint)

    def placed(self, error: FieldError) -> BadInput:
        """An error about a field of this object, with the file and the line put before it."""
        return BadInput(f"{self.source}:{self.line(error.path)}: {error.message}", error.hint)


def text_of(data: bytes, source: str) -> str:
    """The text of a file's bytes; BadInput when it is too large or not UTF-8."""
    check_size(len(data), source)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput(f"{source}:{line}: the text is not UTF-8") from None


def read_documents(text: str, source: str) -> list[Document]:
    """Every object of a file with its place; empty documents are left out.

    Raises BadInput that names the file and the line for text that is no YAML or JSON, too large,
    or holds something that is not an object with apiVersion and kind.
    """
    check_size(len(text), source)
    documents = _json_documents(text)
    if documents is None:
        documents = _yaml_documents(text, source)
    found = (Document(one.value, source, text, one.index) for one in documents if _is_there(one))
    return [item for document in found for item in _flattened(document)]


def _is_there(document: YamlDocument) -> bool:
    return document.value is not None and document.value != {}


def check_size(size: int, source: str) -> None:
    """Raises BadInput for more bytes than manifests may have."""
    if size > MAX_BYTES:
        raise BadInput(
            f"{source}: {size / 1e6:.1f} MB is too large: the limit is {MAX_BYTES // 2**20} MiB"
        )


def _yaml_documents(text: str, source: str) -> list[YamlDocument]:
    documents = []
    try:
        for document in load_documents(text):
            documents.append(document)  # noqa: PERF402  what was read so far numbers the next
    except YamlProblem as error:
        raise BadInput(
            f"{source}:{error.line}: document {len(documents) + 1}: {error.problem}"
        ) from None
    return documents


class _DuplicateKeyError(ValueError):
    pass


def _json_documents(text: str) -> list[YamlDocument] | None:
    """The one document of a JSON text, or None when it is not JSON (or to be explained as YAML).

    JSON is not quite a part of YAML 1.1: escaped surrogate pairs and tabs would be refused.
    """
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        msgspec.json.encode(value)  # refuses half of a surrogate pair
    except (ValueError, RecursionError):
        return None
    return None if is_deeper_than(value, MAX_DEPTH) else [YamlDocument(0, 1, value)]


def _unique(pairs: list[tuple[str, Any]]) -> Obj:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateKeyError
    return members


def _no_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity, which json takes by default


def _flattened(document: Document) -> Iterator[Document]:
    """The document itself, or the items of a List (`List`, `PodList`, …), recursively."""
    _check_shape(document)
    if not (document.kind.endswith("List") and isinstance(document.obj.get("items"), list)):
        yield document
        return
    for index, item in enumerate(document.obj["items"]):
        base: Path = (*document.base, "items", index)
        yield from _flattened(Document(item, document.source, document.text, document.index, base))


def _check_shape(document: Document) -> None:
    obj: Any = document.obj
    if not isinstance(obj, dict):
        raise document.error((), f"an object must be a mapping, not {type_name(obj)}")
    for field in ("apiVersion", "kind"):
        value = obj.get(field)
        if not isinstance(value, str) or not value:
            problem = "is required" if value is None else "must be a non-empty string"
            raise document.error((field,), problem)
    metadata = obj.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise document.error(("metadata",), f"must be a mapping, not {type_name(metadata)}")


def locate(text: str, document_index: int, path: Path) -> int:
    """The line (from 1) on which a field of a document of `text` stands.

    The text must have been read before. Of a field that is not there, the line of the nearest
    mapping or list around it.
    """
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for index, node in enumerate(yaml.compose_all(text, Loader=loader)):
            if index == document_index:
                return _descend(node, path)
    except (yaml.YAMLError, UnicodeError):
        pass  # JSON that is no YAML: it has been read, only its lines are not known
    return 1


def _descend(node: Any, path: Path) -> int:
    if node is None:
        return 1
    line = node.start_mark.line + 1
    for step in path:
        found = _step(node, step)
        if found is None:
            break
        line, node = found
    return int(line)


def _step(node: Any, step: str | int) -> tuple[int, Any] | None:
    """The line of a member's key (or of a list's item), and the node of its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line + 1, item
    return None
