"""The first process of a pid namespace, so that the program that is executed there is not it.

To a namespace's first process comes no signal that it does not handle (pid_namespaces(7)): Ctrl-C
would not end a `sleep`, nor `kill -9 $$` a shell. A container's own program lives with that under
every runtime; one that is executed beside it does not expect it.
"""

import os

from labctl.runtime.spawn.privileges import Privileges, take_privileges
from labctl.runtime.spawn.syscalls import die_with_parent

_SIGNALLED = 128  # and the signal's number, as shells say it
_ALL = 2**31 - 1


def stay_behind(privileges: Privileges) -> None:
    """Returns in a child; this process stays, with no more rights and no descriptor, and ends as that does.

    With it ends whatever else the child has left in the namespace.
    """
    child = os.fork()
    if child:
        os.closerange(0, _ALL)
        take_privileges(privileges)
        die_with_parent()  # last: a change of credentials clears it
        os._exit(_end_of(child))


def _end_of(child: int) -> int:
    pid, status = os.wait()
    while pid != child:  # somebody's orphan
        pid, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _SIGNALLED - code
