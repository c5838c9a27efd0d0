"""What is used a second, from two summaries of a node: as values."""

from labctl.api.objects import Obj
from labctl.apiserver.metrics.rates import node_usage

_SECOND = 1_000_000_000


def _figures(second: int, cpu_seconds: float, start: int = 0, memory: int = 1024) -> Obj:
    told = f"2030-01-01T00:00:{second:02}.5Z"
    return {
        "startTime": f"2030-01-01T00:00:{start:02}.5Z",
        "cpu": {"time": told, "usageCoreNanoSeconds": int(cpu_seconds * _SECOND)},
        "memory": {"time": told, "workingSetBytes": memory},
    }


def _summary(second: int, agent: float, *containers: Obj) -> Obj:
    pod = {"podRef": {"uid": "u1"}, "containers": list(containers)}
    kubelet = {"name": "kubelet", **_figures(second, agent)}
    return {
        "node": {**_figures(second, 99, memory=4096), "systemContainers": [kubelet]},
        "pods": [pod],
    }


def _container(second: int, cpu: float, start: int = 0, name: str = "main") -> Obj:
    return {"name": name, **_figures(second, cpu, start)}


def test_a_rate_is_what_was_used_between_two_samples() -> None:
    before = _summary(10, 1, _container(10, 20))
    usage = node_usage(before, _summary(14, 2, _container(14, 22)))
    main = usage.pods["u1"]["main"]
    assert (main.cpu, main.memory, main.window) == (_SECOND // 2, 1024, 4)
    assert (usage.node.cpu, usage.node.memory, usage.node.window) == (_SECOND * 3 // 4, 4096, 4)


def test_what_began_in_between_counts_from_its_start() -> None:
    before = _summary(10, 1, _container(10, 20))
    restarted = _summary(14, 1, _container(14, 1, start=12))
    main = node_usage(before, restarted).pods["u1"]["main"]
    assert (main.cpu, main.window) == (_SECOND // 2, 2)


def test_the_first_sample_ever_counts_from_the_start() -> None:
    main = node_usage(None, _summary(20, 0, _container(20, 5))).pods["u1"]["main"]
    assert (main.cpu, main.window) == (_SECOND // 4, 20)


def test_no_rate_is_negative_and_none_is_infinite() -> None:
    before = _summary(10, 1, _container(10, 20))
    assert node_usage(before, _summary(12, 1, _container(12, 19))).pods["u1"]["main"].cpu == 0
    assert node_usage(before, _summary(10, 1, _container(10, 20))).node.cpu == 0


def test_a_pod_whose_containers_all_ended_has_no_figures() -> None:
    assert node_usage(None, _summary(10, 1)).pods == {}
