"""The annotation in which kubectl's client-side apply keeps what it applied last.

Whoever goes from client-side to server-side apply is not in conflict with itself: as
k8s.io/apimachinery/pkg/util/managedfields/internal/lastappliedmanager.go.
"""

from typing import Any

import msgspec

from labctl.api.managed.compare import compare
from labctl.api.managed.extract import fields_of, first_problem
from labctl.api.managed.fields import Fields, difference
from labctl.api.managed.managers import Manager
from labctl.api.managed.types import NoElement, Type
from labctl.api.objects import Obj, annotations
from labctl.api.patches import LAST_APPLIED

_KUBECTL = "kubectl"
_MAX_ANNOTATIONS = 256 * 1024


def allowed_by_last_applied(type_: Type, live: Obj, manager: Manager) -> Fields:
    """The fields that kubectl may take over: applied by it before, and still as it applied them."""
    text = annotations(live).get(LAST_APPLIED)
    if manager.name != _KUBECTL or not text:
        return {}
    try:
        last: Any = msgspec.json.decode(text)
        if not isinstance(last, dict) or last.get("apiVersion") != manager.api_version:
            return {}
        if first_problem(type_, last):
            return {}
        return difference(fields_of(type_, last), compare(type_, last, live).touched)
    except (msgspec.DecodeError, NoElement):
        return {}


def with_last_applied(obj: Obj, config: Obj, manager: Manager) -> Obj:
    """The object whose annotation says what kubectl has applied now, if it has that annotation."""
    present = annotations(obj)
    if manager.name != _KUBECTL or not present.get(LAST_APPLIED):
        return obj
    metadata = config.get("metadata") or {}
    others = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    plain = {**config, "metadata": {**metadata, "annotations": others}}
    text = msgspec.json.encode(plain, order="sorted").decode() + "\n"
    noted = {**present, LAST_APPLIED: text}
    if sum(len(key) + len(value) for key, value in noted.items()) > _MAX_ANNOTATIONS:
        del noted[LAST_APPLIED]
    return {**obj, "metadata": {**obj["metadata"], "annotations": noted}}
