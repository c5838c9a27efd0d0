"""Addresses of a podCIDR: never two owners, never the bridge's, and the oldest free one last."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from labctl.node.ipam import AddressPool, AddressTaken, NoFreeAddress

OWNERS = st.integers(0, 9).map(lambda number: f"uid-{number}-0")
CIDR = "10.244.1.0/29"  # five addresses for pods: .2 to .6


class PoolMachine(RuleBasedStateMachine):
    """The pool against a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = AddressPool(CIDR)
        self.model: dict[str, str] = {}

    @rule(owner=OWNERS)
    def take(self, owner: str) -> None:
        if owner not in self.model and len(self.model) == 5:
            with pytest.raises(NoFreeAddress):
                self.pool.take(owner)
            return
        address = self.pool.take(owner)
        assert self.model.setdefault(owner, address) == address

    @rule(owner=OWNERS)
    def release(self, owner: str) -> None:
        self.pool.release(owner)
        self.model.pop(owner, None)

    @rule(owner=OWNERS)
    def replace(self, owner: str) -> None:
        """A dead sandbox's successor, right after it, has another address if there is one."""
        address = self.model.get(owner)
        if address is None or len(self.model) == 5:
            return
        self.release(owner)
        self.take(owner)
        assert self.model[owner] != address

    @rule(owner=OWNERS, last=st.integers(0, 9))
    def reserve(self, owner: str, last: int) -> None:
        address = f"10.244.1.{last}"
        if address in self.model.values() and self.model.get(owner) != address:
            with pytest.raises(AddressTaken):
                self.pool.reserve(address, owner)
            return
        self.pool.reserve(address, owner)
        if 2 <= last <= 6:
            self.model[owner] = address

    @invariant()
    def no_address_has_two_owners(self) -> None:
        assert len(set(self.model.values())) == len(self.model) == len(self.pool)
        for owner, address in self.model.items():
            assert self.pool.owner(address) == owner

    @invariant()
    def reserved_addresses_are_never_given(self) -> None:
        network = IPv4Network(CIDR)
        kept = {str(network[0]), str(network[1]), str(network.broadcast_address)}
        assert not kept & set(self.model.values())


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@given(st.integers(1, 252))
def test_an_address_that_was_given_back_is_the_last_to_be_given_again(count: int) -> None:
    pool = AddressPool("10.244.1.0/24")
    first = pool.take("first")
    pool.release("first")
    later = [pool.take(f"uid-{number}") for number in range(count)]
    assert first not in later
    assert later == sorted(later, key=IPv4Address)


def test_after_a_restart_the_search_goes_on_behind_the_newest() -> None:
    pool = AddressPool("10.244.1.0/24")
    for address in ("10.244.1.7", "10.244.1.30"):
        pool.reserve(address, f"of-{address}")
    assert pool.take("next") == "10.244.1.31"


def test_a_neighbour_of_the_newest_that_dies_after_a_restart_gets_another_address() -> None:
    pool = AddressPool("10.244.1.0/24")
    for address in ("10.244.1.8", "10.244.1.7"):
        pool.reserve(address, f"of-{address}")
    pool.release("of-10.244.1.8")
    assert pool.take("next") == "10.244.1.9"


def test_whoever_dies_together_after_a_restart_has_no_successor_at_its_address() -> None:
    pool = AddressPool("10.244.1.0/24")
    dead = [f"10.244.1.{number}" for number in (16, 17, 12)]  # the newest last
    for address in dead:
        pool.reserve(address, f"of-{address}")
    for address in dead:
        pool.release(f"of-{address}")
    given = [pool.take(str(number)) for number in range(250)]
    assert not set(dead) & set(given)
    assert [pool.take(f"last-{number}") for number in range(3)] == dead


def test_all_253_addresses_of_a_24_can_be_used() -> None:
    pool = AddressPool("10.244.3.0/24")
    given = {pool.take(str(number)) for number in range(253)}
    assert len(given) == 253
    with pytest.raises(NoFreeAddress, match=r"10\.244\.3\.0/24"):
        pool.take("one more")


def test_a_pod_that_is_gone_leaves_nothing_reserved() -> None:
    pool = AddressPool(CIDR)
    pool.take("uid-1-0")
    pool.take("uid-1-1")
    kept = pool.take("uid-12-0")
    pool.release_pod("uid-1")
    assert len(pool) == 1
    assert pool.owner(kept) == "uid-12-0"
