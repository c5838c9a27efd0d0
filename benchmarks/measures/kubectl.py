"""`kubectl apply` of a Deployment, against what kubectl costs by itself."""

import shutil

from benchmarks.cores import pin, pinned
from benchmarks.findings import Findings
from benchmarks.lab import running
from benchmarks.replay import applies
from benchmarks.rows import Row
from benchmarks.sizes import Sizes

APPLY = Row("`kubectl apply` of a Deployment", "ms")
RATIO = Row("the same / the same exchange against ready answers", "×")


def kubectl(_sizes: Sizes, found: Findings) -> None:
    """The server on one core, kubectl on the other, both times."""
    program = shutil.which("kubectl")
    if program is None:
        found.missing[APPLY.title] = "kubectl is not installed"
        return
    with running(1) as lab, pinned(1):
        pin(lab.pids("control-plane"), 0)
        here, there = applies(program, lab.kubeconfig, lab.url, lab.pki)
    found.add(APPLY, *(1000 * one for one in here))
    found.add(RATIO, *(one / other for one, other in zip(here, there, strict=True)))
