"""How others make many: Mininet's hosts, and pods that the CNI bridge plugin puts on the network."""

from statistics import median

from benchmarks.findings import Findings
from benchmarks.peers.cni import cni
from benchmarks.peers.mininet import mininet
from benchmarks.peers.missing import Missing
from benchmarks.rows import Row
from benchmarks.sizes import Sizes

MININET_UP = Row("Mininet up, per host, {most_hosts:,} hosts", "ms")
MININET_DOWN = Row("Mininet down, per host, {most_hosts:,} hosts", "ms")
ADD = Row("CNI bridge plugin, ADD", "ms")
DELETE = Row("CNI bridge plugin, DEL", "ms")
_PARTS = (0.1, 0.3, 1.0)  # of the way, for the curve: each a network of its own


def peers(sizes: Sizes, found: Findings) -> None:
    for system, measure in (("Mininet", _mininet), ("CNI bridge plugin", _cni)):
        try:
            measure(sizes, found)
        except Missing as error:
            found.missing[system] = str(error)


def _mininet(sizes: Sizes, found: Findings) -> None:
    runs = [mininet(round(part * sizes.most_hosts)) for part in _PARTS]
    found.add(MININET_UP, 1000 * runs[-1].up / runs[-1].hosts)
    found.add(MININET_DOWN, 1000 * runs[-1].down / runs[-1].hosts)
    found.add_curve("Mininet", [(run.up, run.hosts) for run in runs])


def _cni(sizes: Sizes, found: Findings) -> None:
    run = cni(sizes.plugged)
    found.add(ADD, 1000 * median(run.add))
    found.add(DELETE, 1000 * median(run.delete))
    steps = [(seconds, number) for number, seconds in enumerate(run.after, 1)]
    found.add_curve("CNI bridge plugin", steps[:: max(1, len(steps) // 20)] + steps[-1:])
