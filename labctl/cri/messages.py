"""The nouns of the container runtime interface, and one request per verb.

Values only: they travel as JSON objects with the field names below (msgspec), and an unknown field
is skipped, so that an older agent understands a newer runtime. A request's class name is its
method on the wire. Times are seconds since the epoch, 0 where it did not happen yet.
They are Structs of msgspec and not dataclasses, which take twenty times as long to be made or
replaced; and what has its default is not sent, which is most of a container.
"""

from signal import SIGTERM
from typing import Literal

from msgspec import Struct, field

from labctl.cgroups.limits import Limits

Protocol = Literal["TCP", "UDP", "SCTP"]
SandboxState = Literal["ready", "notready"]
ContainerState = Literal["created", "running", "exited"]
EventKind = Literal[
    "container-changed", "container-exited", "sandbox-died", "pin-mended", "images-changed"
]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]


_NO_LIMITS = Limits()


class PortMapping(Struct, frozen=True, omit_defaults=True):
    """A port of the node that leads to a port of the pod; no `host_ip` means every address."""

    host_port: int
    container_port: int
    protocol: Protocol = "TCP"
    host_ip: str = ""


class SandboxConfig(Struct, frozen=True, omit_defaults=True):
    """A pod as the runtime needs to know it. `attempt` counts the pod's sandboxes from 0.

    `ip` is the address that the agent will give to it (empty with `host_network`, where the
    namespace is the node's own, and where it shows only once the sandbox is on the network:
    UpdatePodSandbox); `node` is the agent's node, by which sandboxes are listed.
    With `shared_processes` all containers have one pid namespace, pause's. `limits` are those of
    all containers together, `settings` the sysctls of its namespaces. `domain` completes the host
    name in /etc/hosts, `aliases` are addresses and names to stand there too; the rest is what is
    to stand in /etc/resolv.conf. `handler` is what runs the programs of its images: crun, or "" for
    this runtime itself.
    """

    name: str
    namespace: str
    uid: str
    attempt: int = 0
    node: str = ""
    hostname: str = ""
    ip: str = ""
    host_network: bool = False
    shared_processes: bool = False
    annotations: dict[str, str] = field(default_factory=dict)
    limits: Limits = _NO_LIMITS
    settings: tuple[tuple[str, str], ...] = ()
    domain: str = ""
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name_servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    port_mappings: tuple[PortMapping, ...] = ()
    resolver_options: tuple[str, ...] = ()
    handler: str = ""


class Sandbox(Struct, frozen=True, omit_defaults=True):
    """A pause process and the namespaces that it holds; "notready" once pause is dead."""

    id: str
    config: SandboxConfig
    pid: int
    netns: str  # /proc/PID/ns/net of pause, good for setns while the sandbox is ready
    state: SandboxState
    created_at: float


class Port(Struct, frozen=True):
    number: int
    protocol: Protocol = "TCP"


class Mount(Struct, frozen=True):
    """A directory or file of the machine that a container sees at `target`."""

    source: str
    target: str
    read_only: bool = False


class Security(Struct, frozen=True):
    """As whom a program runs and what it may do, as a pod's securityContexts say.

    Without `user` it is root; `non_root` refuses that. `add` and `drop` are capabilities, ALL for
    all. Without `escalation` nothing that it executes may do more than it. `oom_score` says how
    willingly the kernel ends it when memory is short.
    """

    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] = ()
    non_root: bool = False
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    privileged: bool = False
    escalation: bool = True
    read_only_root: bool = False
    oom_score: int = 0


_NO_SECURITY = Security()


class ContainerConfig(Struct, frozen=True, omit_defaults=True):
    """A container of a pod. `command` and `args` are already expanded, `env` is complete.

    `ports` and `probe_ports` (TCP) are what a stand-in listens on. `attempt` counts this
    container's starts from 0. `log_path` is absolute; its directory is made if it is missing.
    Without `stdin` a program finds its input at the end; with `stdin_once` it ends with the first
    who attached to it; `tty` gives it a terminal. With `target`, the name of another container,
    it has that one's pid namespace; one that `needs_program` has no stand-in. What it writes into the file `message_path` is told of it when
    it has ended; if that is nothing and it failed, the end of its log with `message_from_log`.

    An image that is not there is replaced by a program of the machine or a stand-in, unless
    `only_images` says or `pull_policy` is Never. One that is there makes the runtime complete the
    config: what the image says stands where the pod says nothing, and `layers` are the
    directories of its root, the topmost first.
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
    mounts: tuple[Mount, ...] = ()
    log_path: str = ""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    limits: Limits = _NO_LIMITS
    security: Security = _NO_SECURITY
    target: str = ""
    needs_program: bool = False
    message_path: str = ""
    message_from_log: bool = False
    pull_policy: PullPolicy = "IfNotPresent"
    only_images: bool = False
    layers: tuple[str, ...] = ()
    stop_signal: int = SIGTERM


class LoadedImage(Struct, frozen=True):
    """The image that a container is made of: `name` in full, `reference` with its digest."""

    id: str
    name: str
    reference: str


class Container(Struct, frozen=True, omit_defaults=True):
    """A container and what is known of it.

    `stand_in` with `stand_in_reason`: a sentence that says why no program runs. `pid` is the
    program's (0 for a stand-in, and when it does not run). Once exited, `reason` is Kubernetes'
    word: Completed, Error, OOMKilled, StartError (128) where its program could not be executed, or
    ContainerStatusUnknown (137) where nobody saw the end; `exit_code` is 128 + `signal` for one
    that a signal ended, and `message` tells more where there is more. `notes` are sentences on what
    of the wishes for it could not be fulfilled, `log_error` says why its log is not written now.
    `image` is None where a program of the machine or a stand-in runs in its place.
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
    notes: tuple[str, ...] = ()
    log_error: str = ""
    image: LoadedImage | None = None
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0


class ContainerEvent(Struct, frozen=True):
    """Something happened to a sandbox of `node`; `container` as it is now, None for "sandbox-died".

    That a container was started is no event: whoever had it started is answered. "container-changed"
    is one that runs and of which something is another now (its log).
    "pin-mended" has a sentence on what was found and done. "images-changed" concerns every node,
    and no sandbox.
    """

    kind: EventKind
    node: str
    sandbox_id: str
    container: Container | None = None
    message: str = ""


class StoredImage(Struct, frozen=True):
    """An image in the lab's store: names with its tags and with its digest, and its size in bytes."""

    names: tuple[str, ...]
    size: int


class RuntimeStatus(Struct, frozen=True):
    pid: int
    sandboxes: int
    containers: int
    version: str


# One request per verb.


class Status(Struct, frozen=True):
    pass


class RunPodSandbox(Struct, frozen=True):
    config: SandboxConfig


class UpdatePodSandbox(Struct, frozen=True):
    """The address that a sandbox was given, before anything runs in it."""

    id: str
    ip: str


class StopPodSandbox(Struct, frozen=True):
    id: str


class RemovePodSandbox(Struct, frozen=True):
    id: str


class ListPodSandboxes(Struct, frozen=True):
    node: str = ""  # empty: of every node


class CreateContainer(Struct, frozen=True):
    sandbox_id: str
    config: ContainerConfig


class StartContainer(Struct, frozen=True):
    id: str


class StopContainer(Struct, frozen=True):
    id: str
    timeout_seconds: float


class RemoveContainer(Struct, frozen=True):
    id: str


class ListContainers(Struct, frozen=True):
    node: str = ""


class ContainerStatus(Struct, frozen=True):
    id: str


class ContainerEvents(Struct, frozen=True):
    node: str = ""


class ListImages(Struct, frozen=True):
    pass


class ImagesChanged(Struct, frozen=True):
    """The store has more images, or less: whoever listens is told."""


class TerminalSize(Struct, frozen=True):
    rows: int = 24
    columns: int = 80

    @property
    def cells(self) -> tuple[int, int]:
        return self.rows, self.columns


class Exec(Struct, frozen=True):
    """Sent on a connection of its own, with descriptors 0, 1, 2 as SCM_RIGHTS unless `terminal`."""

    container_id: str
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    terminal: TerminalSize | None = None


class ExecStarted(Struct, frozen=True):
    """First answer of an exec; a terminal's master comes with it as SCM_RIGHTS."""

    pid: int


class ExecExited(Struct, frozen=True):
    """Second and last answer of an exec."""

    exit_code: int


class Attach(Struct, frozen=True):
    """Sent on a connection of its own, with writing ends for stdout and stderr as SCM_RIGHTS.

    With `unheard`, what an interactive container said before anybody listened comes first.
    """

    container_id: str
    stdin: bool = False
    unheard: bool = False


class Attached(Struct, frozen=True):
    """First answer of an attach; with it the writing end of stdin, or the terminal's master."""

    terminal: bool = False
    stays: bool = False


class AttachEnded(Struct, frozen=True):
    """Second and last answer of an attach: the container has ended."""
