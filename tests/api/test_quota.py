"""Quotas and limit ranges, as values: what objects count as, what is refused, and in which words."""

from typing import Any

import pytest

from labctl.api import quota as rules
from labctl.api.defaults import set_defaults
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import (
    CONFIGMAPS,
    LIMITRANGES,
    PERSISTENTVOLUMECLAIMS,
    PODS,
    RESOURCEQUOTAS,
    SERVICES,
)
from labctl.api.limits import problems, with_defaults
from labctl.api.objects import Obj
from labctl.api.quota.scopes import concerns
from labctl.api.resource import Resource
from labctl.api.validation import validate


def _container(name: str = "c", **resources: Obj) -> Obj:
    return {"name": name, "image": "i", "resources": resources}


def _pod(*containers: Obj, **spec: Any) -> Obj:
    status = {"phase": "Running", "qosClass": spec.pop("qos", "Burstable")}
    metadata = {"name": "p", "namespace": "default", **spec.pop("metadata", {})}
    status |= spec.pop("status", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": list(containers), **spec},
        "status": status,
    }


def _quota(hard: Obj, **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "default"},
        "spec": {"hard": hard, **spec},
    }


def _usage(resource: Resource, obj: Obj) -> dict[str, str]:
    return {name: str(amount) for name, amount in rules.usage_of(resource, obj).items()}


def test_a_pod_counts_as_what_it_asks_for_by_both_names() -> None:
    pod = _pod(
        _container(requests={"cpu": "100m", "memory": "64Mi"}, limits={"cpu": "1"}),
        _container(requests={"cpu": "400m", "example.com/gpu": "1"}),
        initContainers=[_container(requests={"cpu": "2"})],
        overhead={"cpu": "10m"},
    )
    assert _usage(PODS, pod) == {
        "count/pods": "1",
        "pods": "1",
        "cpu": "2010m",
        "requests.cpu": "2010m",
        "memory": "64Mi",
        "requests.memory": "64Mi",
        "requests.example.com/gpu": "1",
        "limits.cpu": "1010m",
    }


def test_sidecars_count_beside_what_follows_them() -> None:
    sidecar = {**_container(requests={"cpu": "1"}), "restartPolicy": "Always"}
    pod = _pod(
        _container(requests={"cpu": "1"}),
        initContainers=[sidecar, _container(requests={"cpu": "3"})],
    )
    assert _usage(PODS, pod)["cpu"] == "4"


@pytest.mark.parametrize(
    "changes",
    [
        {"status": {"phase": "Succeeded"}},
        {"status": {"phase": "Failed"}},
        {
            "metadata": {
                "deletionTimestamp": "2020-01-01T00:00:00Z",
                "deletionGracePeriodSeconds": 30,
            }
        },
    ],
)
def test_a_pod_that_ended_is_only_an_object(changes: Obj) -> None:
    assert _usage(PODS, _pod(_container(requests={"cpu": "1"}), **changes)) == {"count/pods": "1"}


@pytest.mark.parametrize(
    ("resource", "spec", "usage"),
    [
        (CONFIGMAPS, {}, {"count/configmaps": "1", "configmaps": "1"}),
        (DEPLOYMENTS, {}, {"count/deployments.apps": "1"}),
        (SERVICES, {"type": "ClusterIP"}, {"count/services": "1", "services": "1"}),
        (
            SERVICES,
            {"type": "NodePort", "ports": [{}, {}]},
            {"count/services": "1", "services": "1", "services.nodeports": "2"},
        ),
        (
            SERVICES,
            {"type": "LoadBalancer", "ports": [{}]},
            {
                "count/services": "1",
                "services": "1",
                "services.nodeports": "1",
                "services.loadbalancers": "1",
            },
        ),
        (
            SERVICES,
            {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{}]},
            {
                "count/services": "1",
                "services": "1",
                "services.nodeports": "0",
                "services.loadbalancers": "1",
            },
        ),
        (
            PERSISTENTVOLUMECLAIMS,
            {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}},
            {
                "count/persistentvolumeclaims": "1",
                "persistentvolumeclaims": "1",
                "requests.storage": "1Gi",
                "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
                "fast.storageclass.storage.k8s.io/requests.storage": "1Gi",
            },
        ),
    ],
)
def test_what_other_objects_count_as(resource: Resource, spec: Obj, usage: Obj) -> None:
    assert _usage(resource, {"metadata": {"name": "o"}, "spec": spec}) == usage


def test_which_kinds_a_quota_counts() -> None:
    names = [
        "requests.cpu",
        "services.nodeports",
        "requests.storage",
        "count/jobs.batch",
        "count/x",
    ]
    plurals = {resource.plural for resource in rules.counted(names)}
    assert plurals == {"pods", "services", "persistentvolumeclaims", "jobs"}


@pytest.mark.parametrize(
    ("spec", "pod", "about"),
    [
        ({}, {}, True),
        ({"scopes": ["BestEffort"]}, {"qos": "BestEffort"}, True),
        ({"scopes": ["BestEffort"]}, {}, False),
        ({"scopes": ["NotBestEffort"]}, {}, True),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 0}, True),
        ({"scopes": ["Terminating"]}, {}, False),
        ({"scopes": ["NotTerminating"]}, {}, True),
        ({"scopes": ["NotTerminating", "BestEffort"]}, {}, False),
        ({"scopes": ["PriorityClass"]}, {"priorityClassName": "high"}, True),
        ({"scopes": ["PriorityClass"]}, {}, False),
    ],
)
def test_scopes(spec: Obj, pod: Obj, about: bool) -> None:
    assert concerns(_quota({"pods": "1"}, **spec), PODS, _pod(_container(), **pod)) is about


@pytest.mark.parametrize(
    ("operator", "values", "name", "about"),
    [
        ("In", ["high"], "high", True),
        ("In", ["high"], "low", False),
        ("NotIn", ["high"], "", True),
        ("Exists", [], "low", True),
        ("DoesNotExist", [], "low", False),
        ("DoesNotExist", [], "", True),
    ],
)
def test_a_scope_selects_priorities(
    operator: str, values: list[str], name: str, about: bool
) -> None:
    term = {"scopeName": "PriorityClass", "operator": operator, "values": values}
    quota = _quota({"pods": "1"}, scopeSelector={"matchExpressions": [term]})
    assert concerns(quota, PODS, _pod(_container(), priorityClassName=name)) is about


def test_a_scope_selects_pods_that_look_into_other_namespaces() -> None:
    quota = _quota({"pods": "0"}, scopes=["CrossNamespacePodAffinity"])
    term = {"topologyKey": "zone", "namespaceSelector": {}}
    weighted = {"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": term}]}
    assert concerns(quota, PODS, _pod(_container(), affinity={"podAntiAffinity": weighted}))
    assert not concerns(quota, PODS, _pod(_container(), affinity={"podAffinity": {}}))


def test_a_quota_with_scopes_is_about_nothing_but_pods() -> None:
    assert not concerns(_quota({"pods": "1"}, scopes=["NotTerminating"]), CONFIGMAPS, {})


def test_a_refusal_names_what_is_exceeded_and_nothing_else() -> None:
    quota = _quota({"pods": "2", "requests.cpu": "1", "requests.memory": "2Gi", "configmaps": "0"})
    pod = _pod(_container(requests={"cpu": "600m", "memory": "1Gi"}))
    charge = rules.Charge.of(PODS, pod)
    used = rules.used_by(quota, PODS, [(pod, rules.usage_of(PODS, pod))])
    assert rules.refusal(quota, charge, {}) == ""
    assert rules.refusal(quota, charge, used) == (
        "exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, "
        "limited: requests.cpu=1"
    )
    full = rules.used_by(quota, PODS, [(pod, rules.usage_of(PODS, pod))] * 2)
    assert rules.refusal(quota, charge, full) == (
        "exceeded quota: q, requested: pods=1,requests.cpu=600m,requests.memory=1Gi, "
        "used: pods=2,requests.cpu=1200m,requests.memory=2Gi, "
        "limited: pods=2,requests.cpu=1,requests.memory=2Gi"
    )


def test_an_update_is_charged_for_what_is_more() -> None:
    old = {"metadata": {"name": "s"}, "spec": {"type": "ClusterIP", "ports": [{}]}}
    new = {**old, "spec": {"type": "NodePort", "ports": [{}]}}
    assert list(rules.Charge.of(SERVICES, new, old).usage) == ["services.nodeports"]
    assert rules.Charge.of(SERVICES, old, new).usage == {}


def test_containers_have_to_state_what_is_limited() -> None:
    quota = _quota({"limits.cpu": "1", "requests.memory": "1Gi", "pods": "5"})
    pod = _pod(
        _container("a", limits={"cpu": "1"}),
        _container("b", requests={"memory": "1"}),
        initContainers=[_container("c")],
    )
    assert rules.unstated(quota, rules.Charge.of(PODS, pod)) == (
        "failed quota: q: must specify limits.cpu for: b,c; requests.memory for: a,c"
    )
    best_effort = _quota({"pods": "5"}, scopes=["BestEffort"])
    assert rules.unstated(best_effort, rules.Charge.of(PODS, pod)) == ""


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"hard": {"foo": "1"}}, "must be a standard resource for quota"),
        ({"hard": {"pods": "-1"}}, "must be greater than or equal to 0"),
        ({"hard": {"pods": "1.5"}}, "must be an integer"),
        ({"hard": {"count/a_b c": "1"}}, "spec.hard[count/a_b c]"),
        ({"hard": {"pods": "1"}, "scopes": ["Nope"]}, "unsupported scope"),
        (
            {"hard": {"services": "1"}, "scopes": ["BestEffort"]},
            "unsupported scope applied to resource",
        ),
        (
            {"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]},
            "conflicting scopes",
        ),
    ],
)
def test_quotas_that_make_no_sense(spec: Obj, sentence: str) -> None:
    obj = {**_quota({}), "spec": spec}
    assert any(sentence in str(cause) for cause in validate(RESOURCEQUOTAS, obj))


def test_quotas_that_make_sense() -> None:
    hard = ("pods", "cpu", "limits.memory", "count/jobs.batch", "requests.example.com/gpu")
    assert validate(RESOURCEQUOTAS, _quota(dict.fromkeys(hard, "1"))) == []
    scoped = _quota({"pods": "1", "requests.cpu": "1"}, scopes=["NotTerminating"])
    assert validate(RESOURCEQUOTAS, scoped) == []
    assert [one.field for one in validate(RESOURCEQUOTAS, scoped, _quota({"pods": "1"}))] == [
        "spec.scopes"
    ]


def _range(**limit: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "l", "namespace": "default"},
        "spec": {"limits": [{"type": "Container", **limit}]},
    }


def test_the_most_is_the_default_of_a_limit_range() -> None:
    filled = set_defaults(LIMITRANGES, _range(max={"cpu": "2"}, min={"cpu": "1", "memory": "1Mi"}))
    (limit,) = filled["spec"]["limits"]
    assert limit["default"] == {"cpu": "2"}
    assert limit["defaultRequest"] == {"cpu": "2", "memory": "1Mi"}


def test_containers_get_what_they_do_not_state() -> None:
    given = _range(default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "100m"})
    pod = _pod(_container("a"), _container("b", limits={"cpu": "2"}, requests={"cpu": "2"}))
    made = with_defaults(pod, given)
    first, second = (one["resources"] for one in made["spec"]["containers"])
    assert first == {"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    assert second == {"requests": {"cpu": "2"}, "limits": {"cpu": "2", "memory": "1Gi"}}
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu request for container a; "
        "cpu, memory limit for container a; memory limit for container b"
    )
    assert pod["spec"]["containers"][0]["resources"] == {}
    assert with_defaults(pod, _range(max={"cpu": "1"})) is pod


@pytest.mark.parametrize(
    ("limit", "resources", "sentence"),
    [
        (
            {"min": {"cpu": "100m"}},
            {"requests": {"cpu": "50m"}},
            "minimum cpu usage per Container is 100m, but request is 50m",
        ),
        (
            {"min": {"cpu": "100m"}},
            {},
            "minimum cpu usage per Container is 100m.  No request is specified",
        ),
        (
            {"max": {"memory": "1Gi"}},
            {"limits": {"memory": "2Gi"}},
            "maximum memory usage per Container is 1Gi, but limit is 2Gi",
        ),
        (
            {"max": {"memory": "1Gi"}},
            {"requests": {"memory": "1Mi"}},
            "maximum memory usage per Container is 1Gi.  No limit is specified",
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
        (
            {"type": "Pod", "max": {"cpu": "1"}},
            {"requests": {"cpu": "600m"}, "limits": {"cpu": "600m"}},
            "maximum cpu usage per Pod is 1, but limit is 1200m",
        ),
    ],
)
def test_pods_beyond_the_bounds(limit: Obj, resources: Obj, sentence: str) -> None:
    pod = _pod(_container("a", **resources), _container("b", **resources))
    assert set(problems(PODS, pod, _range(**limit))) == {sentence}


def test_claims_beyond_the_bounds() -> None:
    limit = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}
    for size, sentence in (
        ("512Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi"),
        ("1Gi", ""),
        ("3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"),
    ):
        claim = {"spec": {"resources": {"requests": {"storage": size}}}}
        found = list(problems(PERSISTENTVOLUMECLAIMS, claim, _range(**limit)))
        assert found == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (
            {"min": {"cpu": "2"}, "max": {"cpu": "1"}},
            'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        ),
        (
            {"default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}},
            (
                'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": '
                "default request value 2 is greater than default limit value 1"
            ),
        ),
        (
            {"type": "Pod", "default": {"cpu": "1"}},
            "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
        ),
        (
            {"type": "Nope"},
            (
                'spec.limits[0].type: Invalid value: "Nope": '
                "must be a standard limit type or fully qualified"
            ),
        ),
    ],
)
def test_limit_ranges_that_make_no_sense(limit: Obj, sentence: str) -> None:
    assert sentence in [str(cause) for cause in validate(LIMITRANGES, _range(**limit))]
