"""The core group, v1."""

from labctl.api.resource import NameRule, Resource

NAMESPACES = Resource(
    "",
    "v1",
    "Namespace",
    "namespaces",
    namespaced=False,
    short_names=("ns",),
    subresources=("finalize", "status"),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    acted_upon=True,
    name_rule=NameRule.LABEL,
    field_selectors=("status.phase",),
)

NODES = Resource(
    "",
    "v1",
    "Node",
    "nodes",
    namespaced=False,
    short_names=("no",),
    subresources=("status",),
    acted_upon=True,
    field_selectors=("spec.unschedulable",),
)

PODS = Resource(
    "",
    "v1",
    "Pod",
    "pods",
    namespaced=True,
    short_names=("po",),
    categories=("all",),
    subresources=(
        "attach",
        "binding",
        "ephemeralcontainers",
        "eviction",
        "exec",
        "log",
        "portforward",
        "status",
    ),
    acted_upon=True,
    field_selectors=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
)

CONFIGMAPS = Resource(
    "",
    "v1",
    "ConfigMap",
    "configmaps",
    namespaced=True,
    short_names=("cm",),
    acted_upon=True,
)

SECRETS = Resource(
    "",
    "v1",
    "Secret",
    "secrets",
    namespaced=True,
    acted_upon=True,
    field_selectors=("type",),
)

SERVICEACCOUNTS = Resource(
    "",
    "v1",
    "ServiceAccount",
    "serviceaccounts",
    namespaced=True,
    short_names=("sa",),
    subresources=("token",),
    acted_upon=True,
)

SERVICES = Resource(
    "",
    "v1",
    "Service",
    "services",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    subresources=("status",),
    acted_upon=True,
    name_rule=NameRule.SERVICE,
    field_selectors=("spec.clusterIP", "spec.type"),
)

ENDPOINTS = Resource(
    "",
    "v1",
    "Endpoints",
    "endpoints",
    namespaced=True,
    short_names=("ep",),
)

EVENTS = Resource(
    "",
    "v1",
    "Event",
    "events",
    namespaced=True,
    short_names=("ev",),
    acted_upon=True,
    field_selectors=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
)

REPLICATIONCONTROLLERS = Resource(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
    namespaced=True,
    short_names=("rc",),
    categories=("all",),
    subresources=("scale", "status"),
    field_selectors=("status.replicas",),
)

RESOURCEQUOTAS = Resource(
    "",
    "v1",
    "ResourceQuota",
    "resourcequotas",
    namespaced=True,
    short_names=("quota",),
    subresources=("status",),
    acted_upon=True,
)

LIMITRANGES = Resource(
    "",
    "v1",
    "LimitRange",
    "limitranges",
    namespaced=True,
    short_names=("limits",),
    acted_upon=True,
)

PERSISTENTVOLUMES = Resource(
    "",
    "v1",
    "PersistentVolume",
    "persistentvolumes",
    namespaced=False,
    short_names=("pv",),
    subresources=("status",),
)

PERSISTENTVOLUMECLAIMS = Resource(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    namespaced=True,
    short_names=("pvc",),
    subresources=("status",),
)

PODTEMPLATES = Resource("", "v1", "PodTemplate", "podtemplates", namespaced=True)

BINDINGS = Resource("", "v1", "Binding", "bindings", namespaced=True, verbs=("create",))

COMPONENTSTATUSES = Resource(
    "",
    "v1",
    "ComponentStatus",
    "componentstatuses",
    namespaced=False,
    short_names=("cs",),
    verbs=("get", "list"),
)

COMPUTED = (BINDINGS, COMPONENTSTATUSES)
"""What is answered and never stored."""

RESOURCES = (
    NAMESPACES,
    NODES,
    PODS,
    CONFIGMAPS,
    SECRETS,
    SERVICEACCOUNTS,
    SERVICES,
    ENDPOINTS,
    EVENTS,
    REPLICATIONCONTROLLERS,
    RESOURCEQUOTAS,
    LIMITRANGES,
    PERSISTENTVOLUMES,
    PERSISTENTVOLUMECLAIMS,
    PODTEMPLATES,
)
