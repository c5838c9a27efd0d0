"""Changing a Deployment's size, also in the middle of a rollout or while it is paused.

With several ReplicaSets at work, each gets its share of the difference, so that the risk of a bad
template stays what it was (proportional scaling, sync.go of Kubernetes).
"""

from labctl.controllers.deployment.family import (
    Family,
    Member,
    Scale,
    Wish,
    round_half_away,
    total,
)


def is_scaling_event(wish: Wish, family: Family) -> bool:
    """Whether the size was changed since the ReplicaSets were last told."""
    return any(one.desired is not None and one.desired != wish.replicas for one in family.active)


def scale(wish: Wish, family: Family) -> tuple[Scale, ...]:
    """The sizes that the new total asks for; also those that stay, for their annotations."""
    only = _active_or_latest(family)
    if only is not None:
        return (Scale(only, wish.replicas),)
    if is_saturated(wish, family):
        return tuple(Scale(one, 0) for one in family.active_old)
    return proportional(wish, family) if wish.rolling else ()


def is_saturated(wish: Wish, family: Family) -> bool:
    """Whether the new ReplicaSet alone is all that is wanted, with its pods available."""
    new = family.new
    return new is not None and new.replicas == new.desired == new.available == wish.replicas


def proportional(wish: Wish, family: Family) -> tuple[Scale, ...]:
    allowed = wish.maximum if wish.replicas > 0 else 0
    difference = allowed - total(family.active)
    by_size = _by_size(family.active, growing=difference > 0)
    shares: list[int] = []
    for one in by_size:
        shares.append(share(one, wish, difference, sum(shares)))
    if by_size:
        shares[0] += difference - sum(shares)
    pairs = zip(by_size, shares, strict=True)
    return tuple(Scale(one, max(0, one.replicas + added)) for one, added in pairs)


def share(one: Member, wish: Wish, difference: int, given: int) -> int:
    """How many of `difference` replicas go to (or from) this one, `given` being spoken for."""
    if one.replicas == 0 or difference in (0, given):
        return 0
    wanted = _fraction(one, wish)
    return min(wanted, difference - given) if difference > 0 else max(wanted, difference - given)


def _fraction(one: Member, wish: Wish) -> int:
    if wish.replicas == 0:
        return -one.replicas
    before = one.maximum or wish.maximum
    return round_half_away(one.replicas * wish.maximum / before) - one.replicas


def _by_size(members: tuple[Member, ...], *, growing: bool) -> list[Member]:
    """Bigger first; of equals the newer first when growing, the older when shrinking."""
    sign = -1 if growing else 1
    return sorted(members, key=lambda one: (-one.replicas, sign * one.created))


def _active_or_latest(family: Family) -> Member | None:
    """The only ReplicaSet at work, or the latest when none is; None when there are several."""
    active = family.active
    if len(active) == 1:
        return active[0]
    if active:
        return None
    if family.new is not None:
        return family.new
    return max(family.old, key=lambda one: one.created, default=None)
