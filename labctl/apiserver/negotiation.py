"""In which form a client wants its answer: its Accept header against what is offered.

As k8s.io/apiserver negotiates: the client's clauses in the order of its preference, each against
the offers in the order of the server's; parameters of a media type (`as=Table`) are not looked at.
"""

from collections.abc import Sequence
from functools import lru_cache

from labctl.api import status
from labctl.apiserver.request import JSON, YAML

OBJECT_FORMS = (JSON, YAML)
WATCH_FORMS = (JSON,)


def negotiated(accept: str, offers: tuple[str, ...]) -> str:
    """The offer that suits an Accept header best, the first for a header that is empty.

    Raises 406 where none does.
    """
    found = chosen(accept, offers)
    if found is None:
        raise status.not_acceptable(offers)
    return found


@lru_cache(maxsize=64)  # clients send few different ones, each of them all the time
def chosen(accept: str, offers: tuple[str, ...]) -> str | None:
    """As `negotiated`, None where no offer suits."""
    if not accept.strip():
        return offers[0]
    for media_range in _by_preference(accept):
        for offer in offers:
            if _matches(media_range, offer):
                return offer
    return None


def _by_preference(accept: str) -> Sequence[str]:
    """The media ranges of an Accept header, those that the client likes best first."""
    clauses = []
    for clause in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in clause.split(";"))
        weight = next((_weight(one) for one in parameters if one.startswith("q=")), 1.0)
        if weight > 0:
            clauses.append((media_range, weight))
    return [one for one, _ in sorted(clauses, key=lambda pair: -pair[1])]


def _weight(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 1.0


def _matches(media_range: str, offer: str) -> bool:
    kind, _, subtype = media_range.partition("/")
    if subtype == "*":
        return kind in {"*", offer.partition("/")[0]}
    return media_range == offer.lower()
