"""Rules of securityContexts, of names and of ephemeral containers, in Kubernetes' words."""

from typing import Any

import pytest

from labctl.api.kinds import core
from labctl.api.objects import Obj
from labctl.api.validation import validate
from labctl.api.validation.ephemeral import check_ephemeral_update
from labctl.api.validation.pod import check_pod
from tests.api.manifest_samples import pod, pod_with

RANGE = "must be between 0 and 2147483647, inclusive"


def said(obj: Obj) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in validate(core.PODS, obj)]


@pytest.mark.parametrize(
    "obj",
    [
        pod(securityContext={"runAsUser": 0, "fsGroup": 1, "supplementalGroups": [1, 2]}),
        pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}),
        pod(shareProcessNamespace=True),
        pod(shareProcessNamespace=False, hostPID=True),
        pod(dnsPolicy="None", dnsConfig={"nameservers": ["1.1.1.1", "::1"]}),
        pod_with(securityContext={"privileged": True, "allowPrivilegeEscalation": True}),
        pod_with(securityContext={"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}),
    ],
)
def test_good_ones_pass(obj: Obj) -> None:
    assert said(obj) == []


@pytest.mark.parametrize(
    ("obj", "cause"),
    [
        (
            pod(securityContext={"runAsUser": -1}),
            f"spec.securityContext.runAsUser: Invalid value: -1: {RANGE}",
        ),
        (
            pod(securityContext={"supplementalGroups": [1, -2]}),
            f"spec.securityContext.supplementalGroups[1]: Invalid value: -2: {RANGE}",
        ),
        (
            pod_with(securityContext={"runAsGroup": 2**31}),
            "spec.containers[0].securityContext.runAsGroup: Invalid value: 2147483648: " + RANGE,
        ),
        (
            pod(shareProcessNamespace=True, hostPID=True),
            (
                "spec.shareProcessNamespace: Invalid value: true: "
                "ShareProcessNamespace and HostPID cannot both be enabled"
            ),
        ),
        (
            pod(securityContext={"sysctls": [{"name": "a.b", "value": "1"}] * 2}),
            'spec.securityContext.sysctls[1].name: Duplicate value: "a.b"',
        ),
        (
            pod(
                hostNetwork=True,
                securityContext={"sysctls": [{"name": "net.ipv4.ip_forward", "value": "1"}]},
            ),
            (
                "spec.securityContext.sysctls[0].name: Invalid value: "
                "\"net.ipv4.ip_forward\": may not be specified when 'hostNetwork' is true"
            ),
        ),
        (
            pod(dnsPolicy="None"),
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
        ),
        (
            pod(dnsPolicy="None", dnsConfig={"searches": ["a"]}),
            (
                "spec.dnsConfig.nameservers: Required value: "
                "must provide at least one DNS nameserver when `dnsPolicy` is None"
            ),
        ),
        (
            pod(dnsConfig={"nameservers": ["nowhere"]}),
            (
                'spec.dnsConfig.nameservers[0]: Invalid value: "nowhere": '
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ),
        ),
        (
            pod(ephemeralContainers=[{"name": "tool", "image": "busybox"}]),
            "spec.ephemeralContainers: Forbidden: cannot be set on create",
        ),
    ],
)
def test_bad_ones_are_refused(obj: Obj, cause: str) -> None:
    assert said(obj) == [cause]


def test_who_may_not_escalate_is_not_privileged() -> None:
    context = {"privileged": True, "allowPrivilegeEscalation": False}
    (cause,) = said(pod_with(securityContext=context))
    assert cause.endswith("cannot set `allowPrivilegeEscalation` to false and `privileged` to true")


def tool(**members: Any) -> Obj:
    return {"name": "tool", "image": "busybox", **members}


@pytest.mark.parametrize(
    ("container", "cause"),
    [
        (tool(targetContainerName="web"), None),
        (
            tool(targetContainerName="nobody"),
            'spec.ephemeralContainers[0].targetContainerName: Not found: "nobody"',
        ),
        (
            tool(ports=[{"containerPort": 80}]),
            (
                "spec.ephemeralContainers[0].ports: Forbidden: "
                "cannot be set for an Ephemeral Container"
            ),
        ),
        (tool(name="web"), 'spec.ephemeralContainers[0].name: Duplicate value: "web"'),
        (tool(resources={}), None),
    ],
)
def test_what_an_ephemeral_container_may_have(container: Obj, cause: str | None) -> None:
    found = [str(one) for one in check_pod(pod(ephemeralContainers=[container]))]
    assert found == ([] if cause is None else [cause])


def test_ephemeral_containers_stay_as_they_came() -> None:
    one, two = tool(), tool(name="two")
    old = pod(ephemeralContainers=[one])

    def changed(*containers: Obj) -> list[str]:
        new = pod(ephemeralContainers=list(containers))
        return [str(cause).strip() for cause in check_ephemeral_update(new, old)]

    assert changed(one, two) == []
    assert changed(two) == [
        (
            'spec.ephemeralContainers: Forbidden: existing ephemeral containers "tool" '
            "may not be removed"
        )
    ]
    assert changed(two, tool(image="other")) == [
        (
            'spec.ephemeralContainers[1]: Forbidden: existing ephemeral containers "tool" '
            "may not be changed"
        )
    ]
