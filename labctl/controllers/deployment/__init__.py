"""The Deployment controller: from one pod template to the next by way of ReplicaSets."""

from labctl.controllers.deployment.controller import DeploymentController

__all__ = ["DeploymentController"]
