"""The group batch, v1."""

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

RESOURCES = (JOBS, CRONJOBS)
