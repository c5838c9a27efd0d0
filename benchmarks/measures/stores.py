"""The same API on both engines of the store, one after the other: what etcd costs more."""

from statistics import median

from benchmarks import memory
from benchmarks.findings import Findings
from benchmarks.lab import running
from benchmarks.measures.api import api
from benchmarks.rows import Row
from benchmarks.sizes import Sizes

UP = Row("`labctl up` of 1 node: etcd / SQLite", "×")
MEMORY = Row("memory of the control plane and its store, idle: etcd / SQLite", "×")


def stores(sizes: Sizes, found: Findings) -> None:
    sqlite, etcd = (_of(engine, sizes) for engine in ("sqlite", "etcd"))
    for row, samples in etcd.samples.items():
        before = median(sqlite.samples[row])
        if before:  # of events lost there are none
            found.add(row, median(samples) / before)


def _of(engine: str, sizes: Sizes) -> Findings:
    found = Findings()
    with running(1, "--store", engine) as lab:
        found.add(UP, lab.up_seconds)
        found.add(MEMORY, memory.total(lab.pids("control-plane") + lab.pids("etcd")))
    measured = Findings()
    api(sizes, measured, "--store", engine)
    for row, samples in measured.samples.items():
        found.add(Row(f"{row.title}: etcd / SQLite", "×"), *samples)
    return found
