"""Copies of what the runtime and the API have, when news come late or in the wrong order."""

from msgspec.structs import replace

from labctl.api.objects import Obj
from labctl.cri.messages import ContainerEvent
from labctl.node.pods.mirror import RuntimeMirror
from labctl.node.pods.objects import PodObjects
from tests.node.pods import UID, container, pod, sandbox


def filled() -> tuple[RuntimeMirror, list[str]]:
    changed: list[str] = []
    mirror = RuntimeMirror(changed.append)
    mirror.replace_all([sandbox()], [container()])
    return mirror, changed


def test_an_older_state_never_replaces_a_newer_one() -> None:
    mirror, _ = filled()
    mirror.put_container(container(state="exited"))
    mirror.put_container(container(state="running"))
    mirror.put_sandbox(sandbox(state="notready"))
    mirror.put_sandbox(sandbox())
    assert [one.state for one in mirror.containers(UID)] == ["exited"]
    assert [one.state for one in mirror.sandboxes(UID)] == ["notready"]


def test_events_change_the_copy_and_are_told() -> None:
    mirror, changed = filled()
    mirror.take(
        ContainerEvent("container-exited", "node1", sandbox().id, container(state="exited"))
    )
    mirror.take(ContainerEvent("sandbox-died", "node1", sandbox().id))
    assert [one.state for one in mirror.containers(UID)] == ["exited"]
    assert [one.state for one in mirror.sandboxes(UID)] == ["notready"]
    assert changed == [UID, UID, UID]


def test_only_news_are_told() -> None:
    mirror, changed = filled()
    changed.clear()
    mirror.take(ContainerEvent("container-changed", "node1", sandbox().id, container()))
    assert changed == []
    full = replace(container(), log_error="no space left on device")
    mirror.take(ContainerEvent("container-changed", "node1", sandbox().id, full))
    assert [one.log_error for one in mirror.containers(UID)] == ["no space left on device"]
    assert changed == [UID]


def test_late_events_bring_nothing_back() -> None:
    mirror, _ = filled()
    mirror.drop_container(container().id)
    mirror.take(
        ContainerEvent("container-exited", "node1", sandbox().id, container(state="exited"))
    )
    assert mirror.containers(UID) == ()
    mirror.drop_sandbox(sandbox().id)
    mirror.take(ContainerEvent("sandbox-died", "node1", sandbox().id))
    assert mirror.uids() == []


def test_after_a_restart_of_the_runtime_everything_counts_as_changed() -> None:
    mirror, changed = filled()
    changed.clear()
    other = replace(sandbox(), id="other-0", config=replace(sandbox().config, uid="other"))
    mirror.replace_all([other], [])
    assert sorted(changed) == sorted([UID, "other"])
    assert mirror.sandboxes(UID) == ()


def at(revision: int, **metadata: object) -> Obj:
    obj = pod()
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision), **metadata}}


def test_the_newer_of_watch_and_answer_counts() -> None:
    objects = PodObjects(lambda _: None)
    objects.put(at(7), at(7))
    objects.watched(None, at(5))
    assert objects.get(UID) == at(7)
    objects.watched(at(5), at(9))
    assert objects.get(UID) == at(9)


def test_of_its_own_write_nobody_is_told() -> None:
    changed: list[str] = []
    objects = PodObjects(changed.append)
    objects.watched(None, at(5))
    running = {"status": {"phase": "Running"}}
    objects.put({**at(6), **running}, {**at(5), **running})
    objects.watched(at(5), {**at(6), **running})
    assert changed == [UID]


def test_what_others_did_meanwhile_is_told_once() -> None:
    changed: list[str] = []
    objects = PodObjects(changed.append)
    objects.watched(None, at(5))
    deleting = at(7, deletionTimestamp="2025-01-01T00:00:00Z")
    objects.put(deleting, at(5))
    assert changed == [UID, UID]
    objects.watched(at(5), at(6))
    objects.watched(at(6), deleting)
    assert changed == [UID, UID]
    gate = {"status": {"conditions": [{"type": "example.com/gate", "status": "True"}]}}
    objects.put({**at(9), **gate}, at(7))
    assert changed == [UID, UID, UID]


def test_what_was_deleted_does_not_come_back_with_an_old_event() -> None:
    objects = PodObjects(lambda _: None)
    objects.watched(None, at(5))
    objects.deleted(UID)
    objects.watched(at(5), at(6))
    assert objects.get(UID) is None
    objects.watched(at(6), None)
    assert list(objects) == []


def test_two_pods_of_one_name_are_two() -> None:
    objects = PodObjects(lambda _: None)
    objects.watched(None, at(5))
    objects.watched(at(5), None)
    objects.watched(None, at(6, uid="second"))
    assert objects.get(UID) is None
    assert objects.get("second") is not None
