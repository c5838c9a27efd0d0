"""What can go wrong with a plugin, in one sentence."""

from labctl.errors import LabError


class CniError(LabError):
    """A plugin failed, or answered what cannot be used.

    `code` is the plugin's own (specification, "Error"), 0 where it gave none.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code
