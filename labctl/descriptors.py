"""The table of a process's descriptors, made large before it has to be.

Once a process has threads, the kernel waits for a grace period of RCU each time that table grows
(expand_fdtable in fs/file.c): 20 ms in which whoever opens a file or a socket stands still.
"""

import fcntl
import os


def make_room(descriptors: int) -> None:
    """For so many, in a process that has one thread yet; a limit that is lower makes it less."""
    try:
        os.close(fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, descriptors - 1))
    except OSError:  # there are to be no more than the table has, or there is no descriptor 0
        return
