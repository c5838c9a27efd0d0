"""The verbs of a scenario, as values: what each step says, parsed and checked before anything runs.

How a step is carried out stands in perform.py; here is only what it means. Field names are those
of the file.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from labctl.api.fields import FieldError, Path
from labctl.scenario.fault import Fault
from labctl.scenario.verb import Seconds, Verb, check_patterns


class Wait(Verb, frozen=True, rename={"wish": "for"}):
    """Until a condition is True (`for: Available`), a field has a value
    (`for: .status.readyReplicas=3`) or the object is gone (`for: delete`).
    """

    object: str
    wish: str = "Ready"
    seconds: Seconds = 30.0

    def describe(self) -> str:
        return f"wait for {self.wish} of {self.object}"


class Expect(Verb, frozen=True):
    """What `get` shows: how many objects, how many different values, or a field's value."""

    get: str
    labels: str = ""
    path: str = ""
    count: int | None = None
    distinct: int | None = None
    equals: str | int | bool | None = None
    matches: str = ""
    seconds: Seconds = 30.0

    def check(self, path: Path) -> None:
        of_values = {"distinct": self.distinct, "equals": self.equals, "matches": self.matches}
        for field, wished in of_values.items():
            if wished not in (None, "") and not self.path:
                raise FieldError((*path, "path"), f"is required for {field}")
        check_patterns([self.matches], (*path, "matches"))

    def describe(self) -> str:
        wished = [
            f"{word} {value}"
            for word, value in (
                ("count", self.count),
                (f"distinct {self.path}", self.distinct),
                (f"{self.path} =", self.equals),
                (f"{self.path} ~", self.matches or None),
            )
            if value is not None
        ]
        return f"expect of {self.get} {self.labels}: {', '.join(wished)}"


class Patch(Verb, frozen=True):
    """A strategic merge patch, as `kubectl patch` sends it."""

    object: str
    patch: dict[str, Any]

    def describe(self) -> str:
        return f"patch {self.object}"


class Delete(Verb, frozen=True):
    """Deletes an object and waits until it is gone."""

    object: str

    def describe(self) -> str:
        return f"delete {self.object}"


class Ping(Verb, frozen=True, rename={"source": "from", "destination": "to"}):
    """A real ping; all of it answered, or (`answered: false`) none."""

    source: str
    destination: str
    count: Annotated[int, Meta(ge=1, le=65535)] = 3
    answered: bool = True

    def describe(self) -> str:
        return f"ping from {self.source} to {self.destination}"


class Verify(Verb, frozen=True):
    """The claims proved from captured packets; `fails` names those that must not hold."""

    claims: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()

    def check(self, path: Path) -> None:
        from labctl.verify import CLAIMS, PROTOCOLS

        known = {"claims": CLAIMS, "protocols": PROTOCOLS, "fails": CLAIMS}
        for field, words in known.items():
            for at, word in enumerate(getattr(self, field)):
                if word not in words:
                    problem = f"{word!r} is not one of {', '.join(words)}"
                    raise FieldError((*path, field, at), problem)

    def describe(self) -> str:
        what = ", ".join(self.claims) or "all claims"
        return f"verify {what}" + (f"; must fail: {', '.join(self.fails)}" if self.fails else "")


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Event: who wrote it (`by`), why, about what; texts are regular expressions."""

    reason: str
    by: str = ""
    object: str = ""
    message: str = ""


class Events(Verb, frozen=True, rename="kebab"):
    """Events that must have happened, in this order, others between them allowed."""

    in_order: Annotated[tuple[Expected, ...], Meta(min_length=1)]
    seconds: Seconds = 30.0

    def check(self, path: Path) -> None:
        check_patterns((one.message for one in self.in_order), (*path, "in-order"))

    def describe(self) -> str:
        return "events: " + " → ".join(event.reason for event in self.in_order)


class Run(Verb, frozen=True, rename={"where": "in"}):
    """A program of the host in a namespace (node/NAME, a pod, outside); what it prints."""

    where: str
    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    prints: str = ""
    seconds: Seconds = 30.0

    def check(self, path: Path) -> None:
        check_patterns([self.prints], (*path, "prints"))

    def describe(self) -> str:
        return f"in {self.where}: {' '.join(self.command)}"


class Kill(Verb, frozen=True):
    """SIGKILL for a container's program; without a container, for the pause of the pod's sandbox."""

    pod: str
    container: str = ""

    def describe(self) -> str:
        return f"kill {self.container or 'pause'} of {self.pod}"


class Remember(Verb, frozen=True, rename={"title": "as"}):
    """What `labctl ps` shows of a pod now, for a later `compare`."""

    pod: str
    title: str = "before"

    def describe(self) -> str:
        return f"remember {self.pod} as {self.title}"


class Compare(Verb, frozen=True, rename={"before": "with"}):
    """What of that is still the same, and what is another: pause, namespace, address, containers."""

    pod: str
    before: str = "before"
    same: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def describe(self) -> str:
        wished = (("same", self.same), ("changed", self.changed))
        said = "; ".join(f"{word} {', '.join(found)}" for word, found in wished if found)
        return f"compare {self.pod} with {self.before}: {said}"


class Flood(Verb, frozen=True, rename={"source": "from", "destination": "to"}):
    """Pings between two pods without a pause, while the steps of `during` run; none may be lost."""

    source: str
    destination: str
    during: tuple[dict[str, Any], ...]
    lost: Literal[0] = 0

    def describe(self) -> str:
        return f"flood of pings from {self.source} to {self.destination}"


VERBS: dict[str, type[Verb]] = {
    "wait": Wait,
    "expect": Expect,
    "patch": Patch,
    "delete": Delete,
    "ping": Ping,
    "verify": Verify,
    "events": Events,
    "run": Run,
    "fault": Fault,
    "kill": Kill,
    "remember": Remember,
    "compare": Compare,
    "flood": Flood,
}


class Step(msgspec.Struct, frozen=True):
    """A verb, and what it teaches. `during` holds the steps that run while a flood does."""

    verb: Any
    say: str = ""
    during: tuple["Step", ...] = ()

    def describe(self) -> str:
        return str(self.say or self.verb.describe())


def parse_step(step: object, path: Path) -> Step:
    """A step of a scenario file; FieldError (below `path`) when it cannot be read."""
    if not isinstance(step, dict):
        raise FieldError(path, f"a step is a mapping with one of {', '.join(VERBS)}")
    verbs = [word for word in step if word != "say"]
    if len(verbs) != 1 or verbs[0] not in VERBS:
        found = ", ".join(map(str, verbs)) or "none"
        raise FieldError(path, f"a step has one verb of {', '.join(VERBS)}; here: {found}")
    word = verbs[0]
    verb = _convert(step[word], VERBS[word], (*path, word))
    return Step(
        verb=verb,
        say=str(step.get("say", "")).strip(),
        during=_during(verb, (*path, word, "during")),
    )


def _during(verb: Verb, path: Path) -> tuple["Step", ...]:
    inner = verb.during if isinstance(verb, Flood) else ()
    return tuple(parse_step(step, (*path, at)) for at, step in enumerate(inner))


def _convert(fields: object, verb: type[Verb], path: Path) -> Verb:
    try:
        found = msgspec.convert(fields, verb)
    except msgspec.ValidationError as error:
        raise FieldError(path, str(error).replace(" - at `$.", " at `")) from None
    found.check(path)
    return found
