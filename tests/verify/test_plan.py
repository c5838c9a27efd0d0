"""Which checks a run has."""

from collections import Counter

import pytest

from labctl.errors import BadInput
from labctl.verify.plan import CLAIMS, PROTOCOLS, checks
from tests.verify.values import A, C, topology


def test_every_ordered_pair_is_checked_over_every_protocol() -> None:
    found = Counter(check.claim for check in checks(topology()))
    pods, nodes, protocols = 3, 3, 3
    assert found == {
        "pod-to-pod": pods * (pods - 1) * protocols,
        "pod-to-node": pods * nodes * protocols,
        "node-to-pod": nodes * pods * protocols,
        "egress": pods * protocols,
        "mtu": 2 * pods * (pods - 1 + nodes + 1) * protocols,
    }


def test_thirty_pods_make_870_pairs() -> None:
    pods = topology().pods * 10
    assert len(checks(topology(*pods), ["pod-to-pod"], ["icmp"])) == 870


def test_no_check_is_planned_twice() -> None:
    planned = checks(topology())
    assert len(set(planned)) == len(planned)


def test_claims_and_protocols_are_chosen_by_their_words() -> None:
    planned = checks(topology(), ["egress", "pod-to-pod"], ["udp"])
    assert {check.claim for check in planned} == {"egress", "pod-to-pod"}
    assert {check.protocol for check in planned} == {"udp"}


def test_both_directions_of_a_pair_stand_together() -> None:
    planned = checks(topology(A, C), ["pod-to-pod"], ["icmp"])
    assert [(check.source, check.destination) for check in planned] == [(A, C), (C, A)]


@pytest.mark.parametrize(("claims", "protocols"), [(["egres"], []), ([], ["sctp"])])
def test_an_unknown_word_is_bad_input(claims: list[str], protocols: list[str]) -> None:
    with pytest.raises(BadInput, match=r"^(claim|protocol): '(egres|sctp)' is none of"):
        checks(topology(), claims, protocols)


def test_a_single_pod_has_no_other_pod_to_reach() -> None:
    assert checks(topology(A), ["pod-to-pod"]) == ()
    assert {check.claim for check in checks(topology(A))} == set(CLAIMS) - {"pod-to-pod"}
    assert {check.protocol for check in checks(topology(A))} == set(PROTOCOLS)
