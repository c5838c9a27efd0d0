"""What `up` was asked for, and what is stored: what the lab shall be."""

import re
from dataclasses import replace

import pytest

from labctl.api.lab import (
    CniSpec,
    LabSpec,
    NodeSpec,
    StoreSpec,
    default_lab,
    lab_object,
    numbered_nodes,
)
from labctl.errors import BadInput
from labctl.lab.wish import Wish, resolve

STORED = replace(default_lab("demo"), network=replace(default_lab("demo").network, backend="vxlan"))


def test_a_new_lab_has_three_nodes_and_host_gw() -> None:
    spec = resolve(Wish("demo"), None)
    assert spec.node_names == ("node1", "node2", "node3")
    assert spec.network.backend == "host-gw"


def test_what_is_not_said_stays_as_it_is() -> None:
    assert resolve(Wish("demo"), STORED) == STORED
    assert resolve(Wish("demo", nodes=5), STORED).network.backend == "vxlan"


def test_a_flag_wins_over_the_file() -> None:
    spec = resolve(Wish("demo", document=lab_object(STORED), nodes=2, backend="host-gw"), None)
    assert spec.node_names == ("node1", "node2")
    assert spec.network.backend == "host-gw"


def test_the_name_wins_over_the_files() -> None:
    assert resolve(Wish("other", document=lab_object(STORED)), None).name == "other"


def test_named_nodes_are_kept_when_more_are_asked_for() -> None:
    named = replace(STORED, nodes=(NodeSpec("a", (("disk", "ssd"),)), NodeSpec("b")))
    assert resolve(Wish("demo", nodes=3), named).node_names == ("a", "b", "node3")
    assert resolve(Wish("demo", nodes=1), named).nodes == named.nodes[:1]


def test_a_store_is_chosen_once() -> None:
    assert resolve(Wish("demo"), None).store == StoreSpec()
    other = resolve(Wish("demo", store="etcd"), None)
    assert other.store == StoreSpec("etcd")
    assert resolve(Wish("demo", store="etcd"), other) == other
    for word, before in (("etcd", "sqlite"), ("etcd=http://a:1", "etcd"), ("sqlite", "etcd")):
        stored = resolve(Wish("demo", store=before), None)
        with pytest.raises(BadInput, match=f"^spec.store: {before} cannot become") as refused:
            resolve(Wish("demo", store=word), stored)
        assert refused.value.hint == "take it down first: labctl down --lab demo"


def changed(**network: object) -> LabSpec:
    return replace(STORED, network=replace(STORED.network, **network))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (changed(pod_cidr="10.32.0.0/16"), "spec.network.podCIDR"),
        (changed(service_cidr="10.97.0.0/16"), "spec.network.serviceCIDR"),
        (changed(mtu=1400), "spec.network.mtu"),
        (replace(STORED, nodes=(NodeSpec("node1"), NodeSpec("node3"))), "spec.nodes[1]"),
    ],
)
def test_what_cannot_change_is_refused_with_its_field(spec: LabSpec, field: str) -> None:
    with pytest.raises(BadInput, match=f"^{re.escape(field)}: ") as refused:
        resolve(Wish("demo", document=lab_object(spec)), STORED)
    assert refused.value.hint == "take it down first: labctl down --lab demo"


CNI = CniSpec({"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "own"}]})


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (changed(cni=CNI), changed(cni=None), "spec.network.cni"),
        (changed(cni=None), changed(cni=CNI), "spec.network.cni"),
        (changed(cni=CNI), changed(cni=replace(CNI, bin_dir="/x")), "spec.network.cni"),
        (changed(cni=CNI), changed(cni=CNI, backend="host-gw"), "spec.network.backend"),
    ],
)
def test_what_plugins_made_is_not_changed_under_them(
    before: LabSpec, after: LabSpec, field: str
) -> None:
    with pytest.raises(BadInput, match=f"^{re.escape(field)}: "):
        resolve(Wish("demo", document=lab_object(after)), before)
    assert resolve(Wish("demo", nodes=5), before).network == before.network


@pytest.mark.parametrize("count", [0, -1, 251, 5000])
def test_a_number_of_nodes_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(BadInput, match=r"^spec\.nodes: "):
        resolve(Wish("demo", nodes=count), None)


def test_nodes_come_and_go_at_the_end() -> None:
    more = replace(STORED, nodes=numbered_nodes(7))
    assert resolve(Wish("demo", document=lab_object(more)), STORED) == more
