"""The ReplicaSet controller: as many active pods as asked for, no more, no fewer."""

from labctl.controllers.replicaset.controller import ReplicaSetController

__all__ = ["ReplicaSetController"]
