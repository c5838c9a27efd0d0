"""What plugins are told, as values."""

import pytest

from labctl.cni.config import (
    Attachment,
    Config,
    Node,
    checks,
    collects,
    environment,
    on_node,
    plugin_config,
    remembers_on_delete,
    tells_status,
)
from tests.cni.plugins import conflist

NODE = Node("10.244.3.0/24", 1450, "/lab/node3")


def plugin(**members: object) -> Config:
    """A plugin's configuration as it is on the node."""
    (found,) = on_node(conflist("x") | {"plugins": [{"type": "own", **members}]}, NODE)["plugins"]
    return dict(found)


@pytest.mark.parametrize(
    ("ipam", "found"),
    [
        ({"subnet": "usePodCidr"}, {"subnet": "10.244.3.0/24"}),
        ({"subnet": "10.1.0.0/16"}, {"subnet": "10.1.0.0/16"}),
        (
            {"ranges": [[{"subnet": "usePodCidr"}], [{"subnet": "10.1.0.0/16", "gateway": "g"}]]},
            {
                "ranges": [
                    [{"subnet": "10.244.3.0/24"}],
                    [{"subnet": "10.1.0.0/16", "gateway": "g"}],
                ]
            },
        ),
        ({"routes": [{"dst": "usePodCidr"}]}, {"routes": [{"dst": "usePodCidr"}]}),
        ({"ranges": "junk"}, {"ranges": "junk"}),
        ({"ranges": ["junk", [7]]}, {"ranges": ["junk", [7]]}),
        (
            {"type": "host-local", "subnet": "usePodCidr"},
            {
                "type": "host-local",
                "subnet": "10.244.3.0/24",
                "dataDir": "/lab/node3/networks",
            },
        ),
        (
            {"type": "host-local", "dataDir": "/mine"},
            {"type": "host-local", "dataDir": "/mine"},
        ),
    ],
)
def test_use_pod_cidr_stands_for_the_nodes_subnet(ipam: Config, found: Config) -> None:
    assert plugin(ipam=ipam)["ipam"] == found


def test_outside_of_an_ipam_block_the_word_is_only_a_word() -> None:
    assert plugin(subnet="usePodCidr") == {"type": "own", "subnet": "usePodCidr"}


def test_the_reference_plugins_make_links_as_large_as_the_backend_lets_them() -> None:
    assert plugin(type="bridge")["mtu"] == 1450
    assert plugin(type="ptp", mtu=1400)["mtu"] == 1400
    assert "mtu" not in plugin(type="own")
    assert plugin(type="tuning")["dataDir"] == "/lab/node3/tuning"


def test_a_list_is_not_changed_by_being_put_on_a_node() -> None:
    before = conflist("bridge") | {
        "plugins": [{"type": "bridge", "ipam": {"subnet": "usePodCidr"}}]
    }
    on_node(before, NODE)
    assert before["plugins"] == [{"type": "bridge", "ipam": {"subnet": "usePodCidr"}}]


def told(capabilities: Config, declared: object) -> Config:
    entry = {"type": "portmap", "capabilities": declared, "cniVersion": "0.1.0"}
    return plugin_config(conflist("portmap"), entry, "1.0.0", capabilities=capabilities)


def test_a_plugin_is_told_name_version_and_the_capabilities_that_it_declares() -> None:
    mappings = [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]
    every = {
        "portMappings": mappings,
        "bandwidth": {"ingressRate": 1000},
        "mac": "02:00:00:00:00:01",
    }
    assert told(every, {"portMappings": True, "bandwidth": False, "aliases": True}) == {
        "type": "portmap",
        "cniVersion": "1.0.0",
        "name": "net",
        "runtimeConfig": {"portMappings": mappings},
    }
    assert "runtimeConfig" not in told({}, {"portMappings": True})
    assert "runtimeConfig" not in told(every, None)


def test_results_and_attachments_stand_where_the_specification_has_them() -> None:
    entry, box = {"type": "a"}, Attachment("box-1", "/netns")
    after = plugin_config(conflist("a"), entry, "1.1.0", previous={"ips": []})
    assert after["prevResult"] == {"ips": []}
    kept = plugin_config(conflist("a"), entry, "1.1.0", valid=[box])
    assert kept["cni.dev/valid-attachments"] == [{"containerID": "box-1", "ifname": "eth0"}]
    assert plugin_config(conflist("a"), entry, "1.1.0", valid=[])["cni.dev/valid-attachments"] == []


def test_the_environment_of_a_call() -> None:
    args = (("IgnoreUnknown", "1"), ("K8S_POD_NAME", "web"))
    box = Attachment("box-1", "/proc/7/ns/net", args=args)
    assert environment("ADD", ("/a", "/b"), box) == {
        "CNI_COMMAND": "ADD",
        "CNI_PATH": "/a:/b",
        "CNI_CONTAINERID": "box-1",
        "CNI_NETNS": "/proc/7/ns/net",
        "CNI_IFNAME": "eth0",
        "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAME=web",
    }
    assert environment("GC", ("/a",)) == {"CNI_COMMAND": "GC", "CNI_PATH": "/a"}


@pytest.mark.parametrize(
    ("version", "may"),
    [
        ("0.3.1", (False, False, False, False)),
        ("0.4.0", (True, True, False, False)),
        ("1.0.0", (True, True, False, False)),
        ("1.1.0", (True, True, True, True)),
    ],
)
def test_each_version_has_its_commands(version: str, may: tuple[bool, ...]) -> None:
    net = conflist("a")
    assert may == (
        remembers_on_delete(version),
        checks(net, version),
        collects(net, version),
        tells_status(version),
    )


def test_check_and_gc_can_be_switched_off() -> None:
    assert not checks(conflist("a", disableCheck=True), "1.1.0")
    assert not checks(conflist("a", disableCheck="true"), "1.1.0")
    assert checks(conflist("a", disableCheck="false"), "1.1.0")
    assert not collects(conflist("a", disableGC=True), "1.1.0")
