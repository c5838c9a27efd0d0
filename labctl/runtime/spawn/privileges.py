"""As whom a program runs and what it may still do, taken after the fork.

Nothing comes back by exec: the bounding set goes, and no_new_privs forbids the rest where the pod
says so (without it, a set-user-id program is still held to the bounding set).
"""

import os
from typing import NamedTuple

from labctl.runtime.spawn import syscalls

ROOT = 0


class Privileges(NamedTuple):
    """`dropped` are the numbers that leave the bounding set."""

    user: int = ROOT
    group: int = ROOT
    groups: tuple[int, ...] = ()
    capabilities: int = 0
    dropped: tuple[int, ...] = ()
    no_new_privileges: bool = False
    oom_score: int = 0


def take_privileges(privileges: Privileges) -> None:
    """Makes this process what `privileges` say, for ever; it was root with everything."""
    for capability in privileges.dropped:
        syscalls.drop_from_bounding_set(capability)
    syscalls.clear_ambient()
    os.setgroups(privileges.groups)
    os.setresgid(privileges.group, privileges.group, privileges.group)
    if privileges.user != ROOT:  # the kernel takes the capabilities away: capabilities(7)
        os.setresuid(privileges.user, privileges.user, privileges.user)
    else:
        syscalls.set_capabilities(privileges.capabilities)
    if privileges.no_new_privileges:
        syscalls.set_no_new_privs()
