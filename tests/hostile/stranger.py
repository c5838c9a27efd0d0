"""A user of this machine who is not root."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

_NOBODY = 65534


def is_refused(act: Callable[[], object]) -> bool:
    """Whether the kernel refuses the act to a stranger, who does it in a process of its own."""
    child = os.fork()
    if child == 0:
        code = errno.EIO
        try:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            act()
            code = 0
        except OSError as error:
            code = error.errno or code
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in {errno.EACCES, errno.EPERM}


def connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.connect(str(path))
