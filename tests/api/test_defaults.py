"""What is filled in where a manifest says nothing, and that it is filled in once."""

from typing import Any

import pytest

from labctl.api.defaults import set_defaults
from labctl.api.kinds import apps, batch, cluster, core, networking, rbac
from labctl.api.objects import Obj, copy
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES
from tests.api.manifest_samples import config, container, deployment, pod, pod_with, service


def test_a_pod_gets_kubernetes_defaults() -> None:
    assert set_defaults(core.PODS, pod())["spec"] == {
        "containers": [
            {
                "name": "web",
                "image": "nginx",
                "imagePullPolicy": "Always",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


def test_a_deployment_gets_kubernetes_defaults() -> None:
    given = deployment()
    del given["spec"]["replicas"]
    spec = set_defaults(apps.DEPLOYMENTS, given)["spec"]
    assert spec["replicas"] == 1
    assert spec["revisionHistoryLimit"] == 10
    assert spec["progressDeadlineSeconds"] == 600
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    template = spec["template"]["spec"]
    assert template["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert template["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert "enableServiceLinks" not in template  # Pods have it, templates do not


def test_a_recreate_strategy_gets_no_rolling_update() -> None:
    spec = set_defaults(apps.DEPLOYMENTS, deployment(strategy={"type": "Recreate"}))["spec"]
    assert spec["strategy"] == {"type": "Recreate"}


def first(obj: Obj) -> Any:
    return obj["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("members", "field", "value"),
    [
        (
            {"ports": [{"containerPort": 1, "protocol": "UDP"}]},
            "ports",
            [{"containerPort": 1, "protocol": "UDP"}],
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 80}, "periodSeconds": 1}},
            "livenessProbe",
            {
                "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                "periodSeconds": 1,
                "timeoutSeconds": 1,
                "successThreshold": 1,
                "failureThreshold": 3,
            },
        ),
        (
            {"env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
            "env",
            [
                {
                    "name": "IP",
                    "valueFrom": {"fieldRef": {"fieldPath": "status.podIP", "apiVersion": "v1"}},
                }
            ],
        ),
        (
            {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}},
            "resources",
            {
                "limits": {"cpu": "1", "memory": "1Gi"},
                "requests": {"cpu": "500m", "memory": "1Gi"},
            },
        ),
        (
            {"lifecycle": {"preStop": {"httpGet": {"port": 1}}}},
            "lifecycle",
            {"preStop": {"httpGet": {"port": 1, "path": "/", "scheme": "HTTP"}}},
        ),
    ],
)
def test_a_container_gets_kubernetes_defaults(members: Obj, field: str, value: Any) -> None:
    assert first(set_defaults(core.PODS, pod_with(**members)))[field] == value


def test_a_pod_on_the_hosts_network_has_its_ports_there() -> None:
    given = pod(hostNetwork=True, containers=[container(ports=[{"containerPort": 80}])])
    assert first(set_defaults(core.PODS, given))["ports"][0]["hostPort"] == 80


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        ({"name": "a"}, {"name": "a", "emptyDir": {}}),
        (
            {"name": "a", "configMap": {"name": "b"}},
            {"name": "a", "configMap": {"name": "b", "defaultMode": 420}},
        ),
        (
            {"name": "a", "hostPath": {"path": "/"}},
            {"name": "a", "hostPath": {"path": "/", "type": ""}},
        ),
        (
            {"name": "a", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "name": "a",
                "projected": {
                    "defaultMode": 420,
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                },
            },
        ),
    ],
)
def test_a_volume_gets_kubernetes_defaults(given: Obj, filled: Obj) -> None:
    assert set_defaults(core.PODS, pod(volumes=[given]))["spec"]["volumes"] == [filled]


@pytest.mark.parametrize(
    ("resource", "given", "path", "value"),
    [
        (core.SERVICES, service(), ("spec", "type"), "ClusterIP"),
        (core.SERVICES, service(), ("spec", "internalTrafficPolicy"), "Cluster"),
        (
            core.SERVICES,
            service(ports=[{"port": 80}]),
            ("spec", "ports"),
            [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        ),
        (
            core.SERVICES,
            service(type="NodePort"),
            ("spec", "externalTrafficPolicy"),
            "Cluster",
        ),
        (
            core.SERVICES,
            service(sessionAffinity="ClientIP"),
            ("spec", "sessionAffinityConfig"),
            {"clientIP": {"timeoutSeconds": 10800}},
        ),
        (
            core.NAMESPACES,
            {"metadata": {"name": "a", "labels": {"b": "c"}}},
            ("metadata", "labels"),
            {"b": "c", "kubernetes.io/metadata.name": "a"},
        ),
        (
            core.SECRETS,
            {"data": {"x": "eA=="}, "stringData": {"a": "b"}},
            ("data",),
            {"x": "eA==", "a": "Yg=="},
        ),
        (
            core.NODES,
            {"status": {"capacity": {"pods": "110"}}},
            ("status", "allocatable"),
            {"pods": "110"},
        ),
        (
            networking.NETWORKPOLICIES,
            {"spec": {"podSelector": {}, "egress": [{"ports": [{"port": 1}]}]}},
            ("spec",),
            {
                "podSelector": {},
                "policyTypes": ["Ingress", "Egress"],
                "egress": [{"ports": [{"port": 1, "protocol": "TCP"}]}],
            },
        ),
        (
            rbac.ROLEBINDINGS,
            {"roleRef": {"kind": "Role", "name": "a"}, "subjects": []},
            ("roleRef", "apiGroup"),
            "rbac.authorization.k8s.io",
        ),
        (batch.JOBS, {"spec": {"template": {}}}, ("spec", "completions"), 1),
        (cluster.STORAGECLASSES, {"provisioner": "x"}, ("reclaimPolicy",), "Delete"),
        (
            apps.STATEFULSETS,
            {"spec": {"selector": {}, "template": {}}},
            ("spec", "updateStrategy"),
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        ),
        (
            apps.DAEMONSETS,
            {"spec": {"selector": {}, "template": {}}},
            ("spec", "updateStrategy", "rollingUpdate"),
            {"maxSurge": 0, "maxUnavailable": 1},
        ),
    ],
)
def test_other_kinds_get_kubernetes_defaults(
    resource: Resource, given: Obj, path: tuple[str, ...], value: Any
) -> None:
    found: Any = set_defaults(resource, given)
    for step in path:
        found = found[step]
    assert found == value


SAMPLES = [
    (core.PODS, pod_with(ports=[{"containerPort": 80}], livenessProbe={"grpc": {"port": 1}})),
    (core.PODS, pod(volumes=[{"name": "a"}], serviceAccountName="x", hostNetwork=True)),
    (apps.DEPLOYMENTS, deployment()),
    (core.SERVICES, service(type="LoadBalancer", sessionAffinity="ClientIP")),
    (core.CONFIGMAPS, config(data={"a": "b"})),
    (core.SECRETS, {"stringData": {"a": "b"}}),
    (core.NAMESPACES, {"metadata": {"name": "a"}}),
]


@pytest.mark.parametrize(("resource", "given"), SAMPLES)
def test_setting_defaults_again_changes_nothing(resource: Resource, given: Obj) -> None:
    once = set_defaults(resource, given)
    assert set_defaults(resource, once) == once


@pytest.mark.parametrize(("resource", "given"), SAMPLES)
def test_the_given_object_is_not_changed(resource: Resource, given: Obj) -> None:
    before = copy(given)
    set_defaults(resource, given)
    assert given == before


def test_nulls_count_as_absent() -> None:
    given = pod(restartPolicy=None, dnsPolicy=None)
    given["metadata"]["creationTimestamp"] = None
    filled = set_defaults(core.PODS, given)
    assert filled["spec"]["restartPolicy"] == "Always"
    assert "creationTimestamp" not in filled["metadata"]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.plural)
def test_wrong_types_are_left_for_validation(resource: Resource) -> None:
    junks: tuple[Any, ...] = (1, "x", [], [1], {"containers": 1}, {"template": []}, None)
    for junk in junks:
        assert set_defaults(resource, {"spec": junk, "metadata": junk}) is not None
