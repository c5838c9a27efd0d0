"""What one may ask of a container's log (v1.PodLogOptions), read from a URL's query and checked.

The words are kube-apiserver's: strconv's and time's for what cannot be read, and those of
k8s.io/kubernetes/pkg/apis/core/validation for what makes no sense.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from labctl.api import causes, status
from labctl.api.causes import Cause
from labctl.api.objects import parse_time
from labctl.api.resource import Resource

_OPTIONS = Resource("", "v1", "PodLogOptions", "podlogoptions", namespaced=True)
_INT64_MAX = (1 << 63) - 1
_RFC_3339 = "2006-01-02T15:04:05Z07:00"  # as Go writes a layout


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The query of a log request."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: str = ""  # RFC 3339 with nine digits; lines before it are left out

    @classmethod
    def of(cls, query: Mapping[str, str], pod: str, now: float) -> "LogOptions":
        """From the words of a URL at epoch second `now`; raises StatusError (400, 422)."""
        since_seconds, since_time = _number(query, "sinceSeconds"), _moment(query, "sinceTime")
        tail, limit = _number(query, "tailLines"), _number(query, "limitBytes")
        wrong = list(_wrong(tail, limit, since_seconds))
        if since_seconds is not None and since_time is not None:
            both = "at most one of `sinceTime` or `sinceSeconds` may be specified"
            wrong.append(causes.forbidden("", both))
        if wrong:
            raise status.invalid(_OPTIONS, pod, wrong)
        since = now - since_seconds if since_seconds is not None else since_time
        return cls(
            follow=_truth(query, "follow"),
            previous=_truth(query, "previous"),
            timestamps=_truth(query, "timestamps"),
            tail_lines=tail,
            limit_bytes=limit,
            since="" if since is None else _text(since),
        )


def _wrong(tail: int | None, limit: int | None, since: int | None) -> "list[Cause]":
    found = []
    if tail is not None and tail < 0:
        found.append(causes.invalid("tailLines", tail, "must be greater than or equal to 0"))
    for field, value in (("limitBytes", limit), ("sinceSeconds", since)):
        if value is not None and value < 1:
            found.append(causes.invalid(field, value, "must be greater than 0"))
    return found


def _truth(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in {"true", "1", "t"}


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise status.bad_request(f"strconv.ParseInt: parsing {_quoted(text)}: invalid syntax")
    if len(digits) > 19 or abs(int(text)) > _INT64_MAX:
        raise status.bad_request(f"strconv.ParseInt: parsing {_quoted(text)}: value out of range")
    return int(text)


def _moment(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        message = f'parsing time {_quoted(text)} as "{_RFC_3339}": cannot parse it'
        raise status.bad_request(message) from None


def _quoted(text: str) -> str:
    return causes.shown(text[:100])


def _text(epoch: float) -> str:
    """In the form of the log's own times, with which it is compared as text."""
    moment = datetime.fromtimestamp(max(epoch, 0.0), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
