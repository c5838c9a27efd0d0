"""Telling a wound from one's own work.

The kernel announces every change, also those that the reader made itself, with intermediate states.
What counts is the last word on each thing, compared with what should be there; only links are
different: one that went down or away and came back has lost its routes without a RTM_DELROUTE.
labctl never sets its own links down for a moment, so such an event is always a wound, but for the
first one on a link just made.
"""

from collections.abc import Iterable

from labctl.net.monitor import Change, Event, Lost
from labctl.net.nouns import Key, Link, Sysctl
from labctl.net.state import NetState


def wounds(events: Iterable[Event], known: NetState) -> tuple[Event, ...]:
    """Those of `events` that contradict `known`, the state that the namespace should be in.

    A `Lost` always does. A thing that nobody knows of does too, unless it is a setting.
    """
    found: list[Event] = []
    last: dict[Key, Change] = {}
    for event in events:
        if isinstance(event, Lost) or _broke(event, known):
            found.append(event)
        else:
            last[event.noun.key] = event
    return (*found, *(change for change in last.values() if _contradicts(change, known)))


def _broke(change: Change, known: NetState) -> bool:
    """Whether a link that should be up was not, be it for a moment."""
    should = known.get(change.noun.key)
    if not isinstance(should, Link) or not isinstance(change.noun, Link):
        return False
    return should.up and (change.gone or not (change.noun.up or change.fresh))


def _contradicts(change: Change, known: NetState) -> bool:
    should = known.get(change.noun.key)
    if change.gone:
        return should is not None
    if should is None:
        return not isinstance(change.noun, Sysctl)
    return should != change.noun
