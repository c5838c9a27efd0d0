"""`/healthz`, `/livez` and `/readyz`, with their checks one by one, in Kubernetes' text form.

`?verbose` lists the checks, `?exclude=NAME` leaves one out, `/readyz/NAME` asks one alone. As
k8s.io/apiserver/pkg/server/healthz: why a check failed is for the log and not for the public.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

Check = Callable[[], Awaitable[bool]]

ENDPOINTS = ("healthz", "livez", "readyz")


@dataclass(frozen=True, slots=True)
class Health:
    """A code and what it says."""

    code: int
    text: str


async def health(
    path: str, checks: Mapping[str, Check], excluded: Collection[str], *, verbose: bool
) -> Health | None:
    """The answer at a path such as `/readyz/ping`; None if there is nothing."""
    _, endpoint, *rest = path.split("/")
    name = "/".join(rest)
    if endpoint not in ENDPOINTS or (name and name not in checks):
        return None
    if name:
        good = await checks[name]()
        return Health(200, "ok") if good else Health(500, "internal server error: not ok\n")
    results = {one: one in excluded or await check() for one, check in checks.items()}
    if all(results.values()) and not verbose:
        return Health(200, "ok")
    unknown = sorted(set(excluded) - checks.keys())
    return _told(endpoint, results, excluded, unknown)


def _told(
    endpoint: str, results: Mapping[str, bool], excluded: Collection[str], unknown: list[str]
) -> Health:
    lines = []
    for name, good in results.items():
        how = "excluded: ok" if name in excluded else "ok" if good else "failed: reason withheld"
        lines.append(f"[{'+' if good else '-'}]{name} {how}")
    if unknown:
        names = ",".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
    passed = all(results.values())
    lines.append(f"{endpoint} check {'passed' if passed else 'failed'}")
    return Health(200 if passed else 500, "\n".join(lines) + "\n")
