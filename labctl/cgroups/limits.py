"""What a control group may use, and what is written into its files for that. Pure.

Units are those of the container runtime interface, which are version 1's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PERIOD = 100_000  # microseconds, over which a quota counts: the kernel's and the kubelet's
MIN_SHARES, MAX_SHARES = 2, 262_144

# Files that some kernels do not have: without swap accounting there is nothing to limit.
OPTIONAL = frozenset({"memory.swap.max", "memory.memsw.limit_in_bytes"})


@dataclass(frozen=True, slots=True)
class Limits:
    """0 is no limit. `memory` in bytes, `cpu_quota` in microseconds of CPU a PERIOD, `cpu_shares`
    against those of siblings, `pids` the number of tasks.
    """

    memory: int = 0
    cpu_quota: int = 0
    cpu_shares: int = 0
    pids: int = 0


Setting = tuple[str, str]  # a file and what is written into it


def unified_settings(limits: Limits, enabled: Iterable[str]) -> Iterator[Setting]:
    """Of version 2, for the controllers that it has."""
    if "memory" in enabled and limits.memory:
        yield "memory.max", str(limits.memory)
        yield "memory.swap.max", "0"
    if "cpu" in enabled and limits.cpu_shares:
        yield "cpu.weight", str(weight(limits.cpu_shares))
    if "cpu" in enabled and limits.cpu_quota:
        yield "cpu.max", f"{limits.cpu_quota} {PERIOD}"
    if "pids" in enabled and limits.pids:
        yield "pids.max", str(limits.pids)


def legacy_settings(limits: Limits, controller: str) -> Iterator[Setting]:
    """Of version 1, for one controller."""
    if controller == "memory" and limits.memory:
        yield "memory.limit_in_bytes", str(limits.memory)
        yield "memory.memsw.limit_in_bytes", str(limits.memory)
    if controller == "cpu" and limits.cpu_shares:
        yield "cpu.shares", str(limits.cpu_shares)
    if controller == "cpu" and limits.cpu_quota:
        yield "cpu.cfs_period_us", str(PERIOD)
        yield "cpu.cfs_quota_us", str(limits.cpu_quota)
    if controller == "pids" and limits.pids:
        yield "pids.max", str(limits.pids)


def weight(shares: int) -> int:
    """Version 2's cpu.weight, 1 … 10,000, of version 1's shares (KEP-2254)."""
    span = MAX_SHARES - MIN_SHARES
    return 1 + (max(shares, MIN_SHARES) - MIN_SHARES) * 9999 // span
