"""The Recreate strategy: the old pods end before the first new one begins."""

from labctl.controllers.deployment.family import Family, Scale, Wish


def stop_old(family: Family) -> tuple[Scale, ...]:
    return tuple(Scale(one, 0) for one in family.active_old)


def start_new(wish: Wish, family: Family) -> tuple[Scale, ...]:
    new = family.new
    if new is None or new.replicas == wish.replicas:
        return ()
    return (Scale(new, wish.replicas),)
