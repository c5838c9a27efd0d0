"""What the lab's file says, as the API server needs it: read from its ConfigMap, parsed once."""

from labctl.api.kinds.core import CONFIGMAPS
from labctl.api.lab import LAB_CONFIGMAP, LabSpec, lab_from_configmap
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.entry import Entry
from labctl.errors import BadInput


class LabSettings:
    """The lab's spec as of the ConfigMap `kube-system/labctl`."""

    def __init__(self) -> None:
        self._entry: Entry | None = None
        self._spec: LabSpec | None = None

    def spec(self, cache: WatchCache) -> LabSpec | None:
        """The spec, or None while there is no ConfigMap that can be understood."""
        entry = cache.get(CONFIGMAPS, *LAB_CONFIGMAP)
        if entry is not self._entry:
            self._entry = entry
            self._spec = _parsed(entry)
        return self._spec


def _parsed(entry: Entry | None) -> LabSpec | None:
    if entry is None:
        return None
    try:
        return lab_from_configmap(entry.object)
    except (BadInput, KeyError):
        return None
