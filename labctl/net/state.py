"""NetState: the nouns of one namespace, at most one for each key.

Immutable, like the nouns in it. `desired` builds it, `observe` returns it, `diff` compares two.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from labctl.net.nouns import Key, Noun


class NetState:
    """A set of nouns, addressed by key. Of two nouns with one key, the later one counts."""

    __slots__ = ("_by_key",)

    def __init__(self, nouns: Iterable[Noun] = ()) -> None:
        self._by_key = {noun.key: noun for noun in nouns}

    @property
    def by_key(self) -> Mapping[Key, Noun]:
        return self._by_key

    def get(self, key: Key) -> Noun | None:
        return self._by_key.get(key)

    def select(self, wanted: Callable[[Noun], bool]) -> "NetState":
        """The nouns for which `wanted` is true."""
        return NetState(noun for noun in self if wanted(noun))

    def without(self, keys: Iterable[Key]) -> "NetState":
        gone = set(keys)
        return NetState(noun for key, noun in self._by_key.items() if key not in gone)

    def __or__(self, other: Iterable[Noun]) -> "NetState":
        """Both, where nouns of `other` replace those with the same key."""
        return NetState((*self, *other))

    def __iter__(self) -> Iterator[Noun]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, noun: Noun) -> bool:
        return self._by_key.get(noun.key) == noun

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NetState) and self._by_key == other._by_key

    def __hash__(self) -> int:
        return hash(frozenset(self._by_key.values()))

    def __repr__(self) -> str:
        return f"NetState({', '.join(sorted(noun.describe() for noun in self))})"
