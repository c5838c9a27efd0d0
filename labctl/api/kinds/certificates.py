"""The group certificates.k8s.io, v1."""

from labctl.api.resource import Resource

CERTIFICATESIGNINGREQUESTS = Resource(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    namespaced=False,
    short_names=("csr",),
    subresources=("approval", "status"),
)

RESOURCES = (CERTIFICATESIGNINGREQUESTS,)
