"""Many pods from one POST, and the same pods' data plane alone, each between two floors."""

from statistics import fmean

from benchmarks.floor import Floor, floor
from benchmarks.held import from_bound_to_status
from benchmarks.lab import Lab, running
from benchmarks.pods import rise
from benchmarks.processor import used
from benchmarks.rows import Row, Samples, at_least, at_most
from benchmarks.sizes import Sizes

_WHAT = "{pods:,} pods over {nodes} nodes"

FLOOR = Row("floor: a namespace, its cable and a pause, per pod", "ms")
FLOOR_PROCESSOR = Row("floor: processor time of that", "ms")
RISE = Row(f"{_WHAT}: POST of one Deployment to all Ready", "s")
OVER_FLOOR = Row(f"{_WHAT}: POST to all Ready / floor", "×", at_most(2.5))
RATE = Row(f"{_WHAT}: pods Ready per second", "/s", at_least(200))
DATA_PLANE = Row(f"{_WHAT}: data plane only, bound to status / floor", "×", at_most(1.6))
CONTROL_PLANE_PROCESSOR = Row("processor time per pod: control plane", "ms")
AGENT_PROCESSOR = Row("processor time per pod: agents", "ms")
RUNTIME_PROCESSOR = Row("processor time per pod: runtime", "ms")

_PARTS = {
    CONTROL_PLANE_PROCESSOR: "control-plane",
    AGENT_PROCESSOR: "agent-",
    RUNTIME_PROCESSOR: "runtime",
}


def thousand_pods(sizes: Sizes) -> Samples:
    pods, nodes = sizes.pods, sizes.nodes
    first = floor(pods, nodes)
    with running(nodes) as lab:
        before = _used(lab)
        seconds = rise(lab.client(), "many", pods)[-1][0]
        after = _used(lab)
    second = floor(pods, nodes)
    with running(nodes) as lab:
        data_plane = from_bound_to_status(lab, pods)
    third = floor(pods, nodes)
    return {
        FLOOR: [1000 * one.seconds / pods for one in (first, second, third)],
        FLOOR_PROCESSOR: [1000 * one.processor / pods for one in (first, second, third)],
        RISE: [seconds],
        OVER_FLOOR: [seconds / _mean(first, second)],
        RATE: [pods / seconds],
        DATA_PLANE: [data_plane / _mean(second, third)],
        **{row: [1000 * (after[row] - before[row]) / pods] for row in _PARTS},
    }


def _mean(*floors: Floor) -> float:
    return fmean(one.seconds for one in floors)


def _used(lab: Lab) -> dict[Row, float]:
    return {row: used(lab.pids(prefix)) for row, prefix in _PARTS.items()}
