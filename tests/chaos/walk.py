"""A walk through faults, changes and verifications, drawn from a seed: values, which do nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.chaos.kills import Victim, bursts
from tests.chaos.population import population
from tests.wounds.table import HOST_GW, TABLE

NODES = 3
PROCESSES = ("runtime", "control-plane", "supervisor")
CHANGES = (
    *("scale", "restart", "template", "delete-pod", "create-deployment", "delete-deployment"),
    *("cordon", "uncordon"),
)
WOUNDS = {wound.name: wound for wound in TABLE if HOST_GW in wound.backends}
_OPEN = [f"several-node{number}" for number in range(1, NODES + 1)]


@dataclass(frozen=True)
class Step:
    """What is done, and to what; `victim` of a kill of programs, pauses and agents."""

    kind: str
    subject: str = ""
    victim: Victim = field(default_factory=Victim)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject or self.victim}"


Round = tuple[Step, ...]  # steps that meet, in the order in which they are taken


def walk(seed: int, length: int) -> list[Round]:
    """So many rounds, a function of its arguments alone; order is waited for after each."""
    random = Random(seed)
    return [_round(random) for _ in range(length)]


def _round(random: Random) -> Round:
    if random.random() < 0.15:
        return (random.choice((Step("verify", "the lab"), Step("open", random.choice(_OPEN)))),)
    kinds = random.sample(sorted(_DRAWN, key=_ORDER.index), random.randint(1, 3))
    return tuple(step for kind in sorted(kinds, key=_ORDER.index) for step in _DRAWN[kind](random))


def _kills(random: Random) -> list[Step]:
    (burst, *_) = bursts(random.randrange(2**32), population(NODES), NODES, random.randint(1, 3))
    return [Step("kill", "", victim) for victim in burst]


def _process(random: Random) -> list[Step]:
    return [Step("process", random.choice(PROCESSES))]


def _change(random: Random) -> list[Step]:
    kind = random.choice(CHANGES)
    subject = str(random.randint(1, 5)) if kind == "scale" else _node(random)
    return [Step(kind, subject)]


def _wound(random: Random) -> list[Step]:
    return [Step("wound", random.choice(sorted(WOUNDS)))]


def _cut(random: Random) -> list[Step]:
    return [Step("cut", _node(random))]


def _loss(random: Random) -> list[Step]:
    return [Step("loss", _node(random))]


def _node(random: Random) -> str:
    return f"node{random.randint(1, NODES)}"


# What asks the API comes before what takes it away.
_ORDER = ("change", "wound", "loss", "cut", "kills", "process")
_DRAWN: dict[str, Callable[[Random], list[Step]]] = {
    "change": _change,
    "wound": _wound,
    "loss": _loss,
    "cut": _cut,
    "kills": _kills,
    "process": _process,
}
