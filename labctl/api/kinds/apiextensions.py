"""apiextensions.k8s.io/v1: the kind that defines kinds."""

from labctl.api.resource import Resource

CUSTOMRESOURCEDEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    subresources=("status",),
    acted_upon=True,
)

RESOURCES = (CUSTOMRESOURCEDEFINITIONS,)
