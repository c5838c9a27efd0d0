"""The rules of a container's environment (pkg/apis/core/validation: ValidateEnv, ValidateEnvFrom)."""

import re
from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
FIELD_PATHS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_SUBSCRIPTED = re.compile(r"metadata\.(labels|annotations)\['[^']+'\]")


def check_environment(container: Obj, path: str) -> Iterator[Cause]:
    for index, variable in enumerate(container.get("env") or ()):
        name = variable.get("name")
        if name == "":
            yield causes.required(f"{path}.env[{index}].name")
        elif name is not None:
            for problem in names.environment(name):
                yield causes.invalid(f"{path}.env[{index}].name", name, problem)
        if "valueFrom" in variable:
            yield from _value_from(variable, f"{path}.env[{index}].valueFrom")
    for index, source in enumerate(container.get("envFrom") or ()):
        yield from _env_from(source, f"{path}.envFrom[{index}]")


def _value_from(variable: Obj, path: str) -> Iterator[Cause]:
    source = variable["valueFrom"]
    given = [one for one in _SOURCES if one in source]
    if not given:
        sentence = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
            "`secretKeyRef`"
        )
        yield causes.invalid(path, "", sentence)
    elif variable.get("value"):
        sentence = "may not be specified when `value` is not empty"
        yield causes.invalid(path, "", sentence)
    elif len(given) > 1:
        sentence = "may not have more than one field specified at a time"
        yield causes.invalid(path, "", sentence)
    if "fieldRef" in source:
        yield from check_field_reference(source["fieldRef"], f"{path}.fieldRef")
    for reference in ("configMapKeyRef", "secretKeyRef"):
        if reference in source:
            yield from _key_reference(source[reference], f"{path}.{reference}")


def check_field_reference(
    reference: Obj, path: str, supported: tuple[str, ...] = FIELD_PATHS
) -> Iterator[Cause]:
    """A field of the pod itself, as the downward API gives it out."""
    field = reference.get("fieldPath")
    if field == "":
        yield causes.required(f"{path}.fieldPath")
    elif field is not None and field not in supported and not _SUBSCRIPTED.fullmatch(field):
        yield causes.not_supported(f"{path}.fieldPath", field, supported)


def _key_reference(reference: Obj, path: str) -> Iterator[Cause]:
    if not reference.get("name"):
        yield causes.required(f"{path}.name")
    if "key" in reference:
        yield from terms.named(names.config_key, reference["key"], f"{path}.key")


def _env_from(source: Obj, path: str) -> Iterator[Cause]:
    prefix = source.get("prefix")
    if prefix:
        for problem in names.environment(prefix):
            yield causes.invalid(f"{path}.prefix", prefix, problem)
    given = [one for one in ("configMapRef", "secretRef") if one in source]
    if not given:
        sentence = "must specify one of: `configMapRef` or `secretRef`"
        yield causes.invalid(path, "", sentence)
    elif len(given) > 1:
        sentence = "may not have more than one field specified at a time"
        yield causes.invalid(path, "", sentence)
    for reference in given:
        if not source[reference].get("name"):
            yield causes.required(f"{path}.{reference}.name")
