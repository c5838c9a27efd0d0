"""A cache follows the API through ended watches, restarts and compaction, and misses nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from labctl.api.kinds.core import CONFIGMAPS, EVENTS
from labctl.api.objects import Obj, name, uid
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.client.http import HttpTransport
from labctl.client.index import Index
from tests.client.serving import configmap, serving

Change = tuple[str, str, str]


class _Journal:
    """What a subscriber was told: kind of change, name, and the `v` of the data."""

    def __init__(self, cache: Cache) -> None:
        self.changes: list[Change] = []
        self._cache = cache
        self._changed = asyncio.Event()
        cache.subscribe(self._note)

    async def until(self, wish: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not wish():
                self._changed.clear()
                await self._changed.wait()

    def _note(self, old: Obj | None, new: Obj | None) -> None:
        kind = "added" if old is None else "gone" if new is None else "changed"
        obj = new or old or {}
        self.changes.append((kind, name(obj), (obj.get("data") or {}).get("v", "")))
        self._changed.set()


@contextlib.asynccontextmanager
async def _following(cache: Cache) -> AsyncIterator[_Journal]:
    journal = _Journal(cache)
    task = asyncio.create_task(cache.run())
    try:
        yield journal
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _values(cache: Cache) -> dict[str, str]:
    return {name(obj): obj["data"]["v"] for obj in cache.objects.values()}


def test_what_was_there_comes_first_and_then_every_change(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api:
            await api.client.create(CONFIGMAPS, configmap("a", v="1"))
            cache = Cache(api.client, CONFIGMAPS, "default")
            async with _following(cache) as journal:
                await cache.synced()
                await api.client.patch(CONFIGMAPS, "a", {"data": {"v": "2"}}, "default")
                await api.client.delete(CONFIGMAPS, "a", "default")
                await journal.until(lambda: len(journal.changes) == 3)
            assert journal.changes == [
                ("added", "a", "1"),
                ("changed", "a", "2"),
                ("gone", "a", "2"),
            ]

    asyncio.run(scenario())


def test_only_what_is_to_be_kept_is_there_and_told(tmp_path: Path) -> None:
    def keep(obj: Obj) -> Obj:
        told_by = ("name", "namespace", "uid", "resourceVersion")
        metadata = {key: obj["metadata"][key] for key in told_by}
        return {"metadata": metadata, "data": {"v": obj["data"]["v"].upper()}}

    async def scenario() -> None:
        async with serving(tmp_path) as api:
            await api.client.create(CONFIGMAPS, configmap("a", v="x"))
            cache = Cache(api.client, CONFIGMAPS, "default", keep=keep)
            async with _following(cache) as journal:
                await cache.synced()
                await api.client.patch(CONFIGMAPS, "a", {"data": {"v": "y"}}, "default")
                await journal.until(lambda: len(journal.changes) == 2)
            assert journal.changes == [("added", "a", "X"), ("changed", "a", "Y")]
            assert all("creationTimestamp" not in obj["metadata"] for obj in cache.objects.values())

    asyncio.run(scenario())


def test_a_late_subscriber_is_told_what_is_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api:
            await api.client.create(CONFIGMAPS, configmap("a", v="1"))
            cache = Cache(api.client, CONFIGMAPS, "default")
            async with _following(cache):
                await cache.synced()
                assert _Journal(cache).changes == [("added", "a", "1")]

    asyncio.run(scenario())


def test_an_object_replaced_by_its_namesake_is_gone_and_added(tmp_path: Path) -> None:
    """Also when the cache was not looking meanwhile."""

    async def scenario() -> None:
        cache: Cache
        async with serving(tmp_path) as api:
            listener = await api.listen_unix()
            transport = HttpTransport.unix(api.socket_path)
            await api.client.create(CONFIGMAPS, configmap("a", v="old"))
            cache = Cache(Client(transport), CONFIGMAPS, "default")
            async with _following(cache) as journal:
                await cache.synced()
                before = uid(cache.objects["default/a"])
                await listener.close()
                await api.client.delete(CONFIGMAPS, "a", "default")
                await api.client.create(CONFIGMAPS, configmap("a", v="new"))
                listener = await api.listen_unix()
                await journal.until(lambda: len(journal.changes) == 3)
                assert uid(cache.objects["default/a"]) != before
            assert journal.changes[1:] == [("gone", "a", "old"), ("added", "a", "new")]
            await transport.close()
            await listener.close()

    asyncio.run(scenario())


def test_no_change_is_missed_over_a_restart_of_the_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        transport = HttpTransport.unix(tmp_path / "api.sock")
        cache = Cache(Client(transport), CONFIGMAPS, "default")
        async with _following(cache) as journal:
            for life in range(3):
                async with serving(tmp_path) as api:
                    listener = await api.listen_unix()
                    for number in range(20):
                        made = configmap(f"cm{life}-{number}", v=str(life))
                        await api.client.create(CONFIGMAPS, made)
                    if life:
                        await api.client.delete(CONFIGMAPS, f"cm{life - 1}-0", "default")
                    await listener.close()
            async with serving(tmp_path) as api:
                listener = await api.listen_unix()
                await journal.until(lambda: len(cache.objects) == 58)
                assert set(_values(cache).values()) == {"0", "1", "2"}
                await listener.close()
        await transport.close()

    asyncio.run(scenario())


def test_after_compaction_the_cache_lists_again_and_tells_the_difference(tmp_path: Path) -> None:
    async def scenario() -> None:
        transport = HttpTransport.unix(tmp_path / "api.sock")
        cache = Cache(Client(transport), CONFIGMAPS, "default")
        async with _following(cache) as journal:
            async with serving(tmp_path) as api:
                listener = await api.listen_unix()
                for at in ("kept", "gone", "changed", "replaced"):
                    await api.client.create(CONFIGMAPS, configmap(at, v="1"))
                await journal.until(lambda: len(journal.changes) == 4)
                await listener.close()
                for at in ("gone", "replaced"):
                    await api.client.delete(CONFIGMAPS, at, "default")
                await api.client.create(CONFIGMAPS, configmap("replaced", v="2"))
                await api.client.patch(CONFIGMAPS, "changed", {"data": {"v": "2"}}, "default")
                await api.client.create(CONFIGMAPS, configmap("new", v="1"))
                await api.store.compact(await api.store.revision())
            async with serving(tmp_path) as api:
                listener = await api.listen_unix()
                await journal.until(lambda: len(journal.changes) == 9)
                assert sorted(journal.changes[4:]) == [
                    ("added", "new", "1"),
                    ("added", "replaced", "2"),
                    ("changed", "changed", "2"),
                    ("gone", "gone", "1"),
                    ("gone", "replaced", "1"),
                ]
                wanted = {"kept": "1", "changed": "2", "replaced": "2", "new": "1"}
                assert _values(cache) == wanted
                await listener.close()
        await transport.close()

    asyncio.run(scenario())


def test_an_object_that_leaves_a_selector_leaves_cache_and_index(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api:
            await api.client.create(CONFIGMAPS, configmap("a", v="1"))
            cache = Cache(api.client, CONFIGMAPS, "default", labels="app=a")
            index = Index(cache, lambda obj: (obj["metadata"]["labels"]["app"],))
            async with _following(cache) as journal:
                await cache.synced()
                assert list(index.get("a")) == ["default/a"]
                relabel = {"metadata": {"labels": {"app": "b"}}}
                await api.client.patch(CONFIGMAPS, "a", relabel, "default")
                await journal.until(lambda: not cache.objects)
                assert not index.get("a")
                assert not index.get("b")

    asyncio.run(scenario())


def test_an_index_follows_changes_of_its_value(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api:
            cache = Cache(api.client, CONFIGMAPS, "default")
            index = Index(cache, lambda obj: (obj["data"]["v"],))
            async with _following(cache) as journal:
                for at in ("a", "b"):
                    await api.client.create(CONFIGMAPS, configmap(at, v="1"))
                await api.client.patch(CONFIGMAPS, "a", {"data": {"v": "2"}}, "default")
                await journal.until(lambda: len(journal.changes) == 3)
                assert (list(index.get("1")), list(index.get("2"))) == (
                    ["default/b"],
                    ["default/a"],
                )

    asyncio.run(scenario())


def test_events_are_written_and_repeats_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api:
            subject = await api.client.create(CONFIGMAPS, configmap("a"))
            recorder = EventRecorder(api.client, "tester", "node1")
            task = asyncio.create_task(recorder.run())
            recorder.event(subject, "Normal", "Tried", "once")
            await recorder.flush()
            for _ in range(3):
                recorder.event(subject, "Normal", "Tried", "once")
            recorder.event(subject, "Warning", "Failed", "twice")
            await recorder.flush()
            found = (await api.client.list(EVENTS, "default")).items
            told = {one["message"]: one for one in found}
            assert {m: one["count"] for m, one in told.items()} == {"once": 4, "twice": 1}
            once = told["once"]
            assert once["source"] == {"component": "tester", "host": "node1"}
            assert once["involvedObject"]["uid"] == uid(subject)
            assert once["involvedObject"]["kind"] == "ConfigMap"
            assert name(once).startswith("a.")
            task.cancel()

    asyncio.run(scenario())
