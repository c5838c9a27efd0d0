"""The groups networking.k8s.io and discovery.k8s.io, v1, and what came before them."""

from dataclasses import replace

from labctl.api.resource import Resource

INGRESSES = Resource(
    "networking.k8s.io",
    "v1",
    "Ingress",
    "ingresses",
    namespaced=True,
    short_names=("ing",),
    subresources=("status",),
)

INGRESSCLASSES = Resource(
    "networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False
)

NETWORKPOLICIES = Resource(
    "networking.k8s.io",
    "v1",
    "NetworkPolicy",
    "networkpolicies",
    namespaced=True,
    short_names=("netpol",),
)

ENDPOINTSLICES = Resource(
    "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", namespaced=True
)

# Kubernetes 1.22 took it away; kubectl 1.20 prunes by it.
INGRESSES_V1BETA1 = replace(
    INGRESSES, group="extensions", version="v1beta1", short_names=(), stored=INGRESSES
)

IPADDRESSES = Resource(
    "networking.k8s.io",
    "v1",
    "IPAddress",
    "ipaddresses",
    namespaced=False,
    short_names=("ip",),
)

SERVICECIDRS = Resource(
    "networking.k8s.io",
    "v1",
    "ServiceCIDR",
    "servicecidrs",
    namespaced=False,
    subresources=("status",),
)

RESOURCES = (
    INGRESSES,
    INGRESSCLASSES,
    NETWORKPOLICIES,
    ENDPOINTSLICES,
    IPADDRESSES,
    SERVICECIDRS,
    INGRESSES_V1BETA1,
)
