"""What keeps a lab right on this machine: the runtime, and beside it the keeper of the fabric.

And what keeps it wrong, where that is wanted: the keeper of bad cables.
"""

import os
from functools import partial

from labctl import names
from labctl.api.lab import LabSpec
from labctl.errors import LabError
from labctl.lab import warm


def run_runtime(lab: str) -> None:
    """The program of the lab's runtime. Imports within: the process that forks it needs none."""
    from labctl.fabric.keeping import keep
    from labctl.lab.faults import cut_nodes, keeping

    stored = StoredLab(lab)
    beside = [partial(keep, lab, stored.spec, lambda: cut_nodes(lab)), partial(keeping.keep, lab)]
    warm.load(warm.RUNTIME).run(lab, stored.heals, beside)


class StoredLab:
    """The lab as it shall be, read anew when its file was replaced."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._file: tuple[int, int] | None = None
        self._spec: LabSpec | None = None

    def spec(self) -> LabSpec | None:
        """None when the lab is being taken away."""
        from labctl.lab import state

        try:
            found = os.stat(names.lab_file(self._lab))
            if self._file != (found.st_ino, found.st_mtime_ns):
                self._spec = state.load(self._lab)
                self._file = found.st_ino, found.st_mtime_ns
        except (OSError, LabError):
            return None
        return self._spec

    def heals(self) -> bool:
        """Whether what somebody damages is mended."""
        spec = self.spec()
        return spec is not None and spec.network.healing
