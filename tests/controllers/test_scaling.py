"""Changing a Deployment's size: proportional shares, and when that is needed at all."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labctl.controllers.deployment.family import Family, Member, Wish
from labctl.controllers.deployment.scaling import is_saturated, is_scaling_event, scale
from labctl.controllers.share import share


def _sizes(wish: Wish, family: Family) -> dict[str, int]:
    return {one.member.name: one.replicas for one in scale(wish, family)}


def _members(*sizes: int, maximum: int) -> tuple[Member, ...]:
    return tuple(
        Member(f"rs-{rank}", size, created=rank, maximum=maximum) for rank, size in enumerate(sizes)
    )


@pytest.mark.parametrize(
    ("sizes", "before", "replicas", "expected"),
    [
        # Without surge; what rounding leaves over goes to the largest.
        ((5, 5), 10, 12, {"rs-0": 6, "rs-1": 6}),
        ((5, 5), 10, 6, {"rs-0": 3, "rs-1": 3}),
        ((5, 3, 2), 10, 20, {"rs-0": 10, "rs-1": 6, "rs-2": 4}),
        ((1, 8, 1), 10, 5, {"rs-0": 1, "rs-1": 3, "rs-2": 1}),
        ((5, 5), 10, 0, {"rs-0": 0, "rs-1": 0}),
        ((6, 5), 11, 1000, {"rs-0": 545, "rs-1": 455}),
    ],
)
def test_each_replicaset_gets_its_share(
    sizes: tuple[int, ...], before: int, replicas: int, expected: dict[str, int]
) -> None:
    *old, new = _members(*sizes, maximum=before)
    assert _sizes(Wish(replicas, 0, 1), Family(new, tuple(old))) == expected


@given(
    st.lists(st.integers(1, 50), min_size=2, max_size=5),
    st.integers(0, 100),
    st.integers(0, 10),
)
@example([1, 1, 1, 1], 1, 1)
def test_shares_add_up_to_what_is_allowed(sizes: list[int], replicas: int, surge: int) -> None:
    """Unless the largest, which has what rounding leaves over, has no more to give (sync.go too)."""
    *old, new = _members(*sizes, maximum=sum(sizes))
    wish = Wish(replicas, surge, 1)
    allowed = wish.maximum if replicas else 0
    after = _sizes(wish, Family(new, tuple(old)))
    assert sum(after.values()) == allowed or (
        sum(after.values()) > allowed and min(after.values()) == 0
    )


def test_a_single_replicaset_gets_all() -> None:
    assert _sizes(Wish(7, 2, 0), Family(Member("only", 3), ())) == {"only": 7}


def test_with_none_at_work_the_latest_is_scaled() -> None:
    old = (Member("a", 0, created=0), Member("b", 0, created=1))
    assert _sizes(Wish(2, 1, 0), Family(None, old)) == {"b": 2}


def test_old_replicasets_end_when_the_new_one_has_all() -> None:
    new = Member("new", 3, created=1, available=3, desired=3)
    family = Family(new, (Member("old", 2, created=0),))
    assert is_saturated(Wish(3, 1, 0), family)
    assert _sizes(Wish(3, 1, 0), family) == {"old": 0}


def test_a_changed_size_is_a_scaling_event() -> None:
    family = Family(Member("new", 3, desired=3), (Member("old", 0, desired=9),))
    assert is_scaling_event(Wish(4, 1, 0), family)
    assert not is_scaling_event(Wish(3, 1, 0), family)


@pytest.mark.parametrize(
    ("value", "total", "surge", "unavailable"),
    [("25%", 3, 1, 0), ("25%", 4, 1, 1), ("30%", 10, 3, 3), ("100%", 5, 5, 5), (2, 9, 2, 2)],
)
def test_percentages_round_up_for_surge_and_down_for_unavailability(
    value: int | str, total: int, surge: int, unavailable: int
) -> None:
    assert share(value, total, up=True) == surge
    assert share(value, total, up=False) == unavailable
