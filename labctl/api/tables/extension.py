"""The rows of what extends and regulates an API server, and of certificates and components."""

from typing import Any

from labctl.api.kinds.certificates import CERTIFICATESIGNINGREQUESTS
from labctl.api.kinds.core import COMPONENTSTATUSES
from labctl.api.kinds.extension import (
    APISERVICES,
    FLOWSCHEMAS,
    MUTATINGWEBHOOKCONFIGURATIONS,
    PRIORITYLEVELCONFIGURATIONS,
    VALIDATINGADMISSIONPOLICIES,
    VALIDATINGADMISSIONPOLICYBINDINGS,
    VALIDATINGWEBHOOKCONFIGURATIONS,
)
from labctl.api.objects import Obj, condition, name
from labctl.api.tables.columns import AGE, NAME, Printer, number, text
from labctl.api.tables.text import NONE, UNSET, age, duration, spec, status


def _webhooks(obj: Obj, now: float) -> list[Any]:
    return [name(obj), len(obj.get("webhooks") or ()), age(obj, now)]


def _policy(obj: Obj, now: float) -> list[Any]:
    kind = spec(obj).get("paramKind") or {}
    shown = f"{kind.get('apiVersion')}/{kind.get('kind')}" if kind else UNSET
    return [name(obj), len(spec(obj).get("validations") or ()), shown, age(obj, now)]


def _policy_binding(obj: Obj, now: float) -> list[Any]:
    parameter = spec(obj).get("paramRef") or {}
    where = parameter.get("namespace")
    named = f"{where}/{parameter.get('name')}" if where else parameter.get("name")
    shown = (named or (parameter.get("selector") and "*")) if parameter else UNSET
    return [name(obj), spec(obj).get("policyName") or "", str(shown), age(obj, now)]


def _apiservice(obj: Obj, now: float) -> list[Any]:
    service = spec(obj).get("service")
    served = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    available = condition(obj, "Available") or {}
    word = available.get("status") or "Unknown"
    if word != "True" and available.get("reason"):
        word = f"{word} ({available['reason']})"
    return [name(obj), served, word, age(obj, now)]


def _flow(obj: Obj, now: float) -> list[Any]:
    dangling = (condition(obj, "Dangling") or {}).get("status") or "?"
    return [
        name(obj),
        (spec(obj).get("priorityLevelConfiguration") or {}).get("name") or NONE,
        spec(obj).get("matchingPrecedence") or 0,
        (spec(obj).get("distinguisherMethod") or {}).get("type") or NONE,
        age(obj, now),
        dangling,
    ]


def _level(obj: Obj, now: float) -> list[Any]:
    limited = spec(obj).get("limited") or spec(obj).get("exempt") or {}
    queuing = (limited.get("limitResponse") or {}).get("queuing") or {}
    return [
        name(obj),
        spec(obj).get("type") or "",
        limited.get("nominalConcurrencyShares", NONE),
        *(queuing.get(field, NONE) for field in ("queues", "handSize", "queueLengthLimit")),
        age(obj, now),
    ]


def _signing_request(obj: Obj, now: float) -> list[Any]:
    seconds = spec(obj).get("expirationSeconds")
    return [
        name(obj),
        age(obj, now),
        spec(obj).get("signerName") or NONE,
        spec(obj).get("username") or "",
        NONE if seconds is None else duration(seconds),
        _signing_state(obj),
    ]


def _signing_state(obj: Obj) -> str:
    words = [word for word in ("Approved", "Denied", "Failed") if condition(obj, word)]
    state = ",".join(words) or "Pending"
    return f"{state},Issued" if status(obj).get("certificate") else state


def _component(obj: Obj, now: float) -> list[Any]:
    del now
    found = (one for one in obj.get("conditions") or () if one.get("type") == "Healthy")
    healthy: Obj = next(found, {})
    word = {"True": "Healthy", "False": "Unhealthy"}.get(healthy.get("status", ""), "Unknown")
    return [name(obj), word, healthy.get("message") or "", healthy.get("error") or ""]


_WEBHOOKS = Printer((NAME, number("Webhooks"), AGE), _webhooks)

PRINTERS = {
    MUTATINGWEBHOOKCONFIGURATIONS: _WEBHOOKS,
    VALIDATINGWEBHOOKCONFIGURATIONS: _WEBHOOKS,
    VALIDATINGADMISSIONPOLICIES: Printer(
        (NAME, number("Validations"), text("ParamKind"), AGE), _policy
    ),
    VALIDATINGADMISSIONPOLICYBINDINGS: Printer(
        (NAME, text("PolicyName"), text("ParamRef"), AGE), _policy_binding
    ),
    APISERVICES: Printer((NAME, text("Service"), text("Available"), AGE), _apiservice),
    FLOWSCHEMAS: Printer(
        (
            NAME,
            text("PriorityLevel"),
            number("MatchingPrecedence"),
            text("DistinguisherMethod"),
            AGE,
            text("MissingPL"),
        ),
        _flow,
    ),
    PRIORITYLEVELCONFIGURATIONS: Printer(
        (
            NAME,
            text("Type"),
            text("NominalConcurrencyShares"),
            text("Queues"),
            text("HandSize"),
            text("QueueLengthLimit"),
            AGE,
        ),
        _level,
    ),
    CERTIFICATESIGNINGREQUESTS: Printer(
        (
            NAME,
            AGE,
            text("SignerName"),
            text("Requestor"),
            text("RequestedDuration"),
            text("Condition"),
        ),
        _signing_request,
    ),
    COMPONENTSTATUSES: Printer((NAME, text("Status"), text("Message"), text("Error")), _component),
}
