"""What can be done for a pod: one frozen dataclass an action, with its sentence for the log."""

from dataclasses import dataclass

from labctl.cri.messages import Container, Sandbox


@dataclass(frozen=True, slots=True)
class RunSandbox:
    """Takes an address, has pause started, and puts the sandbox on the network."""

    attempt: int

    def describe(self) -> str:
        return f"run sandbox {self.attempt}"


@dataclass(frozen=True, slots=True)
class Attach:
    """Puts a sandbox that runs already on the network."""

    sandbox: Sandbox

    def describe(self) -> str:
        return f"attach sandbox {self.sandbox.id} with {self.sandbox.config.ip}"


@dataclass(frozen=True, slots=True)
class StopSandbox:
    """Takes a sandbox off the network and down, and gives its address back."""

    sandbox: Sandbox

    def describe(self) -> str:
        return f"stop sandbox {self.sandbox.id}"


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    sandbox: Sandbox

    def describe(self) -> str:
        return f"remove sandbox {self.sandbox.id}"


@dataclass(frozen=True, slots=True)
class CreateContainer:
    name: str
    attempt: int
    sandbox: Sandbox

    def describe(self) -> str:
        return f"create container {self.name}, attempt {self.attempt}"


@dataclass(frozen=True, slots=True)
class StartContainer:
    container: Container

    def describe(self) -> str:
        return f"start container {self.container.config.name}"


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Asks a container to end, and makes it end at `deadline` (epoch seconds)."""

    container: Container
    deadline: float
    failed: str = ""
    """The kind of the probe because of which it shall start anew, if that is why."""

    def describe(self) -> str:
        why = f", its {self.failed} probe failed" if self.failed else ""
        return f"stop container {self.container.config.name}{why}"


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    container: Container

    def describe(self) -> str:
        return f"remove container {self.container.id}"


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Tells the API that nothing of the pod is left here, so that the object may go."""

    def describe(self) -> str:
        return "delete the pod's object"


Action = (
    RunSandbox
    | Attach
    | StopSandbox
    | RemoveSandbox
    | CreateContainer
    | StartContainer
    | StopContainer
    | RemoveContainer
    | DeleteObject
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions for now, in order; `again` is in how many seconds time alone brings more to do."""

    actions: tuple[Action, ...] = ()
    again: float | None = None
