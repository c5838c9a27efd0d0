"""Every error that a user can cause, as one tree.

`LabError` carries one sentence and, where one is known, a hint; the command line prints both and
exits with the class's code. Anything else that is raised is a bug and keeps its traceback.

    LabError                1  it was done and the answer is no
    ├── BadInput            2  a flag, manifest, lab file or scenario
    ├── NoSuchLab           3  no such lab, or it is not up
    ├── HostCannot          4  this host cannot run a lab
    ├── NetError            1  the kernel refused an operation
    └── StatusError         1  the API server answered with a Kubernetes Status (2: of bad input)
"""

from typing import Any


class LabError(Exception):
    """One sentence on what went wrong (`message`) and, if known, what to do (`hint`)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(LabError):
    """The user's input is wrong; the message names the field, and nothing was changed."""

    exit_code = 2


class NoSuchLab(LabError):
    """The lab does not exist or is not up."""

    exit_code = 3


class HostCannot(LabError):
    """The host lacks a privilege, a program or a kernel feature that a lab needs."""

    exit_code = 4


class NetError(LabError):
    """The kernel refused an operation on the network; the message is the operation's sentence."""

    def __init__(self, message: str, errno: int = 0, hint: str = "") -> None:
        super().__init__(message, hint)
        self.errno = errno


_BAD_INPUT = ("BadRequest", "Invalid", "RequestEntityTooLarge")  # 400, 422, 413


class StatusError(LabError):
    """A Kubernetes `Status` of failure, as the API server sends it and the client raises it.

    `status` is the whole object; `code` is the HTTP status, `reason` Kubernetes' own word
    (NotFound, AlreadyExists, Conflict, Invalid, Expired, Forbidden, …).
    """

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__(str(status.get("message", "")))
        self.status = status
        if self.reason in _BAD_INPUT:
            self.exit_code = BadInput.exit_code

    @property
    def code(self) -> int:
        return int(self.status.get("code", 500))

    @property
    def reason(self) -> str:
        return str(self.status.get("reason", ""))
