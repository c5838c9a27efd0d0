"""Many pods from one POST, and the same pods' data plane alone, each between two floors."""

from statistics import fmean, median

from benchmarks import memory
from benchmarks.findings import Findings, Steps
from benchmarks.floor import Floor, floor
from benchmarks.held import from_bound_to_status
from benchmarks.lab import Lab, running
from benchmarks.peers.mininet import mininet
from benchmarks.peers.missing import Missing
from benchmarks.pods import rise
from benchmarks.processor import await_quiet, ran, used
from benchmarks.rows import Row, at_least, at_most
from benchmarks.sizes import Sizes

_WHAT = "{pods:,} pods over {nodes} nodes"

OVER_FLOOR = Row(
    f"{_WHAT}, POST of one Deployment to all Ready / floor", "×", at_most(2.5), budget=at_most(4)
)
RATE = Row("the same, pods Ready per second", "/s", at_least(200))
DATA_PLANE = Row(
    "the same, data plane only, from bound to status / floor",
    "×",
    at_most(1.6),
    budget=at_most(3.5),
)
DOWN = Row("`labctl down` of {pods:,} pods, to nothing left", "s", at_most(3))
DOWN_A_POD = Row("the same, per pod / Mininet, per host", "×", at_most(1 / 8))
CONTROL_PLANE = Row("memory of the control plane with {pods:,} pods", "MB", at_most(250))
AGENT = Row("memory of a further node's agent (PSS)", "MB", at_most(14))
POD = Row("memory of a further pod in user space (PSS of all processes)", "KB", at_most(120))
FIRST_PODS = Row(
    "memory of each of the first {pods:,} pods, with what nodes use for the first time", "KB"
)

RISE = Row(f"{_WHAT}, POST to all Ready", "s")
FLOOR = Row("the floor, per pod", "ms")
PROCESSOR = Row("processor time of all processes per pod / floor", "×")
FLOOR_PROCESSOR = Row("processor time per pod: the floor", "ms")
PARTS = {
    "control-plane": Row("processor time per pod: control plane", "ms"),
    "agent-": Row("processor time per pod: agents", "ms"),
    "runtime": Row("processor time per pod: runtime", "ms"),
}
PAUSE_PROCESSOR = Row("processor time per pod: pause", "ms")
MININET_DOWN = Row("Mininet down, per host", "ms")


def thousand_pods(sizes: Sizes, found: Findings) -> None:
    aside = Findings()
    before = floor(sizes.pods, sizes.nodes)
    with running(sizes.nodes) as lab:
        steps, processor = _rise(lab, sizes.pods, aside)
        down = lab.down()
    between = floor(sizes.pods, sizes.nodes)
    with running(sizes.nodes) as lab:
        data_plane = from_bound_to_status(lab, sizes.pods)
        aside.add(POD, _further(lab, sizes.pods // 4))
    after = floor(sizes.pods, sizes.nodes)
    seconds = steps[-1][0]
    found.add(OVER_FLOOR, seconds / _mean(before, between))
    found.add(RATE, sizes.pods / seconds)
    found.add(DATA_PLANE, data_plane / _mean(between, after))
    found.add(DOWN, down)
    _add_mininet(sizes, down / sizes.pods, found)
    aside.add(PROCESSOR, processor / fmean([before.processor, between.processor]))
    aside.add(RISE, seconds)
    _add_floors(sizes, aside, before, between, after)
    found.absorb(aside)
    found.add_curve("labctl", steps)
    found.add_curve("the floor", _thinned(before.after))


def _rise(lab: Lab, pods: int, found: Findings) -> tuple[Steps, float]:
    """How they came up, and the processor time of all that took part."""
    await_quiet(lab.pids())
    found.add(AGENT, median(map(memory.proportional, lab.pids("agent-"))) / 1024)
    used_before = {part: used(lab.pids(part)) for part in PARTS}
    held_before = memory.total(lab.all_pids())
    steps = rise(lab.client(), "many", pods)
    spent = {part: used(lab.pids(part)) - used_before[part] for part in PARTS}
    pauses = sum(map(ran, set(lab.all_pids()) - set(lab.pids())))
    await_quiet(lab.pids())
    found.add(CONTROL_PLANE, memory.total(lab.pids("control-plane")) / 1024)
    found.add(FIRST_PODS, (memory.total(lab.all_pids()) - held_before) / pods)
    for part, row in PARTS.items():
        found.add(row, 1000 * spent[part] / pods)
    found.add(PAUSE_PROCESSOR, 1000 * pauses / pods)
    return steps, sum(spent.values()) + pauses


def _further(lab: Lab, pods: int) -> float:
    """KB that each of some more pods takes, where there are many."""
    await_quiet(lab.pids())
    held_before = memory.total(lab.all_pids())
    rise(lab.client(), "more", pods)
    await_quiet(lab.pids())
    return (memory.total(lab.all_pids()) - held_before) / pods


def _mean(*floors: Floor) -> float:
    return fmean(one.seconds for one in floors)


def _add_floors(sizes: Sizes, found: Findings, *floors: Floor) -> None:
    for one in floors:
        found.add(FLOOR, 1000 * one.seconds / sizes.pods)
        found.add(FLOOR_PROCESSOR, 1000 * one.processor / sizes.pods)


def _add_mininet(sizes: Sizes, down_a_pod: float, found: Findings) -> None:
    try:
        run = mininet(sizes.hosts)
    except Missing as error:
        found.missing[DOWN_A_POD.title] = str(error)
        return
    found.add(DOWN_A_POD, down_a_pod / (run.down / run.hosts))
    found.add(MININET_DOWN, 1000 * run.down / run.hosts)


def _thinned(after: list[float]) -> Steps:
    """Every hundredth part of the way."""
    step = max(1, len(after) // 100)
    return [(after[number - 1], number) for number in range(step, len(after) + 1, step)]
