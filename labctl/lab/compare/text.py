"""The comparison as a person reads it: what only one side has, line by line."""

from collections.abc import Iterator

from labctl.api.objects import Obj

_SHOWN = 12  # lines of one difference


def text(report: Obj) -> str:
    """A NetworkComparison as plain text; - is the first side's, + the second's."""
    lines = [*_sides(report), "", *_differences(report), "", *_latency(report)]
    return "\n".join(lines) + "\n"


def _sides(report: Obj) -> Iterator[str]:
    for sign, side in zip("-+", report["sides"], strict=True):
        verdict = "passed" if side["passed"] else "FAILED"
        took = f"verify {verdict} in {side['durationSeconds']:.2f} s"
        yield f"{sign} {side['lab']}: {side['network']}, {side['pods']} pods, {took}"


def _differences(report: Obj) -> Iterator[str]:
    if report["same"]:
        yield "no difference in routes, MTUs, rules and matrix"
    for one in report["differences"]:
        if "only" in one:
            yield f"{one['subject']} of {one['where']}:"
            for sign, found in zip("-+", one["only"], strict=True):
                yield from (f"  {sign} {line}" for line in found[:_SHOWN])
                if len(found) > _SHOWN:
                    yield f"  {sign} ({len(found) - _SHOWN} more)"
        elif one["subject"] == "mtu":
            yield f"mtu of {one['where']} {one['link']}: {_both(map(_word, one['values']))}"
        else:
            what = f"{one['claim']} {one['path']} {one['protocol']}"
            yield f"matrix, {what}: {_both(map(_outcome, one['values']))}"


def _both(words: Iterator[str]) -> str:
    return " | ".join(words)


def _word(value: object) -> str:
    return "none" if value is None else str(value)


def _outcome(value: Obj | None) -> str:
    if value is None:
        return "not checked"
    hops = f"{', '.join(map(str, value['hops']))} hops" if value["hops"] else ""
    failed = f"{value['failed']} of {value['checked']} failed" if value["failed"] else ""
    why = value["reasons"][0] if value["reasons"] else ""
    return ", ".join(part for part in (failed, hops, why) if part) or f"{value['checked']} checks"


def _latency(report: Obj) -> Iterator[str]:
    yield f"{'LATENCY':<12} {'MEDIAN (MIN), MS':<20}"
    for one in report["latency"]:
        shown = (
            f"{side['median']:.3f} ({side['min']:.3f})" if side else "no answer"
            for side in one["milliseconds"]
        )
        yield f"{one['path']:<12} " + " | ".join(f"{word:<15}" for word in shown).rstrip()
