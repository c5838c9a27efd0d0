"""The garbage collector: what is owned goes when its owners are gone."""

from labctl.controllers.garbage.controller import GarbageCollector

__all__ = ["GarbageCollector"]
