"""What the runtime is told of a container: ports, environment, command with `$(VAR)`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api.objects import Obj
from labctl.cri.messages import Port
from labctl.node.pods.container_config import container_config, sandbox_config
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.environment import environment, expand
from tests.node.pods import pod

IP, HOST = "10.244.1.2", "172.30.1.1"
AROUND = Surroundings(IP, HOST, {"cpu": "4", "memory": "1Gi"})


def field(path: str) -> Obj:
    return {"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("$(A)-$(B)", "1-2"),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
    ],
)
def test_references_expand_as_in_kubernetes(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expanded


@given(st.text(alphabet="ab $()"))
def test_without_dollars_nothing_changes_and_nothing_is_defined_twice(text: str) -> None:
    assert expand(text.replace("$", ""), {"a": "b"}) == text.replace("$", "")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web-0"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "0b1c"),
        ("metadata.labels['app']", "web"),
        ("metadata.annotations['absent']", ""),
        ("spec.nodeName", "node1"),
        ("status.podIP", IP),
        ("status.hostIP", HOST),
    ],
)
def test_the_downward_api(path: str, value: str) -> None:
    obj = pod()
    obj["metadata"]["labels"] = {"app": "web"}
    assert environment(obj, {"env": [field(path)]}, AROUND) == {"V": value}


def test_a_value_may_refer_to_those_before_it_only() -> None:
    env = [{"name": "A", "value": "1$(B)"}, {"name": "B", "value": "2$(A)"}]
    assert environment(pod(), {"env": env}, AROUND) == {"A": "1$(B)", "B": "21$(B)"}


def test_a_containers_config() -> None:
    spec = {
        "name": "web",
        "image": "nginx",
        "command": ["serve", "$(PORT)"],
        "args": ["--on=$(ADDRESS)"],
        "env": [{"name": "PORT", "value": "80"}, {**field("status.podIP"), "name": "ADDRESS"}],
        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}],
        "readinessProbe": {"httpGet": {"port": "http"}},
        "livenessProbe": {"tcpSocket": {"port": 8081}},
        "startupProbe": {"exec": {"command": ["true"]}},
    }
    config = container_config("lab", pod(), spec, 2, AROUND)
    assert config.command == ("serve", "80")
    assert config.args == ("--on=10.244.1.2",)
    assert config.env == (("PORT", "80"), ("ADDRESS", IP))
    assert config.ports == (Port(80), Port(53, "UDP"))
    assert config.probe_ports == (80, 8081)
    assert config.log_path == "/var/lib/labctl/lab/pods/default_web-0_0b1c/web/2.log"


def test_a_sandboxs_config() -> None:
    config = sandbox_config(pod(), 1, "node1")
    assert (config.uid, config.attempt, config.hostname) == ("0b1c", 1, "web-0")
    on_host = sandbox_config(pod(hostNetwork=True), 0, "node1")
    assert (on_host.host_network, on_host.hostname) == (True, "node1")
