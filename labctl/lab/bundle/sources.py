"""Where the pieces of a bundle are read: the lab's name, and its objects as far as they were had."""

from dataclasses import dataclass
from functools import cached_property

from labctl.api.lab import LAB_CONFIGMAP
from labctl.api.objects import Obj, name, namespace
from labctl.errors import LabError

Objects = dict[str, list[Obj]]
"""By kind: `pods`, `deployments.apps`."""


@dataclass(frozen=True)
class Sources:
    """`silent` says why the API does not answer; "" when it does."""

    lab: str
    objects: Objects
    silent: str = ""

    @cached_property
    def configmap(self) -> Obj:
        """The lab's own; raises LabError."""
        for one in self.objects.get("configmaps", ()):
            if (namespace(one), name(one)) == LAB_CONFIGMAP:
                return one
        raise LabError("there is no ConfigMap of the lab")

    @property
    def nodes(self) -> list[Obj]:
        return self.objects.get("nodes", [])
