"""Who has an address: from the API, from the namespaces, from the wire."""

from ipaddress import IPv4Network

from labctl.verify.addresses import compare_held, judge_answers, leads_to
from labctl.verify.interface import Way
from labctl.verify.topology import pod_endpoint
from tests.verify.values import NODE1, A, B, C

MAC_A, MAC_B = b"\x02\0\0\0\0\x0a", b"\x02\0\0\0\0\x0b"
LABELS = {MAC_A: "default/a", MAC_B: "default/b"}


def test_everyone_with_their_own_address_is_no_finding() -> None:
    held = {A: {A.ip}, B: {B.ip}, C: {C.ip}, NODE1: {NODE1.ip, "10.244.1.1"}}
    assert compare_held([A, B, C], held) == {}


def test_an_address_in_two_namespaces_names_both() -> None:
    held = {A: {A.ip}, B: {B.ip, A.ip}, C: {C.ip}}
    assert compare_held([A, B, C], held) == {
        A.ip: "wrong peer: 10.244.1.2 belongs to more than one: default/a, default/b"
    }


def test_a_node_that_holds_a_pods_address_is_found_too() -> None:
    assert A.ip in compare_held([A], {A: {A.ip}, NODE1: {NODE1.ip, A.ip}})


def test_a_pod_without_its_address_is_told_with_what_it_has() -> None:
    assert compare_held([A], {A: {"10.244.1.9"}}) == {
        A.ip: "wrong peer: default/a does not have 10.244.1.2 (it has 10.244.1.9)"
    }


def test_a_pod_whose_namespace_is_gone_is_not_judged_by_its_addresses() -> None:
    assert compare_held([A, B], {B: {B.ip}}) == {}


def test_a_pod_of_the_same_name_in_another_namespace_is_another() -> None:
    other = pod_endpoint("paper", "other", "a", "node1", "10.244.1.4", "uid-other")
    assert compare_held([A, other], {A: {A.ip}, other: {other.ip}}) == {}
    assert other != A


def test_one_answer_from_the_pods_own_interface_or_none_is_no_finding() -> None:
    assert judge_answers(A, MAC_A, {MAC_A}, LABELS) == ""
    assert judge_answers(A, MAC_A, set(), LABELS) == ""


def test_two_answers_or_a_strangers_are_told_with_their_macs() -> None:
    assert judge_answers(A, MAC_A, {MAC_A, MAC_B}, LABELS) == (
        "wrong peer: ARP for 10.244.1.2 of default/a is answered by "
        "02:00:00:00:00:0a (default/a) and by 02:00:00:00:00:0b (default/b)"
    )
    assert "(unknown)" in judge_answers(A, MAC_A, {b"\x02\0\0\0\0\x0c"}, LABELS)


def test_a_pod_is_asked_where_the_nodes_route_leads_to_it() -> None:
    ways = [
        Way("veth1", IPv4Network("10.244.1.2/32")),
        Way("cni0", IPv4Network("10.244.1.0/24")),
    ]
    assert leads_to("10.244.1.2", ways) == "veth1"
    assert leads_to("10.244.1.3", ways) == "cni0"
    assert leads_to("10.244.2.3", ways) == ""
