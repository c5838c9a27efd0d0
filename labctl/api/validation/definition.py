"""CustomResourceDefinitions: names, versions, columns, subresources; schemas are structural.py's.

Sentences are those of apiextensions-apiserver's pkg/apis/apiextensions/validation.
"""

import re
from collections.abc import Iterator

from labctl.api import causes, jsonpath
from labctl.api.causes import Cause
from labctl.api.custom.definition import ESTABLISHED
from labctl.api.custom.prune import PRESERVE
from labctl.api.objects import Obj, annotations, is_condition_true, name
from labctl.api.validation import names, terms
from labctl.api.validation.structural import structural_problems
from labctl.errors import BadInput

_SCOPES = ("Cluster", "Namespaced")
_STRATEGIES = ("None", "Webhook")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_APPROVAL = "api-approved.kubernetes.io"
_PROTECTED = ("k8s.io", "kubernetes.io")
_APPROVAL_SENTENCE = (
    f'protected groups must have approval annotation "{_APPROVAL}", '
    "see https://github.com/kubernetes/enhancements/pull/1111"
)
_SIMPLE_PATH = re.compile(r"(?:\.[A-Za-z_][A-Za-z0-9_-]*)+")
_MAX_SELECTABLE = 8


def check_definition(crd: Obj) -> Iterator[Cause]:
    """What is required and absent is said by the kind's own schema; here it is taken to be empty."""
    spec = crd.get("spec") or {}
    group, given = spec.get("group") or "", spec.get("names") or {}
    if name(crd) != f"{given.get('plural')}.{group}":
        sentence = 'must be spec.names.plural+"."+spec.group'
        yield causes.invalid("metadata.name", name(crd), sentence)
    yield from _approval(crd, group)
    yield from _group(group)
    yield from terms.choice(spec, "scope", _SCOPES, "spec")
    yield from _names(given)
    yield from _versions(spec.get("versions") or [])
    if spec.get("preserveUnknownFields"):
        sentence = f"cannot set to true, set {PRESERVE} to true in spec.versions[*].schema instead"
        yield causes.invalid("spec.preserveUnknownFields", True, sentence)
    yield from _conversion(spec.get("conversion") or {})


def check_definition_update(new: Obj, old: Obj) -> Iterator[Cause]:
    after, before = new["spec"], old["spec"]
    yield from terms.unchanged(after["group"], before["group"], "spec.group")
    plurals = after["names"]["plural"], before["names"]["plural"]
    yield from terms.unchanged(*plurals, "spec.names.plural")
    if is_condition_true(old, ESTABLISHED):
        yield from terms.unchanged(after["scope"], before["scope"], "spec.scope")
        kinds = after["names"]["kind"], before["names"]["kind"]
        yield from terms.unchanged(*kinds, "spec.names.kind")
    known = {version["name"] for version in after["versions"]}
    for index, version in enumerate((new.get("status") or {}).get("storedVersions") or ()):
        if version not in known:
            sentence = "must appear in spec.versions"
            yield causes.invalid(f"status.storedVersions[{index}]", version, sentence)


def _approval(crd: Obj, group: str) -> Iterator[Cause]:
    protected = any(group == one or group.endswith(f".{one}") for one in _PROTECTED)
    if protected and not annotations(crd).get(_APPROVAL):
        yield causes.required(f"metadata.annotations[{_APPROVAL}]", _APPROVAL_SENTENCE)


def _group(group: str) -> Iterator[Cause]:
    problems = names.subdomain(group) if group else ()
    if not group:
        yield causes.required("spec.group")
    elif problems:
        yield causes.invalid("spec.group", group, ",".join(problems))
    elif "." not in group:
        yield causes.invalid("spec.group", group, "should be a domain with at least one dot")


def _names(given: Obj) -> Iterator[Cause]:
    for word in ("plural", "singular", "kind", "listKind"):
        text, at = given.get(word) or "", f"spec.names.{word}"
        if text:
            yield from _label(text, at, mixed=word in ("kind", "listKind"))
        else:
            yield causes.required(at)
    for word in ("shortNames", "categories"):
        for index, text in enumerate(given.get(word) or ()):
            yield from _label(text, f"spec.names.{word}[{index}]")
    if given.get("kind") and given["kind"] == given.get("listKind"):
        sentence = "kind and listKind may not be the same"
        yield causes.invalid("spec.names.listKind", given["listKind"], sentence)


def _label(text: str, at: str, *, mixed: bool = False) -> Iterator[Cause]:
    problems = names.label_1035(text.lower() if mixed else text)
    if problems:
        prefix = "may have mixed case, but should otherwise match: " if mixed else ""
        yield causes.invalid(at, text, prefix + ",".join(problems))


def _versions(versions: list[Obj]) -> Iterator[Cause]:
    if len({version.get("name") for version in versions}) != len(versions):
        yield causes.invalid("spec.versions", versions, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        sentence = "must have exactly one version marked as storage version"
        yield causes.invalid("spec.versions", versions, sentence)
    for index, version in enumerate(versions):
        yield from _version(version, f"spec.versions[{index}]")


def _version(version: Obj, path: str) -> Iterator[Cause]:
    yield from _label(version.get("name") or "", f"{path}.name")
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    at = f"{path}.schema.openAPIV3Schema"
    if schema is None:
        yield causes.required(at, "schemas are required")
    else:
        yield from structural_problems(schema, at)
    if version.get("deprecationWarning") and not version.get("deprecated"):
        sentence = "can only be set for deprecated versions"
        yield causes.invalid(f"{path}.deprecationWarning", version["deprecationWarning"], sentence)
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _scale(scale, f"{path}.subresources.scale")
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, f"{path}.additionalPrinterColumns[{index}]")
    yield from _selectable(version.get("selectableFields") or [], f"{path}.selectableFields")


def _scale(scale: Obj, path: str) -> Iterator[Cause]:
    for member, roots in (
        ("specReplicasPath", (".spec",)),
        ("statusReplicasPath", (".status",)),
        ("labelSelectorPath", (".status", ".spec")),
    ):
        text = scale.get(member) or ""
        if text or member != "labelSelectorPath":
            yield from _below(text, roots, f"{path}.{member}")


def _below(text: str, roots: tuple[str, ...], path: str) -> Iterator[Cause]:
    if not text:
        yield causes.required(path)
    elif not _SIMPLE_PATH.fullmatch(text):
        yield causes.invalid(path, text, "is an invalid path: not a simple json path")
    elif not text.startswith(tuple(f"{root}." for root in roots)):
        either = "either " if len(roots) > 1 else ""
        sentence = f"should be a json path under {either}{' or '.join(roots)}"
        yield causes.invalid(path, text, sentence)


def _column(column: Obj, path: str) -> Iterator[Cause]:
    for member in ("name", "type", "jsonPath"):
        if not column.get(member):
            yield causes.required(f"{path}.{member}")
    kind = column.get("type")
    if kind and kind not in _COLUMN_TYPES:
        yield causes.invalid(f"{path}.type", kind, f"must be one of {','.join(_COLUMN_TYPES)}")
    yield from _column_path(column.get("jsonPath") or "", f"{path}.jsonPath")


def _column_path(text: str, path: str) -> Iterator[Cause]:
    if text and not text.startswith("."):
        yield causes.invalid(path, text, "must be a simple json path starting with .")
        return
    try:
        jsonpath.parse(text)
    except BadInput as error:
        yield causes.invalid(path, text, f"is an invalid path: {error.message}")


def _selectable(fields: list[Obj], path: str) -> Iterator[Cause]:
    if len(fields) > _MAX_SELECTABLE:
        yield causes.too_many(path, len(fields), _MAX_SELECTABLE)
    for index, one in enumerate(fields):
        text = one.get("jsonPath") or ""
        if not _SIMPLE_PATH.fullmatch(text) or text.startswith(".metadata"):
            yield causes.invalid(f"{path}[{index}].jsonPath", text, "is an invalid path")


def _conversion(conversion: Obj) -> Iterator[Cause]:
    yield from terms.choice(conversion, "strategy", _STRATEGIES, "spec.conversion")
    webhook = conversion.get("webhook")
    if conversion.get("strategy") == "Webhook" and not webhook:
        sentence = "required when strategy is set to Webhook"
        yield causes.required("spec.conversion.webhook", sentence)
    elif conversion.get("strategy") == "None" and webhook:
        sentence = "should not be set when strategy is not set to Webhook"
        yield causes.forbidden("spec.conversion.webhook", sentence)
