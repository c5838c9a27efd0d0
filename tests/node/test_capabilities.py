"""What CNI plugins are told of a pod."""

import pytest

from labctl.cni.errors import CniError
from labctl.cri.messages import PortMapping, Sandbox, SandboxConfig
from labctl.node.pod_network.capabilities import arguments, capabilities
from labctl.node.pods.container_config import sandbox_config
from tests.node.pods import pod


def config(**annotations: str) -> SandboxConfig:
    named = {key.replace("__", "/").replace("_", "-"): value for key, value in annotations.items()}
    return SandboxConfig("web-0", "default", "0b1c", annotations=named)


def test_plugins_know_the_pod_by_the_names_of_other_runtimes() -> None:
    sandbox = Sandbox("0b1c-2", config(), 7, "/proc/7/ns/net", "ready", 0.0)
    assert arguments(sandbox) == (
        ("IgnoreUnknown", "1"),
        ("K8S_POD_NAMESPACE", "default"),
        ("K8S_POD_NAME", "web-0"),
        ("K8S_POD_INFRA_CONTAINER_ID", "0b1c-2"),
        ("K8S_POD_UID", "0b1c"),
    )


def test_host_ports_are_port_mappings() -> None:
    ports = [
        {"containerPort": 80, "hostPort": 8080, "protocol": "TCP"},
        {"containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "172.30.1.1"},
        {"containerPort": 443},
    ]
    obj = pod()
    obj["spec"]["containers"][0]["ports"] = ports
    made = sandbox_config(obj, 0, "node1")
    assert made.port_mappings == (
        PortMapping(8080, 80),
        PortMapping(53, 53, "UDP", "172.30.1.1"),
    )
    assert capabilities(made)["portMappings"] == [
        {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": ""},
        {"hostPort": 53, "containerPort": 53, "protocol": "udp", "hostIP": "172.30.1.1"},
    ]
    obj["spec"]["hostNetwork"] = True
    assert sandbox_config(obj, 0, "node1").port_mappings == ()


def test_of_a_plain_pod_there_is_nothing_to_say() -> None:
    assert capabilities(config()) == {}


def test_bandwidth_address_and_mac_come_from_annotations() -> None:
    found = capabilities(
        config(
            kubernetes_io__x="",
            **{
                "kubernetes.io/ingress-bandwidth": "10M",
                "kubernetes.io/egress-bandwidth": "1.5M",
                "labctl.io/ips": "10.244.1.50/24, fd00::5/64",
                "labctl.io/mac": "02:00:00:00:00:05",
            },
        )
    )
    burst = 2**31 - 1
    assert found == {
        "bandwidth": {
            "ingressRate": 10_000_000,
            "ingressBurst": burst,
            "egressRate": 1_500_000,
            "egressBurst": burst,
        },
        "ips": ["10.244.1.50/24", "fd00::5/64"],
        "mac": "02:00:00:00:00:05",
    }


@pytest.mark.parametrize(
    ("rate", "said"),
    [("fast", "'fast' is no quantity"), ("10", "10 is not between"), ("2P", "2P is not between")],
)
def test_a_bandwidth_that_is_none_is_told(rate: str, said: str) -> None:
    with pytest.raises(CniError, match=f"^annotation kubernetes.io/egress-bandwidth: {said}"):
        capabilities(config(**{"kubernetes.io/egress-bandwidth": rate}))
