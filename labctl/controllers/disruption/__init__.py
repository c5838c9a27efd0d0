"""The disruption controller: how many pods of each budget may be evicted now."""

from labctl.controllers.disruption.controller import DisruptionController

__all__ = ["DisruptionController"]
