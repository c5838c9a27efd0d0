"""The group batch, v1."""

from dataclasses import replace

from labctl.api.resource import Resource

JOBS = Resource(
    "batch",
    "v1",
    "Job",
    "jobs",
    namespaced=True,
    categories=("all",),
    subresources=("status",),
    field_selectors=("status.successful",),
)

CRONJOBS = Resource(
    "batch",
    "v1",
    "CronJob",
    "cronjobs",
    namespaced=True,
    short_names=("cj",),
    categories=("all",),
    subresources=("status",),
)

# Kubernetes 1.25 took it away; kubectl 1.20 prunes by it.
CRONJOBS_V1BETA1 = replace(CRONJOBS, version="v1beta1", stored=CRONJOBS)

RESOURCES = (JOBS, CRONJOBS, CRONJOBS_V1BETA1)
