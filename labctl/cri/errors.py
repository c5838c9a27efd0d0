"""What a runtime's verb can fail with; `reason` is a word that an agent may put into a status."""

from labctl.errors import LabError

NOT_FOUND = "NotFound"
INVALID_ARGUMENT = "InvalidArgument"
FAILED_PRECONDITION = "FailedPrecondition"  # a container in a dead sandbox, say
CONFIG_ERROR = "CreateContainerConfigError"
CREATE_CONTAINER_ERROR = "CreateContainerError"
RUN_CONTAINER_ERROR = "RunContainerError"
RUN_SANDBOX_ERROR = "CreatePodSandboxError"
EXEC_ERROR = "ExecError"
INVALID_IMAGE_NAME = "InvalidImageName"
IMAGE_NEVER_PULLED = "ErrImageNeverPull"
IMAGE_NOT_PULLED = "ErrImagePull"
UNAVAILABLE = "Unavailable"
INTERNAL = "Internal"


class CriError(LabError):
    """The runtime said no. `reason` is one of this module's words, `code` an exec's exit code.

    A program that is missing or cannot be executed is told with `code` 127 or 126, as shells,
    runc and kubectl do; 0 otherwise.
    """

    def __init__(self, message: str, reason: str = INTERNAL, code: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code


class RuntimeUnavailable(CriError):
    """The runtime does not answer on its socket, or went away before it did; asking again helps."""

    def __init__(self, message: str) -> None:
        super().__init__(message, UNAVAILABLE)
