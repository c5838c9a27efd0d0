"""A walk through faults, changes and verifications, drawn from a seed: values, which do nothing.

Rounds come in decks of ten, in an order that is drawn: one in which a pause is killed under who is
connected, one in which a node is lost for good, as far as the others know, one that verifies,
two whose kills nobody's packets notice, and five that mix changes at the API with faults.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from tests.chaos.kills import Victim, bursts
from tests.chaos.population import population
from tests.wounds.table import BOTH, HOST_GW, TABLE, VXLAN, Wound

NODES = 3
PROCESSES = ("runtime", "control-plane", "supervisor")
CHANGES = (
    *("scale", "restart", "template", "delete-pod", "create-deployment", "delete-deployment"),
    *("cordon", "service", "policy"),
)
FAULTS = ("loss", "rate", "wound", "cut", "node-down", "kill", "process")
WOUNDS = {wound.name: wound for wound in TABLE}
_RATES = ("1mbit", "10mbit", "100mbit")
_LOSSES = ("1%", "10%", "50%")
CRASHES = ("kill", "process")
_DECK = ("open", "lose", "verify", *("crash",) * 2, *("mixed",) * 5)
_OPEN = [f"several-node{number}" for number in range(1, NODES + 1)]
_NODE_OF = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in population(NODES)}


@dataclass(frozen=True)
class Step:
    """What is done, to what, how much; `victim` of a kill of programs, pauses and agents."""

    kind: str
    subject: str = ""
    value: str = ""
    victim: Victim | None = None

    def __str__(self) -> str:
        words = (self.kind, self.subject or str(self.victim or ""), self.value)
        return " ".join(filter(None, words))


Round = tuple[Step, ...]  # steps that meet, in the order in which they are taken


def backend(seed: int) -> str:
    """They take turns."""
    return BOTH[seed % len(BOTH)]


def walk(seed: int, length: int) -> list[Round]:
    """So many rounds, a function of its arguments alone; order is waited for after each."""
    return list(islice(_Drawing(seed).rounds(), length))


def _is_of(wound: Wound, network: str) -> bool:
    """Those of the fabric and of pins are to be had with either, and are marked as of one."""
    return network == VXLAN or HOST_GW in wound.backends


class _Drawing:
    """What was drawn before counts: a node that is cordoned can be uncordoned."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._wounds = sorted(one.name for one in TABLE if _is_of(one, backend(seed)))
        self._cordoned: set[str] = set()

    def rounds(self) -> Iterator[Round]:
        while True:
            for kind in self._random.sample(_DECK, len(_DECK)):
                yield self._round(kind)

    def _round(self, kind: str) -> Round:
        if kind in ("mixed", "crash"):
            return self._mixed(FAULTS if kind == "mixed" else CRASHES)
        subject = {"open": self._random.choice(_OPEN), "lose": self._node(), "verify": "the lab"}
        return (Step(kind, subject[kind]),)

    def _mixed(self, kinds: tuple[str, ...]) -> Round:
        """What asks the API comes before what takes it away."""
        changes = self._random.sample(CHANGES, self._random.choice((0, 1, 1, 2, 2, 3)))
        steps = [self._change(kind) for kind in changes]
        faults = self._random.sample(kinds, self._random.randint(1, min(3, len(kinds))))
        for kind in sorted(faults, key=FAULTS.index):
            steps += self._faults(kind, steps)
        return tuple(steps)

    def _change(self, kind: str) -> Step:
        subjects: dict[str, Callable[[], str]] = {
            "scale": lambda: str(self._random.randint(1, 5)),
            "template": lambda: str(self._random.randint(1, 3)),
            "service": lambda: str(self._random.randint(8000, 8002)),
            "policy": lambda: self._random.choice(("web", "spare", "nobody")),
        }
        if kind == "cordon":
            return self._cordon()
        return Step(kind, subjects[kind]() if kind in subjects else "")

    def _cordon(self) -> Step:
        """One node at least can be scheduled to at any time, or order would never come."""
        node = self._node()
        if len(self._cordoned | {node}) == NODES:
            node = self._random.choice(sorted(self._cordoned))
        self._cordoned ^= {node}
        return Step("cordon" if node in self._cordoned else "uncordon", node)

    def _faults(self, kind: str, steps: list[Step]) -> list[Step]:
        """Of one kind, beside these steps."""
        if kind == "kill":
            dead = {step.subject for step in steps if step.kind == "node-down"}
            return [
                Step("kill", victim=one) for one in self._victims() if _node_of(one) not in dead
            ]
        subjects: dict[str, Callable[[], str]] = {
            "wound": lambda: self._random.choice(self._wounds),
            "loss": self._cable,
            "rate": self._cable,
            "cut": lambda: self._random.choice((self._node(), self._node(), "control-plane")),
            "node-down": self._node,
            "process": lambda: self._random.choice(PROCESSES),
        }
        values = {"loss": _LOSSES, "rate": _RATES}.get(kind, ("",))
        return [Step(kind, subjects[kind](), self._random.choice(values))]

    def _victims(self) -> list[Victim]:
        seed, most = self._random.randrange(2**32), self._random.randint(1, 3)
        (burst, *_) = bursts(seed, population(NODES), NODES, most)
        return burst

    def _cable(self) -> str:
        """A node's or a pod's."""
        node = self._node()
        return self._random.choice((node, f"stand-in-{node}"))

    def _node(self) -> str:
        return f"node{self._random.randint(1, NODES)}"


def _node_of(victim: Victim) -> str:
    return victim.node or _NODE_OF[victim.pod]
