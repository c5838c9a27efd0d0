"""Defaults of what extends an API server and of drivers of storage.

pkg/apis/admissionregistration/v1/defaults.go, pkg/apis/storage/v1/defaults.go and
kube-aggregator's pkg/apis/apiregistration/v1/defaults.go.
"""

from collections.abc import Callable

from labctl.api.defaults.fill import change, change_spec, each, fill
from labctl.api.kinds.cluster import CSIDRIVERS
from labctl.api.kinds.extension import (
    APISERVICES,
    MUTATINGWEBHOOKCONFIGURATIONS,
    VALIDATINGADMISSIONPOLICIES,
    VALIDATINGWEBHOOKCONFIGURATIONS,
)
from labctl.api.objects import Obj
from labctl.api.resource import Resource

_HTTPS = 443
_WEBHOOK: Obj = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}
_DRIVER: Obj = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "volumeLifecycleModes": ["Persistent"],
    "requiresRepublish": False,
    "seLinuxMount": False,
}


def _rule(rule: Obj) -> Obj:
    return fill(rule, {"scope": "*"})


def _webhook(webhook: Obj) -> Obj:
    filled = change(fill(webhook, _WEBHOOK), "rules", each(_rule))
    return change(filled, "clientConfig", _with_service)


def _with_service(holder: Obj) -> Obj:
    return change(holder, "service", lambda service: fill(service, {"port": _HTTPS}))


def _mutating(webhook: Obj) -> Obj:
    return fill(_webhook(webhook), {"reinvocationPolicy": "Never"})


def _policy(spec: Obj) -> Obj:
    return change(fill(spec, {"failurePolicy": "Fail"}), "matchConstraints", _constraints)


def _constraints(match: Obj) -> Obj:
    selectors = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
    return change(fill(match, selectors), "resourceRules", each(_rule))


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    APISERVICES: lambda obj: change_spec(obj, _with_service),
    CSIDRIVERS: lambda obj: change_spec(obj, lambda spec: fill(spec, _DRIVER)),
    MUTATINGWEBHOOKCONFIGURATIONS: lambda obj: change(obj, "webhooks", each(_mutating)),
    VALIDATINGADMISSIONPOLICIES: lambda obj: change_spec(obj, _policy),
    VALIDATINGWEBHOOKCONFIGURATIONS: lambda obj: change(obj, "webhooks", each(_webhook)),
}
