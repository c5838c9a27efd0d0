"""The plugins in their order."""

from labctl.api.objects import Obj
from labctl.apiserver.admission import Circumstances, Plugin
from labctl.apiserver.admission.cluster_ip import ClusterIps
from labctl.apiserver.admission.escalation import Escalation
from labctl.apiserver.admission.lab_settings import LabSettings
from labctl.apiserver.admission.limits import limit_range
from labctl.apiserver.admission.namespaces import check_namespace
from labctl.apiserver.admission.node_ports import NodePorts
from labctl.apiserver.admission.node_restriction import restrict_node
from labctl.apiserver.admission.node_taint import taint_new_node
from labctl.apiserver.admission.priority import set_priority
from labctl.apiserver.admission.quota import Pending, Quotas
from labctl.apiserver.admission.runtime_class import apply_runtime_class
from labctl.apiserver.admission.service_account import assign_account
from labctl.apiserver.admission.service_type import settle_service
from labctl.apiserver.admission.signing_requests import name_requestor
from labctl.apiserver.admission.tolerations import DefaultTolerations
from labctl.apiserver.authorization import Authorizer


class AdmissionChain:
    """Every plugin after the other; what one returns, the next is given."""

    def __init__(self, authorizer: Authorizer) -> None:
        settings = LabSettings()
        self._quotas = Quotas()
        self._plugins: tuple[Plugin, ...] = (
            check_namespace,
            restrict_node,
            assign_account,
            set_priority,
            apply_runtime_class,
            DefaultTolerations(settings),
            name_requestor,
            taint_new_node,
            limit_range,
            settle_service,
            ClusterIps(settings),
            NodePorts(),
            Escalation(authorizer),
            self._quotas,
        )

    def admit(self, circumstances: Circumstances, obj: Obj) -> Obj:
        """The object as the plugins would have it; raises StatusError where one refuses."""
        for plugin in self._plugins:
            obj = plugin(circumstances, obj)
        return obj

    def charge(self, circumstances: Circumstances, obj: Obj) -> Pending:
        """The last step before a new object is written: its namespace's quotas. Raises 403."""
        return self._quotas.charge(circumstances, obj)
