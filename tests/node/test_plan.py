"""What is done next for a pod, as a table: its object and what the node has → sentences."""

from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.node.pods.facts import Failure, PodFacts
from labctl.node.pods.plan import plan
from tests.node.pods import NOW, container, deleting, facts, pod, sandbox

UP = (sandbox(), container())
CRASHED = container(state="exited", code=1)
NEVER: Any = {"restartPolicy": "Never"}
ON_FAILURE: Any = {"restartPolicy": "OnFailure"}
SIDECAR = [{"name": "proxy", "image": "i", "restartPolicy": "Always"}]

TABLE: list[tuple[str, Obj | None, PodFacts, list[str]]] = [
    ("a new pod gets a sandbox", pod(), facts(), ["run sandbox 0"]),
    (
        "a sandbox that is not on the network is attached",
        pod(),
        facts(sandbox(), attached=frozenset()),
        ["attach sandbox 0b1c-0 with 10.244.1.2"],
    ),
    (
        "then all containers are created",
        pod("web", "log"),
        facts(sandbox()),
        ["create container web, attempt 0", "create container log, attempt 0"],
    ),
    (
        "what is created is started",
        pod("web", "log"),
        facts(sandbox(), container("web", "created"), container("log")),
        ["start container web"],
    ),
    ("a pod that runs is left alone", pod(), facts(*UP), []),
    (
        "init containers come first, one by one",
        pod(init=("a", "b")),
        facts(sandbox()),
        ["create container a, attempt 0"],
    ),
    (
        "the second init container waits for the first",
        pod(init=("a", "b")),
        facts(sandbox(), container("a")),
        [],
    ),
    (
        "and comes when the first has succeeded",
        pod(init=("a", "b")),
        facts(sandbox(), container("a", "exited")),
        ["create container b, attempt 0"],
    ),
    (
        "a stand-in for an init container has succeeded once it is created",
        pod(init=("a",)),
        facts(sandbox(), container("a", "created", stand_in=True)),
        ["create container web, attempt 0"],
    ),
    (
        "an init container that failed is tried again",
        pod(init=("a",)),
        facts(sandbox(), container("a", "exited", code=1)),
        ["create container a, attempt 1"],
    ),
    (
        "but not with restartPolicy Never: the pod has failed",
        pod(init=("a",), **NEVER),
        facts(sandbox(), container("a", "exited", code=1)),
        ["stop sandbox 0b1c-0"],
    ),
    (
        "a sidecar lets the others start once it was started",
        pod(initContainers=SIDECAR),
        facts(sandbox(), container("proxy")),
        ["create container web, attempt 0"],
    ),
    (
        "and is started again beside them",
        pod(initContainers=SIDECAR),
        facts(*UP, container("proxy", "exited", code=0)),
        ["create container proxy, attempt 1"],
    ),
    (
        "a container that crashed is created anew at once the first time",
        pod(),
        facts(sandbox(), CRASHED),
        ["create container web, attempt 1"],
    ),
    (
        "and waits in back-off after that",
        pod(),
        facts(sandbox(), CRASHED, delays={"web": 10.0}),
        [],
    ),
    (
        "a container that could not be created is not tried before its time",
        pod(),
        facts(sandbox(), failures={"web": Failure("CreateContainerError", "no", NOW + 10)}),
        [],
    ),
    (
        "OnFailure does not restart what succeeded",
        pod("web", "log", **ON_FAILURE),
        facts(sandbox(), container(state="exited"), container("log")),
        [],
    ),
    (
        "OnFailure restarts what failed",
        pod(**ON_FAILURE),
        facts(sandbox(), CRASHED),
        ["create container web, attempt 1"],
    ),
    (
        "a pod that has ended gives up its sandbox and keeps its containers for their logs",
        pod(**NEVER),
        facts(sandbox(), CRASHED),
        ["stop sandbox 0b1c-0"],
    ),
    (
        "and is then left alone",
        pod(**NEVER),
        facts(sandbox(state="notready"), CRASHED, stopped=frozenset({"0b1c-0"})),
        [],
    ),
    (
        "a pod that the API calls failed is stopped",
        pod(status={"phase": "Failed"}, terminationGracePeriodSeconds=5),
        facts(*UP),
        ["stop container web"],
    ),
    (
        "when pause died the sandbox is taken down first",
        pod(),
        facts(sandbox(state="notready"), container()),
        ["stop sandbox 0b1c-0"],
    ),
    (
        "then there is another",
        pod(),
        facts(sandbox(state="notready"), CRASHED, stopped=frozenset({"0b1c-0"})),
        ["run sandbox 1"],
    ),
    (
        "in which everything is started again, whatever the back-off",
        pod(),
        facts(
            sandbox(state="notready"),
            sandbox(1),
            CRASHED,
            stopped=frozenset({"0b1c-0"}),
            delays={"web": 300.0},
        ),
        ["create container web, attempt 1"],
    ),
    (
        "OnFailure does not run again in it what had succeeded",
        pod("web", "log", **ON_FAILURE),
        facts(
            sandbox(state="notready"),
            sandbox(1),
            container(state="exited"),
            container("log", "exited", code=137),
            stopped=frozenset({"0b1c-0"}),
        ),
        ["create container log, attempt 1"],
    ),
    (
        "a runtime that forgot everything goes on counting where the status stood",
        pod(status={"containerStatuses": [{"name": "web", "containerID": "x", "restartCount": 4}]}),
        facts(sandbox()),
        ["create container web, attempt 5"],
    ),
    (
        "old incarnations are removed, but for the last two",
        pod(),
        facts(
            sandbox(),
            container(state="exited"),
            container(state="exited", attempt=1),
            container(attempt=2),
        ),
        ["remove container web-0"],
    ),
    (
        "and with them the sandboxes that held only such",
        pod(),
        facts(
            sandbox(state="notready"),
            sandbox(1),
            container(state="exited"),
            container(state="exited", attempt=1, in_sandbox=1),
            container(attempt=2, in_sandbox=1),
            stopped=frozenset({"0b1c-0"}),
        ),
        ["remove sandbox 0b1c-0"],
    ),
    ("deletion begins with the containers", deleting(pod()), facts(*UP), ["stop container web"]),
    (
        "which are asked only once",
        deleting(pod()),
        facts(*UP, stopping={"web-0": NOW + 31}),
        [],
    ),
    (
        "unless the grace was cut short",
        deleting(pod(), "2023-11-14T22:13:25Z", 5),
        facts(*UP, stopping={"web-0": NOW + 31}),
        ["stop container web"],
    ),
    (
        "then comes the sandbox",
        deleting(pod()),
        facts(sandbox(), container(state="exited")),
        ["stop sandbox 0b1c-0"],
    ),
    (
        "and only then the object",
        deleting(pod()),
        facts(sandbox(state="notready"), CRASHED, stopped=frozenset({"0b1c-0"})),
        ["delete the pod's object"],
    ),
    (
        "a pod that never got a sandbox goes at once",
        deleting(pod()),
        facts(),
        ["delete the pod's object"],
    ),
    (
        "what the API no longer has is removed",
        None,
        facts(sandbox(state="notready"), stopped=frozenset({"0b1c-0"})),
        ["remove sandbox 0b1c-0"],
    ),
    ("an orphan is taken down", None, facts(*UP), ["stop container web"]),
    ("nothing is left of it", None, facts(), []),
]


@pytest.mark.parametrize(
    ("obj", "had", "done"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_plan(obj: Obj | None, had: PodFacts, done: list[str]) -> None:
    assert [action.describe() for action in plan(obj, had, NOW).actions] == done


def test_a_container_in_back_off_is_looked_at_again_when_it_is_over() -> None:
    had = facts(sandbox(), container(state="exited", code=1, ended=NOW - 4), delays={"web": 10.0})
    assert plan(pod(), had, NOW).again == 6.0


def test_an_orphan_has_no_grace_and_a_deleted_pod_what_is_left_of_its_own() -> None:
    (stop,) = plan(None, facts(*UP), NOW).actions
    assert getattr(stop, "deadline") == NOW  # noqa: B009 - of the one action that has it
    (stop,) = plan(deleting(pod()), facts(*UP), NOW + 10).actions
    assert getattr(stop, "deadline") == NOW + 31  # noqa: B009
