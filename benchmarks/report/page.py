"""docs/benchmarks.md, whole: a run writes it, and nobody else."""

from pathlib import Path

from benchmarks.findings import Report, save
from benchmarks.report.plot import plot
from benchmarks.report.table import other_table, target_table

_DOCS = Path(__file__).parents[2] / "docs"

_HEAD = """# What a lab costs

One run of `make bench` on {date}: {processor}, {cores} cores, {memory}, Linux {kernel}, Python {python}.
Absolute times depend on the machine; ratios are of things that were measured in turns, in this run.
Samples of everything are in [benchmarks.json](benchmarks.json).
"""
_PLOT = """
## Time against number of pods

![Seconds until so many pods are Ready, for each system](benchmarks.svg)

labctl's line is one Deployment, POST to Ready, API, scheduler, events and all. The floor is what the
kernel and a pause process cost, and nothing else. Mininet starts hosts on one Linux bridge. The CNI
bridge plugin is called for a namespace with a pause in it. Neither of the two has an API.
"""
_HOW = """
## How it is measured

- **The floor** (`benchmarks/floor/`) shares no code with labctl. For each pod, netlink messages packed by
  hand make a network namespace, a veth pair with both ends where they belong, the node's end a port of
  the node's bridge, and an address and a default route in the pod; a pause process holds it. One thread makes one
  after the other. It runs before and after each lab that is measured against it.
- **POST to all Ready** is one Deployment through the API, seen by a watch of it.
- **Data plane only**: the agents stand still until every pod is bound and the control plane has come to rest; from
  when they go on until the last pod is Ready.
- **To nothing left**: `labctl down`, and then until the kernel has taken the last namespace apart.
- **Memory** is the proportional set size: shared pages are shared out among those who share them. A further pod is one
  of a quarter as many again; the first ones cost more, since all that a node does it then does for the first time.
- **Traffic** is TCP between two pods, in slices, each right beside one of the same topology made with `ip`.
- **Furthest behind** is counted from when a write is sent to when a watcher has it, over TLS.
- Mininet and the CNI plugin run in namespaces of their own, on the same machine, in the same run.

`python -m benchmarks --help` says how to measure less, more, or one thing; `make bench-quick` is the short form, which
CI runs. It fails when a ratio is off its budget by a factor of two in every run: that is the target, or, where the
target is not reached yet, what keeps the ratio from getting worse unseen (`budget` in `benchmarks/measures/`).
"""


def page(report: Report) -> str:
    parts = [_HEAD.format(**report.machine), target_table(report.lines)]
    if report.curves:
        parts.append(_PLOT)
    others = other_table(report.lines)
    parts += ["\n## Also measured\n", others] if others else []
    if report.missing:
        rows = [f"- {what}: {why}" for what, why in report.missing.items()]
        parts += ["\n## Not measured\n", *rows]
    return "\n".join([*parts, _HOW])


def write(report: Report, directory: Path = _DOCS) -> None:
    """The page, its plot, and the samples."""
    save(report, directory / "benchmarks.json")
    (directory / "benchmarks.md").write_text(page(report))
    if report.curves:
        (directory / "benchmarks.svg").write_text(plot(report.curves))
