"""The StatefulSet controller: pods with names that stay, made and ended in their order."""

from labctl.controllers.statefulset.controller import StatefulSetController

__all__ = ["StatefulSetController"]
