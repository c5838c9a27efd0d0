"""The rolling update, one action a step, so that every state in between keeps its promises:

never more than replicas + maxSurge replicas asked for, and never fewer than replicas -
maxUnavailable available because of a step. Follows rolling.go of Kubernetes.
"""

from labctl.controllers.deployment.family import Family, Member, Scale, Wish, total


def step(wish: Wish, family: Family) -> tuple[Scale, ...]:
    """What to scale next: the new ReplicaSet, else the old ones; nothing when it must wait."""
    if family.new is None:
        return ()
    return scale_new(wish, family, family.new) or scale_old(wish, family, family.new)


def scale_new(wish: Wish, family: Family, new: Member) -> tuple[Scale, ...]:
    size = min(wish.replicas, new_size(wish, family, new.replicas))
    return () if size == new.replicas else (Scale(new, size),)


def new_size(wish: Wish, family: Family, present: int) -> int:
    """How big the new ReplicaSet, of `present` replicas now, may be beside the others."""
    if not wish.rolling or present > wish.replicas:
        return wish.replicas
    others = total(family.old)
    room = max(0, wish.maximum - others - present)
    return present + min(room, wish.replicas - present)


def scale_old(wish: Wish, family: Family, new: Member) -> tuple[Scale, ...]:
    """Takes replicas from old ReplicaSets: unhealthy ones first, then as availability allows."""
    new_unavailable = new.replicas - new.surely_available
    budget = total(family.all) - wish.min_available - new_unavailable
    if budget <= 0 or not family.active_old:
        return ()
    sizes = _without_unhealthy(family.active_old, budget)
    available = sum(one.surely_available for one in family.all)
    sizes = _shrink(family.active_old, sizes, available - wish.min_available)
    return tuple(
        Scale(one, sizes[one.name]) for one in family.active_old if sizes[one.name] != one.replicas
    )


def _without_unhealthy(old: tuple[Member, ...], budget: int) -> dict[str, int]:
    """Sizes after replicas that are not available anyway are taken, oldest ReplicaSet first."""
    sizes = {}
    for one in old:
        taken = min(budget, one.replicas - one.surely_available)
        sizes[one.name] = one.replicas - taken
        budget -= taken
    return sizes


def _shrink(old: tuple[Member, ...], sizes: dict[str, int], budget: int) -> dict[str, int]:
    """Sizes after `budget` more replicas are taken, oldest ReplicaSet first."""
    shrunk = {}
    for one in old:
        taken = max(0, min(budget, sizes[one.name]))
        shrunk[one.name] = sizes[one.name] - taken
        budget -= taken
    return shrunk
