"""Kubernetes' rules, each with the field and the words that Kubernetes has for it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.api.defaults import set_defaults
from labctl.api.kinds import apps, batch, coordination, core, networking, policy, rbac
from labctl.api.objects import Obj, copy
from labctl.api.resource import Resource
from labctl.api.tables import table
from labctl.api.validation import unknown_fields, validate
from tests.api.manifest_samples import config, container, deployment, pod, pod_with, service


def causes(resource: Resource, obj: Obj, old: Obj | None = None) -> list[str]:
    before = None if old is None else set_defaults(resource, old)
    return [str(cause) for cause in validate(resource, set_defaults(resource, obj), before)]


def changed(obj: Obj, *path: str | int, to: Any) -> Obj:
    """A copy of the object with one member set to another value."""
    result: Any = copy(obj)
    target = result
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = to
    assert isinstance(result, dict)
    return result


NAMESPACE: Obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lessons"}}
NODE: Obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}, "spec": {}}
SECRET: Obj = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "keys", "namespace": "default"},
    "data": {"a": "Yg=="},
}
LEASE: Obj = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "node1", "namespace": "kube-node-lease"},
    "spec": {"leaseDurationSeconds": 40},
}
EVENT: Obj = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "a", "namespace": "default"},
    "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web"},
}
POLICY: Obj = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "a", "namespace": "default"},
    "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]},
}
JOB: Obj = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "a", "namespace": "default"},
    "spec": {
        "template": {
            "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}
        }
    },
}
GOOD = [
    (core.PODS, pod()),
    (core.PODS, pod_with(ports=[{"containerPort": 80, "name": "http"}], env=[{"name": "A.b-c"}])),
    (apps.DEPLOYMENTS, deployment()),
    (apps.DEPLOYMENTS, deployment(replicas=0, strategy={"type": "Recreate"})),
    (core.SERVICES, service()),
    (core.SERVICES, service(clusterIP="None", ports=[])),
    (core.SERVICES, service(type="ExternalName", externalName="example.com.", ports=[])),
    (core.CONFIGMAPS, config(data={"a.b": "c"})),
    (core.NAMESPACES, NAMESPACE),
    (core.NODES, NODE),
    (core.SECRETS, SECRET),
    (core.EVENTS, EVENT),
    (coordination.LEASES, LEASE),
    (networking.NETWORKPOLICIES, POLICY),
    (batch.JOBS, JOB),
]


@pytest.mark.parametrize(("resource", "obj"), GOOD)
def test_a_good_object_has_nothing_wrong(resource: Resource, obj: Obj) -> None:
    assert causes(resource, obj) == []
    assert unknown_fields(resource, obj) == []
    assert causes(resource, obj, obj) == []


CONTAINER = "spec.containers[0]"


@pytest.mark.parametrize(
    ("obj", "cause"),
    [
        (pod(containers=[]), "spec.containers: Required value"),
        (pod_with(name="Web"), f'{CONTAINER}.name: Invalid value: "Web": a lowercase RFC 1123'),
        (pod_with(name=""), f"{CONTAINER}.name: Required value"),
        (pod_with(image=""), f"{CONTAINER}.image: Required value"),
        (pod_with(image=" a"), f'{CONTAINER}.image: Invalid value: " a": must not have leading'),
        (
            pod(containers=[container(), container()]),
            'spec.containers[1].name: Duplicate value: "web"',
        ),
        (
            pod(initContainers=[container()]),
            'spec.initContainers[0].name: Duplicate value: "web"',
        ),
        (
            pod_with(ports=[{"containerPort": 65536}]),
            (
                f"{CONTAINER}.ports[0].containerPort: Invalid value: 65536: must be between 1 and "
                "65535, inclusive"
            ),
        ),
        (
            pod_with(ports=[{"containerPort": 0}]),
            f"{CONTAINER}.ports[0].containerPort: Required value",
        ),
        (pod_with(ports=[{}]), f"{CONTAINER}.ports[0].containerPort: Required value"),
        (
            pod_with(ports=[{"containerPort": 1, "protocol": "tcp"}]),
            (
                f'{CONTAINER}.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", '
                '"TCP", "UDP"'
            ),
        ),
        (
            pod_with(ports=[{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]),
            f'{CONTAINER}.ports[1].name: Duplicate value: "a"',
        ),
        (
            pod_with(ports=[{"containerPort": 1, "name": "much-too-long-name"}]),
            (
                f'{CONTAINER}.ports[0].name: Invalid value: "much-too-long-name": must be no more '
                "than 15 bytes"
            ),
        ),
        (
            pod_with(
                ports=[{"containerPort": 1, "hostPort": 7}, {"containerPort": 2, "hostPort": 7}]
            ),
            f'{CONTAINER}.ports[1].hostPort: Duplicate value: "TCP//7"',
        ),
        (
            pod(
                hostNetwork=True,
                containers=[container(ports=[{"containerPort": 1, "hostPort": 2}])],
            ),
            (
                f"{CONTAINER}.ports[0].containerPort: Invalid value: 1: must match `hostPort` when "
                "`hostNetwork` is true"
            ),
        ),
        (
            pod_with(imagePullPolicy="Sometimes"),
            (
                f'{CONTAINER}.imagePullPolicy: Unsupported value: "Sometimes": supported values: '
                '"Always", "IfNotPresent", "Never"'
            ),
        ),
        (
            pod_with(env=[{"name": "a=b"}]),
            f'{CONTAINER}.env[0].name: Invalid value: "a=b": a valid environment variable name',
        ),
        (
            pod_with(
                env=[
                    {
                        "name": "a",
                        "value": "b",
                        "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
                    }
                ]
            ),
            (
                f'{CONTAINER}.env[0].valueFrom: Invalid value: "": may not be specified when `value` '
                "is not empty"
            ),
        ),
        (
            pod_with(env=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]),
            f'{CONTAINER}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.x"',
        ),
        (
            pod_with(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
            (
                f'{CONTAINER}.resources.requests: Invalid value: "2": must be less than or equal to '
                "cpu limit of 1"
            ),
        ),
        (
            pod_with(resources={"requests": {"memory": "-1"}}),
            (
                f'{CONTAINER}.resources.requests[memory]: Invalid value: "-1": must be greater than or '
                "equal to 0"
            ),
        ),
        (
            pod_with(resources={"limits": {"memory": "lots"}}),
            f'{CONTAINER}.resources.limits[memory]: Invalid value: "lots": quantities must match',
        ),
        (
            pod_with(volumeMounts=[{"name": "data", "mountPath": "/d"}]),
            f'{CONTAINER}.volumeMounts[0].name: Not found: "data"',
        ),
        (
            pod_with(livenessProbe={"periodSeconds": 1}),
            f"{CONTAINER}.livenessProbe: Required value: must specify a handler type",
        ),
        (
            pod_with(readinessProbe={"tcpSocket": {"port": 1}, "httpGet": {"port": 1}}),
            f"{CONTAINER}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1",
        ),
        (
            pod_with(livenessProbe={"tcpSocket": {"port": 1}, "successThreshold": 2}),
            f"{CONTAINER}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            pod_with(readinessProbe={"httpGet": {"port": 0}}),
            f"{CONTAINER}.readinessProbe.httpGet.port: Invalid value: 0: must be between 1",
        ),
        (
            pod_with(readinessProbe={"httpGet": {"port": 1}, "timeoutSeconds": -1}),
            f"{CONTAINER}.readinessProbe.timeoutSeconds: Invalid value: -1: must be greater",
        ),
        (
            pod(restartPolicy="Sometimes"),
            (
                'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", '
                '"OnFailure", "Never"'
            ),
        ),
        (pod(terminationGracePeriodSeconds=-1), "spec.terminationGracePeriodSeconds: Invalid"),
        (pod(activeDeadlineSeconds=0), "spec.activeDeadlineSeconds: Invalid value: 0: must be"),
        (pod(nodeSelector={"a b": "c"}), 'spec.nodeSelector: Invalid value: "a b": name part'),
        (pod(nodeName="A"), 'spec.nodeName: Invalid value: "A": a lowercase RFC 1123 subdomain'),
        (pod(hostname="a.b"), 'spec.hostname: Invalid value: "a.b": a lowercase RFC 1123 label'),
        (
            pod(tolerations=[{"key": "a", "operator": "Is"}]),
            (
                'spec.tolerations[0].operator: Unsupported value: "Is": supported values: "Equal", '
                '"Exists"'
            ),
        ),
        (
            pod(tolerations=[{"operator": "Exists", "tolerationSeconds": 3}]),
            "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute'",
        ),
        (
            pod(tolerations=[{"value": "x"}]),
            'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when',
        ),
        (
            pod(volumes=[{"name": "a"}, {"name": "a"}]),
            'spec.volumes[1].name: Duplicate value: "a"',
        ),
        (
            pod(volumes=[{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}]),
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
        ),
        (
            pod(volumes=[{"name": "a", "configMap": {}}]),
            "spec.volumes[0].configMap.name: Required value",
        ),
        (
            pod(hostAliases=[{"ip": "nowhere"}]),
            'spec.hostAliases[0].ip: Invalid value: "nowhere": must be a valid IP address',
        ),
        (
            pod(
                affinity={
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}
                    }
                }
            ),
            (
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
                ".nodeSelectorTerms: Required value: must have at least one node selector term"
            ),
        ),
    ],
)
def test_a_bad_pod_is_refused_in_kubernetes_words(obj: Obj, cause: str) -> None:
    found = causes(core.PODS, obj)
    assert len(found) == 1
    assert found[0].startswith(cause)


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            (
                'spec.template.metadata.labels: Invalid value: {"app":"nginx"}: `selector` does not '
                "match template `labels`"
            ),
        ),
        (
            {"selector": {}},
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
        ),
        ({"selector": None}, "spec.selector: Required value"),
        ({"template": None}, "spec.template: Required value"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1: must be greater"),
        (
            {"minReadySeconds": 600},
            (
                "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than "
                "minReadySeconds"
            ),
        ),
        (
            {"strategy": {"type": "Yolo"}},
            (
                'spec.strategy.type: Unsupported value: "Yolo": supported values: "Recreate", '
                '"RollingUpdate"'
            ),
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            (
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
                "'Recreate'"
            ),
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            (
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when '
                "`maxSurge` is 0"
            ),
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "half"}}},
            'spec.strategy.rollingUpdate.maxSurge: Invalid value: "half": a valid percent string',
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            (
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be '
                "greater than 100%"
            ),
        ),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}},
            (
                'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid '
                "selector operator"
            ),
        ),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}},
            "spec.selector.matchExpressions[0].values: Required value: must be specified when",
        ),
    ],
)
def test_a_bad_deployment_is_refused_in_kubernetes_words(spec: Obj, cause: str) -> None:
    found = causes(apps.DEPLOYMENTS, deployment(**spec))
    assert len(found) == 1
    assert found[0].startswith(cause)


def test_a_template_is_held_to_the_rules_of_pods() -> None:
    obj = deployment()
    obj["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    obj["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = 99999
    assert causes(apps.DEPLOYMENTS, obj) == [
        (
            "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be "
            "between 1 and 65535, inclusive"
        ),
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]


METADATA = [
    ({"name": "Web"}, 'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain'),
    ({"name": "a" * 254}, f'metadata.name: Invalid value: "{"a" * 254}": must be no more than 253'),
    ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
    ({"name": "", "generateName": "Web-"}, 'metadata.generateName: Invalid value: "Web-"'),
    ({"namespace": ""}, "metadata.namespace: Required value"),
    ({"namespace": "a.b"}, 'metadata.namespace: Invalid value: "a.b": a lowercase RFC 1123 label'),
    ({"labels": {"a/b/c": "d"}}, 'metadata.labels: Invalid value: "a/b/c": a qualified name must'),
    ({"labels": {"a": "b c"}}, 'metadata.labels: Invalid value: "b c": a valid label must be'),
    ({"labels": {"/a": "b"}}, 'metadata.labels: Invalid value: "/a": prefix part must be non-'),
    ({"labels": {"a": "b" * 64}}, f'metadata.labels: Invalid value: "{"b" * 64}": must be no more'),
    ({"annotations": {"a b": ""}}, 'metadata.annotations: Invalid value: "a b": name part must'),
    ({"annotations": {"a": "b" * 262144}}, "metadata.annotations: Too long: may not be more than"),
    ({"finalizers": [""]}, "metadata.finalizers[0]: Required value"),
    (
        {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": ""}]},
        'metadata.ownerReferences[0].uid: Invalid value: "": must not be empty',
    ),
]


@pytest.mark.parametrize(("metadata", "cause"), METADATA)
def test_bad_metadata_is_refused_in_kubernetes_words(metadata: Obj, cause: str) -> None:
    obj = config()
    found = causes(core.CONFIGMAPS, {**obj, "metadata": {**obj["metadata"], **metadata}})
    assert len(found) == 1
    assert found[0].startswith(cause)


def test_a_generated_name_may_end_in_a_dash() -> None:
    obj = {**config(), "metadata": {"generateName": "web-", "namespace": "default"}}
    assert causes(core.CONFIGMAPS, obj) == []


@pytest.mark.parametrize(
    ("resource", "obj", "cause"),
    [
        (core.NAMESPACES, changed(NAMESPACE, "metadata", "name", to="a.b"), "metadata.name: Inv"),
        (
            core.NAMESPACES,
            changed(NAMESPACE, "metadata", "namespace", to="a"),
            "metadata.namespace: Forbidden: not allowed on this type",
        ),
        (core.SERVICES, service(ports=[]), "spec.ports: Required value"),
        (
            core.SERVICES,
            service(ports=[{"port": 80}, {"port": 81, "name": "b"}]),
            "spec.ports[0].name: Required value",
        ),
        (
            core.SERVICES,
            service(ports=[{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]),
            'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}',
        ),
        (
            core.SERVICES,
            service(ports=[{"port": 0, "targetPort": 80}]),
            "spec.ports[0].port: Invalid value: 0",
        ),
        (core.SERVICES, service(type="Clustr"), 'spec.type: Unsupported value: "Clustr"'),
        (core.SERVICES, service(clusterIP="1.2"), 'spec.clusterIPs[0]: Invalid value: "1.2"'),
        (
            core.SERVICES,
            service(ports=[{"port": 80, "nodePort": 30000}]),
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            core.SERVICES,
            changed(service(), "metadata", "name", to="1a"),
            'metadata.name: Invalid value: "1a": a DNS-1035 label must consist of',
        ),
        (
            core.SERVICES,
            service(type="ExternalName", ports=[]),
            "spec.externalName: Required value",
        ),
        (
            core.CONFIGMAPS,
            config(data={"a b": "c"}),
            'data[a b]: Invalid value: "a b": a valid config key must consist of',
        ),
        (core.CONFIGMAPS, config(data={"a": "b" * 1048577}), "Too long: may not be more than"),
        (
            core.SECRETS,
            changed(SECRET, "data", "a", to="x"),
            'data[a]: Invalid value: "x": must be',
        ),
        (
            core.SECRETS,
            {**SECRET, "type": "kubernetes.io/tls", "data": {"tls.crt": ""}},
            "data[tls.key]: Required value",
        ),
        (
            core.NODES,
            changed(NODE, "spec", "taints", to=[{"key": "a", "effect": "Never"}]),
            'spec.taints[0].effect: Unsupported value: "Never"',
        ),
        (
            coordination.LEASES,
            changed(LEASE, "spec", "leaseDurationSeconds", to=0),
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            core.EVENTS,
            changed(EVENT, "involvedObject", "namespace", to="other"),
            'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
        ),
        (
            networking.NETWORKPOLICIES,
            changed(POLICY, "spec", "ingress", to=[{"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]),
            'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR',
        ),
        (
            networking.NETWORKPOLICIES,
            changed(POLICY, "spec", "ingress", to=[{"ports": [{"port": "a", "endPort": 9}]}]),
            "spec.ingress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port`",
        ),
        (
            batch.JOBS,
            changed(JOB, "spec", "template", "spec", "restartPolicy", to="Always"),
            (
                'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: '
                '"OnFailure", "Never"'
            ),
        ),
        (
            policy.PODDISRUPTIONBUDGETS,
            {
                "metadata": {"name": "a", "namespace": "b"},
                "spec": {"minAvailable": 1, "maxUnavailable": 1},
            },
            "spec: Invalid value: ",
        ),
    ],
)
def test_other_bad_objects_are_refused_in_kubernetes_words(
    resource: Resource, obj: Obj, cause: str
) -> None:
    found = causes(resource, obj)
    assert len(found) == 1
    assert found[0].startswith(cause)


SERVED = set_defaults(core.SERVICES, service(clusterIP="10.96.0.7"))
ROLE: Obj = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}
BINDING: Obj = {"metadata": {"name": "a", "namespace": "b"}, "roleRef": ROLE}


@pytest.mark.parametrize(
    ("resource", "old", "new", "cause"),
    [
        (
            core.PODS,
            pod(),
            pod(nodeName="node2"),
            "spec: Forbidden: pod updates may not change fields other than `spec.containers[*]",
        ),
        (
            core.PODS,
            pod(),
            pod(containers=[container(), container(name="b")]),
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            core.PODS,
            pod(tolerations=[{"operator": "Exists"}]),
            pod(),
            "spec.tolerations: Forbidden: existing toleration can not be modified",
        ),
        (
            apps.DEPLOYMENTS,
            deployment(),
            changed(
                changed(deployment(), "spec", "selector", "matchLabels", to={"x": "y"}),
                *("spec", "template", "metadata", "labels"),
                to={"x": "y"},
            ),
            'spec.selector: Invalid value: {"matchLabels":{"x":"y"}}: field is immutable',
        ),
        (
            core.SERVICES,
            SERVED,
            changed(SERVED, "spec", "clusterIP", to="10.96.0.8"),
            'spec.clusterIPs[0]: Invalid value: "10.96.0.8": may not change once set',
        ),
        (
            core.CONFIGMAPS,
            config(immutable=True, data={"a": "b"}),
            config(immutable=True, data={"a": "c"}),
            "data: Forbidden: field is immutable when `immutable` is set",
        ),
        (
            core.SECRETS,
            SECRET,
            {**SECRET, "type": "other"},
            'type: Invalid value: "other": field is immutable',
        ),
        (
            core.NODES,
            changed(NODE, "spec", "podCIDR", to="10.244.1.0/24"),
            changed(NODE, "spec", "podCIDR", to="10.244.2.0/24"),
            "spec.podCIDRs: Forbidden: node updates may not change podCIDR",
        ),
        (
            core.CONFIGMAPS,
            changed(config(), "metadata", "uid", to="1"),
            changed(config(), "metadata", "uid", to="2"),
            'metadata.uid: Invalid value: "2": field is immutable',
        ),
        (
            rbac.ROLEBINDINGS,
            BINDING,
            {**BINDING, "roleRef": {**ROLE, "name": "b"}},
            "roleRef: Invalid value: ",
        ),
    ],
)
def test_what_may_not_change_is_said(resource: Resource, old: Obj, new: Obj, cause: str) -> None:
    found = causes(resource, new, old)
    assert len(found) == 1
    assert found[0].startswith(cause)


@pytest.mark.parametrize(
    ("resource", "old", "new"),
    [
        (core.PODS, pod(), pod_with(image="nginx:2")),
        (core.PODS, pod(), pod(tolerations=[{"operator": "Exists"}])),
        (core.PODS, pod(), pod(activeDeadlineSeconds=5)),
        (apps.DEPLOYMENTS, deployment(), deployment(replicas=7)),
        (core.NODES, NODE, changed(NODE, "spec", "podCIDR", to="10.244.1.0/24")),
        (core.SERVICES, service(), service(clusterIP="10.96.0.8")),
    ],
)
def test_what_may_change_changes(resource: Resource, old: Obj, new: Obj) -> None:
    # A default that depends on the changed member (imagePullPolicy on the tag) is kept as stored.
    before = set_defaults(resource, old)
    after = set_defaults(resource, new)
    if resource is core.PODS:
        after["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    assert validate(resource, after, before) == []


def test_wrong_types_and_unknown_fields_are_told_apart() -> None:
    obj = pod_with(imagee="nginx", ports=[{"containerPort": "80"}])
    obj["metadata"]["labels"] = {"a": 1}
    obj["spec"]["replicas"] = 2
    assert sorted(causes(core.PODS, obj)) == [
        (
            'metadata.labels[a]: Invalid value: "integer": metadata.labels[a] in body must be of type '
            'string: "integer"'
        ),
        (
            'spec.containers[0].ports[0].containerPort: Invalid value: "string": '
            "spec.containers[0].ports[0].containerPort in body must be of type integer: "
            '"string"'
        ),
    ]
    assert sorted(unknown_fields(core.PODS, obj)) == ["spec.containers[0].imagee", "spec.replicas"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("replicas", 3.0), ("replicas", True), ("replicas", "3"), ("paused", 1), ("template", [])],
)
def test_types_are_as_strict_as_gos(field: str, value: Any) -> None:
    found = validate(apps.DEPLOYMENTS, deployment(**{field: value}))
    assert [cause.reason for cause in found] == ["FieldValueTypeInvalid"]


def test_numbers_and_times_must_fit() -> None:
    assert causes(apps.DEPLOYMENTS, deployment(replicas=2**31)) == [
        "spec.replicas: Invalid value: 2147483648: must fit int32"
    ]
    obj = changed(config(), "metadata", "creationTimestamp", to="yesterday")
    assert causes(core.CONFIGMAPS, obj)[0].startswith("metadata.creationTimestamp: Invalid value")


def test_an_absent_spec_is_required() -> None:
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    found = validate(apps.DEPLOYMENTS, {**obj, "metadata": {"name": "a", "namespace": "b"}})
    assert [str(cause) for cause in found] == ["spec: Required value"]


def paths(value: Any, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    if isinstance(value, dict):
        steps: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    else:
        return [prefix]
    return [prefix] + [path for step, inner in steps for path in paths(inner, (*prefix, step))]


RICH: list[tuple[Resource, Obj]] = [
    *GOOD,
    (
        core.PODS,
        pod(
            initContainers=[container(name="i", restartPolicy="Always")],
            containers=[
                container(
                    ports=[{"containerPort": 80, "hostPort": 1}],
                    env=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}],
                    envFrom=[{"configMapRef": {"name": "a"}}],
                    resources={"limits": {"cpu": 1}, "requests": {"cpu": "1"}},
                    volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "a"}],
                    livenessProbe={"httpGet": {"port": 80}},
                    lifecycle={"preStop": {"exec": {"command": ["a"]}}},
                )
            ],
            volumes=[{"name": "v", "projected": {"sources": [{"configMap": {"name": "a"}}]}}],
            tolerations=[{"key": "a", "operator": "Exists", "effect": "NoExecute"}],
            affinity={
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "podAffinityTerm": {"topologyKey": "a"}}
                    ]
                }
            },
            topologySpreadConstraints=[
                {"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}
            ],
            hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a"]}],
        ),
    ),
    (rbac.ROLEBINDINGS, {**BINDING, "subjects": [{"kind": "ServiceAccount", "name": "a"}]}),
]
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    (
        *(None, True, -1, 0, 3.5, 2**40),
        *("", "x", "-", "1Gi"),
        *([], [None], [{}]),
        *({}, {"a": None}, {"name": "a"}),
    )
)


@settings(max_examples=400)
@given(st.data())
def test_no_object_does_more_harm_than_causes(data: st.DataObject) -> None:
    resource, obj = data.draw(st.sampled_from(RICH))
    broken: Any = copy(obj)
    for _ in range(data.draw(st.integers(1, 3))):
        *parents, last = data.draw(st.sampled_from([path for path in paths(broken) if path]))
        target = broken
        for step in parents:
            target = target[step]
        target[last] = copy({"junk": data.draw(JUNK)})["junk"]
    unknown_fields(resource, broken)
    filled = set_defaults(resource, broken)
    found = validate(resource, filled, set_defaults(resource, obj))
    assert all(cause.message and cause.reason.startswith("FieldValue") for cause in found)
    if not found:
        assert table(resource, [filled])["rows"]
        assert set_defaults(resource, filled) == filled
