"""What the spawner is asked for, and how that travels.

Tuples of plain values, by `marshal`, which is part of the interpreter; both ends are the same one.
"""

import marshal
from typing import NamedTuple

from labctl.namespacing import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWUTS
from labctl.runtime.spawn.privileges import Privileges
from labctl.runtime.spawn.root import Root

SANDBOX_KINDS = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS


class Held(NamedTuple):
    """Descriptors that a program is started with; those of its streams are None for /dev/null.

    `sandbox` is the pidfd of a pause, whose net, ipc and uts namespaces are joined. `container` is
    the pidfd of a program whose mount namespace is joined, `shared_root` a mount namespace that an
    earlier program has built, `peer` the pidfd of a process whose pid namespace is joined (without,
    there is a new one), `group` the cgroup in which it is born. `sync` is the child's end of the
    socket pair over which it speaks with the runtime.
    """

    sandbox: int
    container: int | None = None
    shared_root: int | None = None
    peer: int | None = None
    group: int | None = None
    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None
    sync: int = -1


class Launch(NamedTuple):
    """A program to start and what surrounds it.

    A `root` is built in a new mount namespace, unless one is `held`. It goes through `entrances`
    into further cgroups. `terminal`, rows and columns, makes one, whose master the program holds as
    well if it `keeps_terminal`. One that is `leashed` dies with the runtime. With `crun` it is that,
    which finds the root where its bundle says; `hierarchy` is where cgroups of version 2 lie.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    working_dir: str
    held: Held
    root: Root | None = None
    entrances: tuple[str, ...] = ()
    terminal: tuple[int, int] | None = None
    keeps_terminal: bool = False
    privileges: Privileges = Privileges()
    leashed: bool = False
    crun: bool = False
    hierarchy: str = ""

    @property
    def is_alone(self) -> bool:
        """Whether it is executed where no first process of a container is: beside a stand-in."""
        return self.leashed and self.held.peer is None


def pack(plan: Launch) -> tuple[bytes, list[int]]:
    """What travels: bytes, and descriptors beside them."""
    plain = tuple(tuple(part) if isinstance(part, tuple) else part for part in plan)
    return marshal.dumps(plain), [one for one in plan.held if one is not None]


def unpack(data: bytes, descriptors: list[int]) -> Launch:
    """The same plan, with the descriptors as they are numbered here."""
    plan = Launch(*marshal.loads(data))  # noqa: S302 (the runtime's own)
    numbers = iter(descriptors)
    return plan._replace(
        held=Held._make(None if one is None else next(numbers) for one in plan.held),
        root=None if plan.root is None else Root(*plan.root),
        privileges=Privileges(*plan.privileges),
    )
