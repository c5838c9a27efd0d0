"""What a Service keeps and loses when it changes, as values."""

from typing import Any

import pytest

from labctl.api.defaults import set_defaults
from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj
from labctl.api.service_type import needs_node_ports, settled

_ADDRESS = {"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"], "ipFamilies": ["IPv4"]}


def _spec(kind: str, *ports: Obj, **more: Any) -> Obj:
    return {"type": kind, "ports": list(ports), **more}


def test_an_address_that_is_left_out_is_kept() -> None:
    old = _spec("ClusterIP", **_ADDRESS)
    assert settled(_spec("NodePort"), old) == _spec("NodePort", **_ADDRESS)
    moved = _spec("ClusterIP", clusterIP="10.96.0.8")
    assert settled(moved, old) == moved  # for validation to refuse


def test_a_name_of_the_outside_has_no_address_and_no_ports_of_nodes() -> None:
    port = {"port": 80, "nodePort": 30080}
    old = _spec("NodePort", port, externalTrafficPolicy="Cluster", **_ADDRESS)
    new = {**old, "type": "ExternalName", "externalName": "example.com"}
    assert settled(new, old) == {
        "type": "ExternalName",
        "externalName": "example.com",
        "ports": [{"port": 80}],
    }
    asked = {**new, "clusterIP": "10.96.0.9"}
    assert settled(asked, old)["clusterIP"] == "10.96.0.9"


def test_ports_keep_their_number_by_name() -> None:
    old = _spec(
        "NodePort",
        {"name": "a", "port": 80, "nodePort": 30001},
        {"name": "b", "port": 81, "nodePort": 30002},
    )
    new = _spec("NodePort", {"name": "b", "port": 90}, {"name": "c", "port": 80})
    assert settled(new, old)["ports"] == [
        {"name": "b", "port": 90, "nodePort": 30002},
        {"name": "c", "port": 80},
    ]
    taken = _spec(
        "NodePort", {"name": "a", "port": 80}, {"name": "c", "port": 1, "nodePort": 30001}
    )
    assert settled(taken, old)["ports"] == taken["ports"]


def test_back_to_the_cluster_the_ports_of_nodes_go() -> None:
    old = _spec(
        "LoadBalancer",
        {"port": 80, "nodePort": 30001},
        allocateLoadBalancerNodePorts=True,
        externalTrafficPolicy="Cluster",
        **_ADDRESS,
    )
    assert settled({**old, "type": "ClusterIP"}, old) == _spec(
        "ClusterIP", {"port": 80}, **_ADDRESS
    )
    changed = _spec("ClusterIP", {"port": 80, "nodePort": 30002}, **_ADDRESS)
    assert settled(changed, old)["ports"] == changed["ports"]  # for validation to refuse


@pytest.mark.parametrize(
    ("spec", "needs"),
    [
        ({"type": "ClusterIP"}, False),
        ({"type": "NodePort"}, True),
        ({"type": "LoadBalancer"}, True),
        ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}, False),
        ({"type": "ExternalName"}, False),
        ({}, False),
    ],
)
def test_which_types_have_ports_of_nodes(spec: Obj, needs: bool) -> None:
    assert needs_node_ports(spec) is needs


def test_affinity_has_its_time_and_without_it_there_is_none() -> None:
    metadata = {"name": "a", "namespace": "default"}
    service: Obj = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    sticky = {"ports": [{"port": 80}], "sessionAffinity": "ClientIP"}
    spec = set_defaults(SERVICES, {**service, "spec": sticky})["spec"]
    assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    spec = set_defaults(SERVICES, {**service, "spec": {**spec, "sessionAffinity": "None"}})["spec"]
    assert "sessionAffinityConfig" not in spec
