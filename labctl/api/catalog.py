"""All resources that are served at one moment, and how to find one by path, kind or a user's word."""

from collections.abc import Iterable
from functools import cached_property

from labctl.api.resource import Resource


class Catalog:
    """Never changes: whoever holds one may remember what follows from it.

    `computed` is what is answered and never stored: it is found by path, and no object has its kind.
    """

    def __init__(self, stored: Iterable[Resource], computed: Iterable[Resource] = ()) -> None:
        self.stored = tuple(stored)
        self.computed = tuple(computed)
        self.served = (*self.stored, *self.computed)
        # Backwards, so that the first of several stays: no definition takes a built-in kind's place.
        paths = {(one.group, one.version, one.plural): one for one in reversed(self.served)}
        kinds = {(one.api_version, one.kind): one for one in reversed(self.stored)}
        self._by_path, self._by_kind = paths, kinds

    def beside(self, custom: Iterable[Resource]) -> "Catalog":
        """A catalog with more kinds; where words or kinds are the same, these come behind."""
        return Catalog((*self.stored, *custom), self.computed)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of a REST path, or None; the core group is ""."""
        return self._by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource of an object's apiVersion and kind, or None."""
        return self._by_kind.get((api_version, kind))

    def by_word(self, word: str) -> Resource | None:
        """The resource that a user means: `po`, `pods`, `Pod`, `deploy`, `deployments.v1.apps`.

        Upper and lower case are the same, and the core group wins, as with kubectl.
        """
        return self._words.get(word.lower())

    def of_category(self, category: str) -> list[Resource]:
        """The resources that users mean by a word for many, such as `all`."""
        found: dict[tuple[str, str], Resource] = {}
        for one in self.stored:
            if category in one.categories:
                found.setdefault((one.group, one.plural), one)
        return list(found.values())

    @cached_property
    def _words(self) -> dict[str, Resource]:
        words: dict[str, Resource] = {}
        for resource in self.served:
            kind = resource.kind.lower()
            for word in (resource.plural, resource.singular, kind, *resource.short_names):
                words.setdefault(word, resource)
                words.setdefault(f"{word}.{resource.group}", resource)
                words.setdefault(f"{word}.{resource.version}.{resource.group}", resource)
        return words
