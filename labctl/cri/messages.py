"""The nouns of the container runtime interface, and one request per verb.

Values only: they travel as JSON objects with the field names below (msgspec), and an unknown field
is skipped, so that an older agent understands a newer runtime. A request's class name is its
method on the wire. Times are seconds since the epoch, 0 where it did not happen yet.
"""

from dataclasses import dataclass, field
from typing import Literal

Protocol = Literal["TCP", "UDP", "SCTP"]
SandboxState = Literal["ready", "notready"]
ContainerState = Literal["created", "running", "exited"]
EventKind = Literal["container-started", "container-exited", "sandbox-died"]


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """A pod as the runtime needs to know it. `attempt` counts the pod's sandboxes from 0.

    `ip` is the address that the agent will give to it (empty with `host_network`, where the
    namespace is the node's own); `node` is the agent's node, by which sandboxes are listed.
    """

    name: str
    namespace: str
    uid: str
    attempt: int = 0
    node: str = ""
    hostname: str = ""
    ip: str = ""
    host_network: bool = False
    annotations: dict[str, str] = field(default_factory=dict)
    name_servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A pause process and the namespaces that it holds; "notready" once pause is dead."""

    id: str
    config: SandboxConfig
    pid: int
    netns: str  # /proc/PID/ns/net of pause, good for setns while the sandbox is ready
    state: SandboxState
    created_at: float


@dataclass(frozen=True, slots=True)
class Port:
    number: int
    protocol: Protocol = "TCP"


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """A container of a pod. `command` and `args` are already expanded, `env` is complete.

    `ports` and `probe_ports` (TCP) are what a stand-in listens on. `attempt` counts this
    container's starts from 0. `log_path` is absolute; its directory is made if it is missing.
    """

    name: str
    image: str = ""
    attempt: int = 0
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[tuple[str, str], ...] = ()
    ports: tuple[Port, ...] = ()
    probe_ports: tuple[int, ...] = ()
    log_path: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container and what is known of it.

    `stand_in` with `stand_in_reason`: a sentence that says why no program runs. `pid` is the
    program's (0 for a stand-in, and when it does not run). Once exited, `reason` is Kubernetes'
    word: Completed, Error, or ContainerStatusUnknown (137) where nobody saw the end; `exit_code`
    is 128 + `signal` for one that a signal ended, and `message` tells more where there is more.
    """

    id: str
    sandbox_id: str
    config: ContainerConfig
    state: ContainerState
    stand_in: bool = False
    stand_in_reason: str = ""
    pid: int = 0
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """Something happened to a sandbox of `node`; `container` as it is now, None for "sandbox-died"."""

    kind: EventKind
    node: str
    sandbox_id: str
    container: Container | None = None


@dataclass(frozen=True, slots=True)
class RuntimeStatus:
    pid: int
    sandboxes: int
    containers: int
    version: str


# One request per verb.


@dataclass(frozen=True, slots=True)
class Status:
    pass


@dataclass(frozen=True, slots=True)
class RunPodSandbox:
    config: SandboxConfig


@dataclass(frozen=True, slots=True)
class StopPodSandbox:
    id: str


@dataclass(frozen=True, slots=True)
class RemovePodSandbox:
    id: str


@dataclass(frozen=True, slots=True)
class ListPodSandboxes:
    node: str = ""  # empty: of every node


@dataclass(frozen=True, slots=True)
class CreateContainer:
    sandbox_id: str
    config: ContainerConfig


@dataclass(frozen=True, slots=True)
class StartContainer:
    id: str


@dataclass(frozen=True, slots=True)
class StopContainer:
    id: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    id: str


@dataclass(frozen=True, slots=True)
class ListContainers:
    node: str = ""


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    id: str


@dataclass(frozen=True, slots=True)
class ContainerEvents:
    node: str = ""


@dataclass(frozen=True, slots=True)
class TerminalSize:
    rows: int = 24
    columns: int = 80


@dataclass(frozen=True, slots=True)
class Exec:
    """Sent on a connection of its own, with descriptors 0, 1, 2 as SCM_RIGHTS unless `terminal`."""

    container_id: str
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    terminal: TerminalSize | None = None


@dataclass(frozen=True, slots=True)
class ExecStarted:
    """First answer of an exec; a terminal's master comes with it as SCM_RIGHTS."""

    pid: int


@dataclass(frozen=True, slots=True)
class ExecExited:
    """Second and last answer of an exec."""

    exit_code: int
