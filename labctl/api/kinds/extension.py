"""What extends and regulates an API server: admissionregistration.k8s.io, apiregistration.k8s.io and
flowcontrol.apiserver.k8s.io, v1.
"""

from labctl.api.resource import NameRule, Resource

_ADMISSION = "admissionregistration.k8s.io"
_FLOW = "flowcontrol.apiserver.k8s.io"
_EXTENSION = ("api-extensions",)

MUTATINGWEBHOOKCONFIGURATIONS = Resource(
    _ADMISSION,
    "v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    namespaced=False,
    categories=_EXTENSION,
)

VALIDATINGWEBHOOKCONFIGURATIONS = Resource(
    _ADMISSION,
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
    categories=_EXTENSION,
)

VALIDATINGADMISSIONPOLICIES = Resource(
    _ADMISSION,
    "v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
    namespaced=False,
    categories=_EXTENSION,
    subresources=("status",),
)

VALIDATINGADMISSIONPOLICYBINDINGS = Resource(
    _ADMISSION,
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    namespaced=False,
    categories=_EXTENSION,
)

APISERVICES = Resource(
    "apiregistration.k8s.io",
    "v1",
    "APIService",
    "apiservices",
    namespaced=False,
    categories=_EXTENSION,
    subresources=("status",),
    name_rule=NameRule.PATH,
)

FLOWSCHEMAS = Resource(
    _FLOW, "v1", "FlowSchema", "flowschemas", namespaced=False, subresources=("status",)
)

PRIORITYLEVELCONFIGURATIONS = Resource(
    _FLOW,
    "v1",
    "PriorityLevelConfiguration",
    "prioritylevelconfigurations",
    namespaced=False,
    subresources=("status",),
)

RESOURCES = (
    MUTATINGWEBHOOKCONFIGURATIONS,
    VALIDATINGWEBHOOKCONFIGURATIONS,
    VALIDATINGADMISSIONPOLICIES,
    VALIDATINGADMISSIONPOLICYBINDINGS,
    APISERVICES,
    FLOWSCHEMAS,
    PRIORITYLEVELCONFIGURATIONS,
)
