"""DefaultTolerationSeconds: how long a pod stays on a node that is not ready or cannot be reached.

Kubernetes gives every pod 300 s; here it is the lab's evictionSeconds, so that a lesson on losing a
node need not take five minutes.
"""

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.lab_settings import LabSettings

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
_DEFAULT_SECONDS = 300


class DefaultTolerations:
    """The plugin; it follows the lab's settings."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings

    def __call__(self, circumstances: Circumstances, obj: Obj) -> Obj:
        if circumstances.resource is not PODS or circumstances.subresource:
            return obj
        if circumstances.operation != "CREATE":
            return obj
        spec = obj.get("spec") or {}
        present = spec.get("tolerations") or []
        lab = self._settings.spec(circumstances.cache)
        seconds = int(lab.times.eviction_seconds) if lab else _DEFAULT_SECONDS
        added = [
            _toleration(key, seconds)
            for key in (NOT_READY, UNREACHABLE)
            if not any(_tolerates(toleration, key) for toleration in present)
        ]
        return {**obj, "spec": {**spec, "tolerations": [*present, *added]}} if added else obj


def _toleration(key: str, seconds: int) -> Obj:
    return {
        "key": key,
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": seconds,
    }


def _tolerates(toleration: Obj, key: str) -> bool:
    return toleration.get("key") in {key, "", None} and toleration.get("effect") in {
        "NoExecute",
        "",
        None,
    }
