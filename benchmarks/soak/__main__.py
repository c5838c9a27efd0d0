"""`make soak`: `python -m benchmarks.soak --pods 10000 --nodes 10 --rounds 20`."""

import argparse
import asyncio
import os
import time

from benchmarks.measures import command
from benchmarks.soak import gauges, load
from benchmarks.soak.gauges import Reading
from labctl.lab import connect

_LAB = f"soak-{os.getpid()}"


def main() -> None:
    wanted = _arguments()
    with gauges.accounted(_LAB) as group:
        command(_LAB, "up", "--nodes", str(wanted.nodes))
        try:
            asyncio.run(_rounds(wanted.pods, wanted.rounds, group))
        finally:
            command(_LAB, "down")


async def _rounds(pods, rounds, group):
    client, runtime = connect.client(_LAB), load.runtime_of(_LAB)
    began = time.monotonic()
    readings = []
    for number in range(rounds + 1):
        if number:
            await load.make_and_delete(client, runtime, pods // rounds)
        r = gauges.read(_LAB, number * (pods // rounds), time.monotonic() - began, group)
        M = 1 << 20
        print(
            r.pods,
            f"{r.seconds:.0f}s",
            {k: round(v / M, 1) for k, v in r.pss.items()},
            dict(r.descriptors),
            dict(r.threads),
            r.processes,
            r.namespaces,
            f"kernel {r.kernel / M:.1f} store {r.store / M:.1f}",
            flush=True,
        )
    await runtime.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
