"""The same object in several versions: what each shows, and that nothing is lost on the way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api import schema
from labctl.api.conversion import ingresses, view_of
from labctl.api.conversion.autoscaling import to_v1, to_v2
from labctl.api.conversion.events import check_new, to_core, to_newer
from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS, HORIZONTALPODAUTOSCALERS_V1
from labctl.api.kinds.core import EVENTS, PODS
from labctl.api.kinds.events import NEWER_EVENTS
from labctl.api.objects import Obj
from labctl.api.resources import KINDS
from labctl.api.tables import table

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
}
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}},
}
REQUESTS = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "requests", "selector": {"matchLabels": {"path": "a"}}},
        "target": {"type": "AverageValue", "averageValue": "10"},
    },
}
INGRESS = {
    "type": "Object",
    "object": {
        "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "web"},
        "metric": {"name": "hits"},
        "target": {"type": "Value", "value": "100"},
    },
}
QUEUE = {
    "type": "External",
    "external": {
        "metric": {"name": "queued"},
        "target": {"type": "AverageValue", "averageValue": "5"},
    },
}
CONTAINER = {
    "type": "ContainerResource",
    "containerResource": {
        "name": "cpu",
        "container": "main",
        "target": {"type": "Utilization", "averageUtilization": 50},
    },
}


def autoscaler(*metrics: Obj, **more: Any) -> Obj:
    spec = {"scaleTargetRef": TARGET, "minReplicas": 1, "maxReplicas": 4, **more}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {**spec, "metrics": list(metrics)} if metrics else spec,
    }


def test_the_use_of_cpu_is_a_field_of_v1() -> None:
    shown = to_v1(autoscaler(CPU))
    assert shown["apiVersion"] == "autoscaling/v1"
    assert shown["spec"]["targetCPUUtilizationPercentage"] == 60
    assert "metrics" not in shown["spec"]
    assert "annotations" not in shown["metadata"]


def test_other_metrics_are_annotations_of_v1() -> None:
    shown = to_v1(autoscaler(CPU, MEMORY, behavior={"scaleDown": {"selectPolicy": "Disabled"}}))
    prefix = "autoscaling.alpha.kubernetes.io/"
    assert shown["metadata"]["annotations"] == {
        f"{prefix}metrics": '[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}}]',
        f"{prefix}behavior": '{"scaleDown":{"selectPolicy":"Disabled"}}',
    }


def test_annotations_that_hold_something_else_are_left_alone() -> None:
    annotations = {"autoscaling.alpha.kubernetes.io/metrics": "no json", "mine": "too"}
    hpa = {**to_v1(autoscaler(CPU)), "metadata": {"name": "web", "annotations": annotations}}
    assert to_v2(hpa)["metadata"]["annotations"] == annotations


STATUSES = st.fixed_dictionaries(
    {},
    optional={
        "currentReplicas": st.integers(0, 9),
        "conditions": st.just([{"type": "AbleToScale", "status": "True"}]),
        "currentMetrics": st.just(
            [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "current": {"averageUtilization": 7}},
                }
            ]
        ),
    },
)


@given(
    st.booleans(),
    st.lists(st.sampled_from((MEMORY, REQUESTS, INGRESS, QUEUE, CONTAINER)), max_size=4),
    STATUSES,
)
def test_an_autoscaler_comes_back_from_v1_as_it_was(
    cpu: bool, others: list[Obj], status: Obj
) -> None:
    hpa = autoscaler(*([CPU] if cpu else []), *others) | ({"status": status} if status else {})
    shown = to_v1(hpa)
    assert schema.is_valid(HORIZONTALPODAUTOSCALERS_V1, shown)
    assert to_v2(shown) == hpa


@pytest.mark.parametrize(
    ("metrics", "current", "cell"),
    [
        ((), (), "<none>"),
        ((CPU,), (), "cpu: <unknown>/60%"),
        (
            (CPU,),
            (
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "current": {"averageUtilization": 7}},
                },
            ),
            "cpu: 7%/60%",
        ),
        ((MEMORY, REQUESTS), (), "memory: <unknown>/1Gi, <unknown>/10"),
        ((INGRESS, QUEUE, CPU), (), "<unknown>/100, <unknown>/5 (avg) + 1 more..."),
    ],
)
def test_an_autoscalers_targets_are_printed(metrics: Any, current: Any, cell: str) -> None:
    hpa = autoscaler(*metrics) | {"status": {"currentMetrics": list(current)}}
    for resource, shown in (
        (HORIZONTALPODAUTOSCALERS, hpa),
        (HORIZONTALPODAUTOSCALERS_V1, to_v1(hpa)),
    ):
        if resource is HORIZONTALPODAUTOSCALERS or metrics[:1] == (CPU,):
            assert table(resource, [shown])["rows"][0]["cells"][2] == cell


EVENT = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "web.1", "namespace": "default"},
    "involvedObject": {"kind": "Pod", "name": "web", "namespace": "default"},
    "reason": "Started",
    "message": "Started container web",
    "type": "Normal",
    "source": {"component": "kubelet", "host": "node1"},
    "firstTimestamp": "2026-01-01T00:00:00Z",
    "lastTimestamp": "2026-01-01T00:00:09Z",
    "count": 2,
    "reportingComponent": "kubelet",
    "reportingInstance": "node1",
}


def test_an_event_has_the_same_fields_under_newer_names() -> None:
    newer = to_newer(EVENT)
    assert schema.problems(NEWER_EVENTS, newer).unknown == ()
    assert newer["regarding"] == EVENT["involvedObject"]
    assert newer["note"] == EVENT["message"]
    assert newer["deprecatedCount"] == 2
    assert to_core(newer) == EVENT
    assert (
        table(NEWER_EVENTS, [newer], now=0)["rows"][0]["cells"]
        == table(EVENTS, [EVENT], now=0)["rows"][0]["cells"]
    )


def test_a_new_event_of_the_newer_form_says_all_of_it() -> None:
    said = [str(cause) for cause in check_new({"note": "n" * 2000, "deprecatedCount": 1})]
    assert said[:2] == ["eventTime: Required value", "reportingController: Required value"]
    assert any(one.startswith("note: Invalid value") for one in said)
    assert any(one.startswith("deprecatedCount: Invalid value") for one in said)


def test_an_ingress_names_services_otherwise_in_its_oldest_form() -> None:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    rules = [{"host": "a.example.org", "http": {"paths": paths}}]
    named = {"service": {"name": "web", "port": {"name": "http"}}}
    ingress: Obj = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "front"},
        "spec": {"defaultBackend": named, "rules": rules},
    }
    older = ingresses.to_older(ingress)
    assert older["apiVersion"] == "extensions/v1beta1"
    assert older["spec"]["backend"] == {"serviceName": "web", "servicePort": "http"}
    (path,) = older["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"] == {"serviceName": "web", "servicePort": 80}
    assert ingresses.to_v1(older) == ingress


def test_only_other_forms_have_views() -> None:
    assert view_of(PODS) is None
    for resource in KINDS:
        view = view_of(resource)
        assert (view is None) is (resource.stored is None)
        assert view is None or view.stored is resource.stored
