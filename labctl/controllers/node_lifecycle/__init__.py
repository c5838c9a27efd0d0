"""The node controller: which nodes are heard of, and what their silence means for their pods."""

from labctl.controllers.node_lifecycle.controller import NodeLifecycleController

__all__ = ["NodeLifecycleController"]
