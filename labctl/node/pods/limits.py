"""What a pod and its containers may use, as the kubelet writes it into their cgroups. Pure.

pkg/kubelet/cm/helpers_linux.go and pkg/kubelet/kuberuntime/kuberuntime_container_linux.go.
"""

from labctl.api.objects import Obj
from labctl.api.pod_resources import Amounts, container_amounts, pod_amounts
from labctl.api.quantity import Quantity
from labctl.cgroups.limits import MAX_SHARES, MIN_SHARES, PERIOD, Limits
from labctl.node.pods.facts import containers_of, init_containers_of
from labctl.node.pods.qos import qos_class

# A kubelet sets no limit unless it is told to. Here a fork bomb would be the whole machine's: this
# is what OpenShift's kubelets are told.
PODS_PIDS = 4096

_MIN_QUOTA = 1000  # microseconds: the kernel takes no less
_LAST_SCORE, _FIRST_SCORE = 999, 3  # of pods that are Burstable


def container_limits(container: Obj) -> Limits:
    return _limits(container_amounts(container, "requests"), container_amounts(container, "limits"))


def pod_limits(pod: Obj) -> Limits:
    """Those of all containers together. A limit holds for the pod only if every container has one."""
    spec = pod["spec"]
    limits = pod_amounts(spec, "limits")
    each = [
        container_amounts(one, "limits") for one in (*init_containers_of(pod), *containers_of(pod))
    ]
    declared = {
        name: limits[name] for name in ("cpu", "memory") if all(name in amounts for amounts in each)
    }
    whole = _limits(pod_amounts(spec, "requests"), declared)
    return Limits(whole.memory, whole.cpu_quota, whole.cpu_shares, PODS_PIDS)


def oom_score(pod: Obj, container: Obj, capacity: int) -> int:
    """How willingly the kernel ends it when the node is out of memory, of which it has `capacity`.

    A kubelet protects Guaranteed pods against the rest of the node (-997). The rest, here, is
    somebody's machine: they are left at what everybody has.
    """
    quality = qos_class(pod)
    if quality == "Guaranteed":
        return 0
    if quality == "BestEffort":
        return 1000
    request = container_amounts(container, "requests").get("memory")
    wanted = int(request.value) if request else 0
    return min(_LAST_SCORE, max(_FIRST_SCORE, 1000 - 1000 * wanted // max(1, capacity)))


def _limits(requests: Amounts, limits: Amounts) -> Limits:
    cpu = _milli(limits.get("cpu"))
    request = _milli(requests["cpu"]) if "cpu" in requests else cpu
    memory = limits.get("memory")
    return Limits(
        memory=int(memory.value) if memory else 0,
        cpu_quota=max(_MIN_QUOTA, cpu * PERIOD // 1000) if cpu else 0,
        cpu_shares=min(MAX_SHARES, max(MIN_SHARES, request * 1024 // 1000)),
    )


def _milli(cpu: Quantity | None) -> int:
    return int(cpu.value * 1000) if cpu else 0
