"""The DaemonSet controller: one pod on every node that can take it."""

from labctl.controllers.daemonset.controller import DaemonSetController

__all__ = ["DaemonSetController"]
