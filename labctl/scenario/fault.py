"""The verb of a scenario that hurts the lab."""

import msgspec

from labctl.api.fields import FieldError, Path
from labctl.lab.faults import values
from labctl.lab.faults.values import KINDS
from labctl.scenario.verb import Verb, check_patterns


class Fault(Verb, frozen=True, rename="kebab"):
    """One fault, as `labctl fault` makes it: `{cut: node2}`, `{loss: deploy/web, value: 10%}`,
    `{kill-control-plane: true}`, `{clear: true}`; `{list: [cut node2]}` says which are in
    force (regular expressions).
    """

    kill_agent: str = ""
    start_agent: str = ""
    cut: str = ""
    mend: str = ""
    node_down: str = ""
    node_up: str = ""
    kill_control_plane: bool = False
    kill_runtime: bool = False
    loss: str = ""
    rate: str = ""
    delay: str = ""
    value: str | int | float = ""
    in_force: tuple[str, ...] | None = msgspec.field(default=None, name="list")
    clear: bool = False

    def check(self, path: Path) -> None:
        _check_fault(self, path)
        check_patterns(self.in_force or (), (*path, "list"))

    def describe(self) -> str:
        return f"fault {self.verb} {self.target} {self.value}".rstrip()

    @property
    def verb(self) -> str:
        return self.wished[0] if self.wished else ""

    @property
    def target(self) -> str:
        said = getattr(self, self.verb.replace("-", "_"), self.in_force)
        if isinstance(said, tuple):
            return ", ".join(said) or "nothing"
        return said if isinstance(said, str) else ""

    @property
    def wished(self) -> tuple[str, ...]:
        """All that is asked for; it should be one thing."""
        fields = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        return tuple(
            word
            for field, word in fields
            if word != "value" and getattr(self, field) not in ("", False, None)
        )


def _check_fault(fault: Fault, path: Path) -> None:
    known = [word for word in Fault.__struct_encode_fields__ if word != "value"]
    if len(fault.wished) != 1:
        raise FieldError(path, f"one of {', '.join(known)} is required")
    if fault.verb in KINDS:
        if fault.value == "":
            raise FieldError((*path, "value"), "is required")
        values.parse(fault.verb, str(fault.value), (*path, "value"))
    elif fault.value != "":
        raise FieldError((*path, "value"), f"is for {', '.join(KINDS)}")
