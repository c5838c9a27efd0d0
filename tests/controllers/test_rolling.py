"""The rolling update keeps its promises in every state on the way, and arrives."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from labctl.controllers.deployment import rolling
from labctl.controllers.deployment.family import Family, Member, Wish


@dataclass
class Replica:
    """A ReplicaSet in a small model of the world: its spec, its pods, what it last reported."""

    name: str
    created: int
    replicas: int = 0
    pods: int = 0
    ready: int = 0
    reported: tuple[int, int] = (0, 0)

    def act(self) -> None:
        """The ReplicaSet controller: unready pods go first."""
        self.pods = self.replicas
        self.ready = min(self.ready, self.pods)

    def become_ready(self) -> None:
        self.ready = min(self.ready + 1, self.pods)

    def report(self) -> None:
        self.reported = (self.pods, self.ready)

    def member(self) -> Member:
        actual, available = self.reported
        return Member(self.name, self.replicas, self.created, actual, available, available)


@dataclass
class World:
    wish: Wish
    sets: list[Replica] = field(default_factory=list)

    def sync(self) -> None:
        *old, new = (one.member() for one in self.sets)
        by_name = {one.name: one for one in self.sets}
        for scale in rolling.step(self.wish, Family(new, tuple(old))):
            by_name[scale.member.name].replicas = scale.replicas

    def settle(self) -> None:
        for one in self.sets:
            one.act()
            one.become_ready()
            one.report()

    @property
    def asked_for(self) -> int:
        return sum(one.replicas for one in self.sets)

    @property
    def ready(self) -> int:
        return sum(min(one.ready, one.replicas) for one in self.sets)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A Deployment whose replicas all run old templates, and one empty new ReplicaSet."""
    replicas = draw(st.integers(1, 20))
    surge = draw(st.integers(0, replicas))
    unavailable = draw(st.integers(0 if surge else 1, replicas))
    first = draw(st.integers(0, replicas))
    world = World(Wish(replicas, surge, unavailable))
    for rank, size in enumerate((first, replicas - first, 0)):
        one = Replica(f"rs-{rank}", rank, size, size, size)
        one.report()
        world.sets.append(one)
    return world


@given(worlds(), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=120))
def test_every_step_keeps_within_surge_and_unavailability(
    world: World, happenings: list[tuple[int, int]]
) -> None:
    """In whatever order controllers act, pods become ready and statuses arrive."""
    for what, which in happenings:
        one = world.sets[which]
        if what == 0:
            world.sync()
        elif what == 1:
            one.act()
        elif what == 2:
            one.become_ready()
        else:
            one.report()
        assert world.asked_for <= world.wish.maximum
        assert world.ready >= world.wish.min_available


@given(worlds())
def test_a_rollout_whose_pods_become_ready_arrives(world: World) -> None:
    for _ in range(200):
        world.sync()
        world.settle()
    sizes = [one.replicas for one in world.sets]
    assert sizes == [0, 0, world.wish.replicas]


def test_a_rollout_whose_pods_never_become_ready_stops_at_its_bounds() -> None:
    world = World(Wish(4, 1, 1), [Replica("old", 0, 4, 4, 4), Replica("new", 1)])
    world.sets[0].report()
    for _ in range(20):
        world.sync()
        for one in world.sets:
            one.act()
            one.report()
    assert [one.replicas for one in world.sets] == [3, 2]
    assert world.ready == 3


def test_unhealthy_old_replicas_go_before_healthy_ones() -> None:
    sick = Member("sick", 2, created=1, actual=2, available=0)
    well = Member("well", 3, created=0, actual=3, available=3)
    new = Member("new", 1, created=2, actual=1, available=1)
    steps = rolling.scale_old(Wish(4, 2, 1), Family(new, (sick, well)), new)
    assert [(step.member.name, step.replicas) for step in steps] == [("well", 2), ("sick", 0)]
