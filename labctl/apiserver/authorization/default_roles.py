"""The roles and bindings that every cluster has: plugin/pkg/auth/authorizer/rbac/bootstrappolicy.

A line is a rule: verbs, a colon, and resources as kubectl writes them (`deployments/scale.apps`,
`*.*` for all of all groups), or paths. `= NAME` after a resource is the one name for which it holds.
Words in capitals stand for verbs that usually go together. What no lab has is left out.
"""

from typing import Final

VERBS: Final = {
    "READ": "get list watch",
    "WRITE": "create delete deletecollection patch update",
    "CHANGE": "patch update",
}

# Roles that are the sum of all that carry the label aggregate-to-ROLE; the second member says into
# which role they themselves go.
AGGREGATED: Final = {"admin": "", "edit": "admin", "view": "edit"}

CLUSTER_ROLES: Final = {
    "cluster-admin": """
        *: *.*
        *: /*
    """,
    "system:aggregate-to-admin": """
        create: localsubjectaccessreviews.authorization.k8s.io
        READ WRITE: roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io
    """,
    "system:aggregate-to-edit": """
        READ: pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy
        impersonate: serviceaccounts
        WRITE: pods pods/attach pods/exec pods/portforward pods/proxy
        create: pods/eviction serviceaccounts/token
        WRITE: configmaps events persistentvolumeclaims replicationcontrollers
        WRITE: replicationcontrollers/scale secrets serviceaccounts services services/proxy
        WRITE: daemonsets.apps deployments.apps deployments/rollback.apps deployments/scale.apps
        WRITE: replicasets.apps replicasets/scale.apps statefulsets.apps statefulsets/scale.apps
        WRITE: horizontalpodautoscalers.autoscaling cronjobs.batch jobs.batch
        WRITE: poddisruptionbudgets.policy ingresses.networking.k8s.io
        WRITE: networkpolicies.networking.k8s.io
        READ WRITE: leases.coordination.k8s.io
    """,
    "system:aggregate-to-view": """
        READ: configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods
        READ: replicationcontrollers replicationcontrollers/scale serviceaccounts services
        READ: services/status bindings events limitranges namespaces/status pods/log pods/status
        READ: replicationcontrollers/status resourcequotas resourcequotas/status namespaces
        READ: endpointslices.discovery.k8s.io controllerrevisions.apps
        READ: daemonsets.apps daemonsets/status.apps
        READ: deployments.apps deployments/scale.apps deployments/status.apps
        READ: replicasets.apps replicasets/scale.apps replicasets/status.apps
        READ: statefulsets.apps statefulsets/scale.apps statefulsets/status.apps
        READ: horizontalpodautoscalers.autoscaling horizontalpodautoscalers/status.autoscaling
        READ: cronjobs.batch cronjobs/status.batch jobs.batch jobs/status.batch
        READ: poddisruptionbudgets.policy poddisruptionbudgets/status.policy
        READ: ingresses.networking.k8s.io ingresses/status.networking.k8s.io
        READ: networkpolicies.networking.k8s.io
        READ: pods.metrics.k8s.io nodes.metrics.k8s.io
    """,
    "system:discovery": """
        get: /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz
        get: /version /version/
    """,
    "system:public-info-viewer": """
        get: /healthz /livez /readyz /version /version/
    """,
    "system:basic-user": """
        create: selfsubjectaccessreviews.authorization.k8s.io
        create: selfsubjectrulesreviews.authorization.k8s.io
        create: selfsubjectreviews.authentication.k8s.io
    """,
    "system:monitoring": """
        get: /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*
    """,
    "system:auth-delegator": """
        create: tokenreviews.authentication.k8s.io subjectaccessreviews.authorization.k8s.io
    """,
    "system:kubelet-api-admin": """
        READ proxy: nodes
        *: nodes/log nodes/metrics nodes/proxy nodes/stats
    """,
    "system:kube-dns": """
        list watch: endpoints services
    """,
    "system:kube-controller-manager": """
        create patch update: events events.events.k8s.io
        create: leases.coordination.k8s.io
        get update: leases.coordination.k8s.io = kube-controller-manager
        create get update: secrets serviceaccounts
        get: configmaps namespaces
        delete: secrets
        create: serviceaccounts/token tokenreviews.authentication.k8s.io
        create: subjectaccessreviews.authorization.k8s.io
        list watch: *.*
    """,
    "system:kube-scheduler": """
        create patch update: events events.events.k8s.io
        create: leases.coordination.k8s.io
        get list update watch: leases.coordination.k8s.io = kube-scheduler
        READ: nodes namespaces
        READ delete: pods
        create: bindings pods/binding
        patch update: pods/status
        READ: replicationcontrollers services replicasets.apps statefulsets.apps
        READ: poddisruptionbudgets.policy persistentvolumeclaims persistentvolumes
        create: tokenreviews.authentication.k8s.io subjectaccessreviews.authorization.k8s.io
    """,
    "system:volume-scheduler": """
        READ patch update: persistentvolumes persistentvolumeclaims
        READ: storageclasses.storage.k8s.io
    """,
    "system:node": "",  # what a node may do is the node authorizer's to say; see `nodes.RULES`
    "system:node-proxier": """
        list watch: services endpoints endpointslices.discovery.k8s.io
        READ: nodes
        create patch update: events events.events.k8s.io
    """,
    # A node of a lab is kubelet and network plugin in one process, as one user. What a network
    # plugin reads, which elsewhere has an account of its own:
    "labctl:network": """
        READ: nodes namespaces services endpoints
        READ: endpointslices.discovery.k8s.io networkpolicies.networking.k8s.io
    """,
}

# The controllers, each bound to the account of its name in kube-system. They patch where those of
# Kubernetes put.
CONTROLLER_ROLES: Final = {
    "clusterrole-aggregation-controller": """
        escalate READ CHANGE: clusterroles.rbac.authorization.k8s.io
    """,
    "cronjob-controller": """
        READ CHANGE: cronjobs.batch
        READ create delete CHANGE: jobs.batch
        CHANGE: cronjobs/status.batch cronjobs/finalizers.batch
        delete list: pods
    """,
    "daemon-set-controller": """
        READ: daemonsets.apps
        CHANGE: daemonsets/status.apps daemonsets/finalizers.apps
        list watch: nodes
        create delete list patch watch: pods
        create: pods/binding
        READ create delete CHANGE: controllerrevisions.apps
    """,
    "deployment-controller": """
        READ CHANGE: deployments.apps
        CHANGE: deployments/status.apps deployments/finalizers.apps
        READ create delete CHANGE: replicasets.apps
        READ CHANGE: pods
    """,
    "disruption-controller": """
        READ: deployments.apps replicasets.apps replicationcontrollers statefulsets.apps
        READ: poddisruptionbudgets.policy
        get list watch: pods
        CHANGE: poddisruptionbudgets/status.policy
        CHANGE: pods/status
        get: *.*/scale
    """,
    "endpoint-controller": """
        READ: pods services
        READ create delete update: endpoints
        create: endpoints/restricted
    """,
    "endpointslice-controller": """
        READ: nodes pods services
        CHANGE: services/finalizers
        READ create delete update: endpointslices.discovery.k8s.io
        create: endpointslices/restricted.discovery.k8s.io
    """,
    "generic-garbage-collector": """
        delete READ CHANGE: *.*
    """,
    "horizontal-pod-autoscaler": """
        READ: horizontalpodautoscalers.autoscaling
        CHANGE: horizontalpodautoscalers/status.autoscaling
        get update: *.*/scale
        list: pods pods.metrics.k8s.io
        get list: *.custom.metrics.k8s.io *.external.metrics.k8s.io
    """,
    "job-controller": """
        READ CHANGE: jobs.batch
        CHANGE: jobs/status.batch jobs/finalizers.batch
        create delete list patch watch: pods
    """,
    "namespace-controller": """
        delete get list watch: namespaces
        CHANGE: namespaces/finalize namespaces/status
        delete deletecollection get list: *.*
    """,
    "node-controller": """
        delete get list CHANGE: nodes
        CHANGE: nodes/status
        CHANGE: pods/status
        delete get list: pods
    """,
    "pod-garbage-collector": """
        delete list watch: pods
        get list: nodes
        patch: pods/status
    """,
    "replicaset-controller": """
        READ CHANGE: replicasets.apps
        CHANGE: replicasets/status.apps replicasets/finalizers.apps
        create delete list patch watch: pods
    """,
    "replication-controller": """
        READ CHANGE: replicationcontrollers
        CHANGE: replicationcontrollers/status replicationcontrollers/finalizers
        create delete list patch watch: pods
    """,
    "resourcequota-controller": """
        list watch: *.*
        CHANGE: resourcequotas/status
    """,
    "root-ca-cert-publisher": """
        create update: configmaps
    """,
    "service-account-controller": """
        create: serviceaccounts
    """,
    "statefulset-controller": """
        list watch: pods
        READ: statefulsets.apps
        CHANGE: statefulsets/status.apps statefulsets/finalizers.apps
        create delete get CHANGE: pods
        READ create delete CHANGE: controllerrevisions.apps
        create get: persistentvolumeclaims
    """,
    "ttl-after-finished-controller": """
        delete get list watch: jobs.batch
    """,
}
EVERY_CONTROLLER: Final = "create patch update: events events.events.k8s.io"

# By namespace and name.
ROLES: Final = {
    ("kube-system", "labctl:lab-settings"): """
        READ: configmaps = labctl
    """,
}

# A role's name and to whom it is bound: users, groups (with `group`), accounts of kube-system.
CLUSTER_BINDINGS: Final = {
    "cluster-admin": ("group system:masters",),
    "system:discovery": ("group system:authenticated",),
    "system:basic-user": ("group system:authenticated",),
    "system:public-info-viewer": ("group system:authenticated", "group system:unauthenticated"),
    "system:monitoring": ("group system:monitoring",),
    "system:kube-dns": ("account kube-dns",),
    "system:kube-controller-manager": ("user system:kube-controller-manager",),
    "system:kube-scheduler": ("user system:kube-scheduler",),
    "system:volume-scheduler": ("user system:kube-scheduler",),
    "system:node": (),
    "system:node-proxier": ("user system:kube-proxy",),
    "labctl:network": ("group system:nodes",),
}
BINDINGS: Final = {
    ("kube-system", "labctl:lab-settings"): ("group system:nodes",),
}
