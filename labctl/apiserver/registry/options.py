"""DeleteOptions: from the body, the query, or both; the query wins."""

from dataclasses import dataclass
from typing import Any

from labctl.api import causes, status
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.decoding import decode_body
from labctl.apiserver.request import Request

_POLICIES = ("Background", "Foreground", "Orphan")
_OPTIONS = Resource("meta.k8s.io", "v1", "DeleteOptions", "deleteoptions", namespaced=False)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How a client wants something deleted; None and "" mean that it did not say."""

    grace: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


def read_options(request: Request) -> DeleteOptions:
    """The options of a DELETE request; raises 400, 422."""
    body = decode_body(request, _OPTIONS) if request.body else {}
    return options_of(body, request)


def options_of(value: Any, request: Request) -> DeleteOptions:
    """The options that a decoded body and a request's query give; raises 400, 422."""
    if not isinstance(value, dict):
        raise status.bad_request("DeleteOptions must be a JSON object")
    kind = value.get("kind") or "DeleteOptions"
    if kind != "DeleteOptions":
        raise status.bad_request(f'"{kind}" cannot be handled as a DeleteOptions')
    preconditions = value.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise status.bad_request("DeleteOptions: preconditions must be an object")
    return DeleteOptions(
        grace=_grace(value, request),
        propagation=_propagation(value, request),
        uid=_text(preconditions, "uid"),
        resource_version=_text(preconditions, "resourceVersion"),
        dry_run=request.dry_run or "All" in _directives(value),
    )


def _grace(value: Obj, request: Request) -> int | None:
    grace = request.query.get("gracePeriodSeconds", value.get("gracePeriodSeconds"))
    if grace is None or type(grace) is int:
        return grace
    if isinstance(grace, str) and grace.lstrip("-").isascii() and grace.lstrip("-").isdigit():
        return int(grace[:20])
    raise status.bad_request(
        f"DeleteOptions: gracePeriodSeconds must be an integer: {causes.shown(grace)}"
    )


def _propagation(value: Obj, request: Request) -> str:
    policy = request.query.get("propagationPolicy") or value.get("propagationPolicy") or ""
    orphan = request.query.get("orphanDependents", value.get("orphanDependents"))
    if orphan is not None and not policy:
        return "Orphan" if str(orphan).lower() in {"1", "t", "true"} else "Background"
    if policy not in ("", *_POLICIES):
        cause = causes.not_supported("propagationPolicy", policy, _POLICIES)
        raise status.invalid(_OPTIONS, "", [cause])
    return str(policy)


def _directives(value: Obj) -> list[str]:
    directives = value.get("dryRun") or []
    if not isinstance(directives, list) or any(one != "All" for one in directives):
        raise status.bad_request('DeleteOptions: dryRun: supported values: "All"')
    return directives


def _text(value: Obj, field: str) -> str:
    text = value.get(field) or ""
    if not isinstance(text, str):
        raise status.bad_request(f"DeleteOptions: preconditions.{field} must be a string")
    return text
