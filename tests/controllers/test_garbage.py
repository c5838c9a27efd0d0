"""What the garbage collector decides about an object, from the graph of owners."""

from dataclasses import replace

import pytest

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import NAMESPACES, PODS
from labctl.api.resource import Resource
from labctl.controllers.garbage.graph import (
    FOREGROUND,
    ORPHAN,
    Ask,
    Collect,
    Disown,
    Finish,
    Graph,
    Item,
    Keep,
    Owner,
    Pursue,
    Verdict,
    judge,
)


def _item(
    resource: Resource, uid: str, *owners: str, space: str = "default", blocks: bool = True
) -> Item:
    references = tuple(Owner("apps/v1", "Kind", uid, uid, blocks) for uid in owners)
    key = f"{space}/{uid}"
    return Item(resource, key, space, uid, uid, references, False, frozenset())


def _waiting(item: Item) -> Item:
    return replace(item, deleting=True, finalizers=frozenset({FOREGROUND}))


def _graph(*items: Item) -> Graph:
    graph = Graph()
    for item in items:
        graph.put(item)
    return graph


_DEPLOYMENT = _item(DEPLOYMENTS, "d")
_REPLICASET = _item(REPLICASETS, "rs", "d")
_POD = _item(PODS, "p", "rs")


@pytest.mark.parametrize(
    ("judged", "others", "absent", "expected"),
    [
        pytest.param(_DEPLOYMENT, [], [], Keep(), id="owned by nobody"),
        pytest.param(_POD, [_REPLICASET], [], Keep(), id="owner lives"),
        pytest.param(_POD, [], [], Ask(_POD.owners), id="owner unknown"),
        pytest.param(_POD, [], ["rs"], Collect("Background"), id="owner gone"),
        pytest.param(
            _item(PODS, "p", "rs", "gone"), [_REPLICASET], ["gone"], Disown(("gone",)),
            id="one owner of two gone",
        ),
        pytest.param(
            replace(_POD, deleting=True), [], ["rs"], Keep(), id="being deleted already"
        ),
        pytest.param(
            replace(_POD, finalizers=frozenset({ORPHAN})), [], ["rs"], Collect("Orphan"),
            id="its own finalizer decides how",
        ),
        pytest.param(
            _POD, [_waiting(_REPLICASET)], [], Collect("Background"), id="owner waits for it"
        ),
        pytest.param(
            _REPLICASET, [_waiting(_DEPLOYMENT), _POD], [], Collect("Foreground"),
            id="owner waits, and it has dependents itself",
        ),
        pytest.param(
            _waiting(_DEPLOYMENT), [_REPLICASET], [], Pursue((_REPLICASET,)),
            id="waits for dependents",
        ),
        pytest.param(
            _waiting(_DEPLOYMENT), [_waiting(_REPLICASET)], [], Pursue(()),
            id="waits for dependents that wait",
        ),
        pytest.param(_waiting(_DEPLOYMENT), [], [], Finish(), id="no dependents left"),
        pytest.param(
            _waiting(_DEPLOYMENT), [_item(REPLICASETS, "rs", "d", blocks=False)], [], Finish(),
            id="dependents that do not block",
        ),
        pytest.param(
            _POD, [_item(REPLICASETS, "rs", space="elsewhere")], [], Collect("Background"),
            id="owner in another namespace",
        ),
        pytest.param(
            _item(PODS, "p", "ns"), [_item(NAMESPACES, "ns", space="")], [], Keep(),
            id="owner without a namespace",
        ),
    ],
)  # fmt: skip
def test_an_object_is_judged_by_its_owners(
    judged: Item, others: list[Item], absent: list[str], expected: Verdict
) -> None:
    assert judge(judged, _graph(judged, *others), absent) == expected


def test_the_graph_forgets_references_that_change() -> None:
    graph = _graph(_DEPLOYMENT, _REPLICASET)
    assert graph.dependents("d") == [_REPLICASET]
    graph.put(replace(_REPLICASET, owners=()))
    assert graph.dependents("d") == []
    graph.remove("rs")
    assert graph.get("rs") is None
