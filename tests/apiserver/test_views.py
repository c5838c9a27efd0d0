"""Two versions of one object, over the API: one history, two forms."""

from pathlib import Path
from typing import Any

from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS, HORIZONTALPODAUTOSCALERS_V1
from labctl.api.kinds.core import COMPONENTSTATUSES, EVENTS
from labctl.api.kinds.events import NEWER_EVENTS
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS, PODDISRUPTIONBUDGETS_V1BETA1
from labctl.api.objects import Obj
from labctl.apiserver.answers import Stream
from labctl.apiserver.authentication import ADMIN
from labctl.apiserver.request import Request, Target
from labctl.client.client import Client
from tests.apiserver.serving import client, first, refused, run, serving, transport

SPACE = "default"
V1: Obj = {
    "apiVersion": "autoscaling/v1",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web", "namespace": SPACE},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": 3,
        "targetCPUUtilizationPercentage": 70,
    },
}
NEWER: Obj = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "web.1", "namespace": SPACE},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "example.org/tester",
    "reportingInstance": "tester-1",
    "action": "Testing",
    "reason": "Tested",
    "type": "Normal",
    "note": "it was tested",
    "regarding": {"kind": "Pod", "name": "web", "namespace": SPACE},
}


def test_an_autoscaler_of_v1_is_read_written_and_watched_as_v2(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await api.create(HORIZONTALPODAUTOSCALERS_V1, V1)
            assert made["apiVersion"] == "autoscaling/v1"
            events = api.watch(HORIZONTALPODAUTOSCALERS, SPACE)
            older = api.watch(HORIZONTALPODAUTOSCALERS_V1, SPACE)
            ((_, stored),) = await first(events, 1)
            ((_, shown),) = await first(older, 1)
            assert shown == made
            assert stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
            await _change_both_ways(api)
            (second, third) = await first(events, 2)
            assert _use(second.object) == 50
            assert third.object["spec"]["maxReplicas"] == 9
            (_, changed) = await first(older, 2)
            assert changed.object["apiVersion"] == "autoscaling/v1"
            assert changed.object["spec"]["targetCPUUtilizationPercentage"] == 50
            (listed,) = (await api.list(HORIZONTALPODAUTOSCALERS_V1, SPACE)).items
            assert (
                listed["metadata"]["resourceVersion"] == third.object["metadata"]["resourceVersion"]
            )
            await events.aclose()
            await older.aclose()

    run(main())


async def _change_both_ways(api: Client) -> None:
    patch = {"spec": {"targetCPUUtilizationPercentage": 50}}
    patched = await api.patch(HORIZONTALPODAUTOSCALERS_V1, "web", patch, SPACE)
    assert patched["spec"]["targetCPUUtilizationPercentage"] == 50
    same = await api.patch(HORIZONTALPODAUTOSCALERS_V1, "web", patch, SPACE)
    assert same["metadata"]["resourceVersion"] == patched["metadata"]["resourceVersion"]
    stored = await api.get(HORIZONTALPODAUTOSCALERS, "web", SPACE)
    await api.replace(
        HORIZONTALPODAUTOSCALERS, {**stored, "spec": {**stored["spec"], "maxReplicas": 9}}
    )
    await refused(
        api.replace(HORIZONTALPODAUTOSCALERS_V1, {**patched, "spec": V1["spec"]}),
        409,
        "Conflict",
    )


def _use(hpa: Obj) -> Any:
    return hpa["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"]


def test_unknown_fields_are_judged_in_the_form_that_was_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            bad = {**V1, "spec": {**V1["spec"], "behaviour": {}}}
            await refused(
                transport(server).request(
                    "POST",
                    HORIZONTALPODAUTOSCALERS_V1.path(SPACE),
                    query={"fieldValidation": "Strict"},
                    body=bad,
                ),
                400,
                "BadRequest",
                'strict decoding error: unknown field "spec.behaviour"',
            )
            await refused(
                client(server).create(
                    HORIZONTALPODAUTOSCALERS_V1, {**V1, "apiVersion": "autoscaling/v2"}
                ),
                400,
                "BadRequest",
            )

    run(main())


def test_events_of_both_groups_are_the_same_objects(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(NEWER_EVENTS, NEWER)
            core = await api.get(EVENTS, "web.1", SPACE)
            assert core["message"] == "it was tested"
            assert core["involvedObject"]["name"] == "web"
            found = await api.list(NEWER_EVENTS, SPACE, fields="regarding.name=web,reason=Tested")
            assert [one["note"] for one in found.items] == ["it was tested"]
            assert not (await api.list(NEWER_EVENTS, SPACE, fields="regarding.name!=web")).items
            await refused(
                api.list(NEWER_EVENTS, SPACE, fields="involvedObject.name=web"), 400, "BadRequest"
            )
            await api.delete(NEWER_EVENTS, "web.1", SPACE)
            await refused(api.get(EVENTS, "web.1", SPACE), 404, "NotFound")

    run(main())


def test_a_new_event_lacks_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            poor = {field: value for field, value in NEWER.items() if field != "action"}
            error = await refused(
                client(server).create(NEWER_EVENTS, poor), 422, "Invalid", "action"
            )
            assert error.status["details"]["group"] == "events.k8s.io"

    run(main())


def test_a_version_that_is_gone_from_kubernetes_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            budget: Obj = {
                "apiVersion": "policy/v1beta1",
                "kind": "PodDisruptionBudget",
                "metadata": {"name": "guard", "namespace": SPACE},
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
            }
            await client(server).create(PODDISRUPTIONBUDGETS_V1BETA1, budget)
            stored = await client(server).get(PODDISRUPTIONBUDGETS, "guard", SPACE)
            assert (stored["apiVersion"], stored["spec"]) == ("policy/v1", budget["spec"])
            target = Target(PODDISRUPTIONBUDGETS_V1BETA1, SPACE)
            answer = await server.handle(Request("list", target, ADMIN, {}))
            assert not isinstance(answer, Stream)
            assert answer.object()["apiVersion"] == "policy/v1beta1"
            (warning,) = answer.warnings
            assert warning.startswith("policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+")

    run(main())


def test_the_parts_of_the_control_plane_are_healthy(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            names = [one["metadata"]["name"] for one in (await api.list(COMPONENTSTATUSES)).items]
            assert names == ["controller-manager", "etcd-0", "scheduler"]
            table = await api.table(COMPONENTSTATUSES, name="etcd-0")
            assert table["rows"][0]["cells"] == ["etcd-0", "Healthy", "ok", ""]
            await refused(api.get(COMPONENTSTATUSES, "etcd-1"), 404, "NotFound")
            await refused(api.delete(COMPONENTSTATUSES, "etcd-0"), 405, "MethodNotAllowed")

    run(main())
