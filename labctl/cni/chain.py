"""A network's plugins, called one after another as the specification says."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labctl.cni import config
from labctl.cni.call import Answer, call
from labctl.cni.config import Attachment, Config
from labctl.cni.errors import CniError
from labctl.cni.programs import find_program
from labctl.cni.results import pod_address, read_failure, read_result, read_versions

_VERSION_SECONDS = 3.0
# How errors call the commands, as Kubernetes' users know them from other runtimes.
_WORDS = {"DEL": "delete", "STATUS": "status", "GC": "gc", "ADD": "add", "CHECK": "check"}


@dataclass(frozen=True)
class Chain:
    """The plugins of `conflist`, in `version`; every method raises CniError, which names the plugin.

    The caller sees to it that nothing else is done for the same sandbox meanwhile, and nothing at
    all during `collect`.
    """

    conflist: Mapping[str, Any]
    version: str
    directories: tuple[str, ...]
    seconds: float

    async def add(self, attachment: Attachment) -> Config:
        """ADD; the result of the last plugin, which has an IPv4 address.

        After a failure whatever was made is taken back, as far as DEL can.
        """
        result: Config | None = None
        try:
            for plugin in self._plugins:
                result = await self._add(plugin, attachment, result)
        except BaseException:
            await self._undo(attachment)
            raise
        assert result is not None
        return result

    async def _add(self, plugin: Config, attachment: Attachment, before: Config | None) -> Config:
        told = self._config(plugin, attachment, before)
        output = await self._run("ADD", plugin, told, attachment)
        try:
            result = read_result(output, self.version)
            if plugin is self._plugins[-1]:
                pod_address(result)
        except CniError as error:
            raise _failed("ADD", plugin, error) from error
        return result

    async def _undo(self, attachment: Attachment) -> None:
        """DEL of every plugin, also of those that were not reached; the first failure is told."""
        for plugin in reversed(self._plugins):
            try:
                await self._run("DEL", plugin, self._config(plugin, attachment), attachment)
            except CniError:
                continue

    @property
    def checks(self) -> bool:
        """Whether CHECK may be called."""
        return config.checks(self.conflist, self.version)

    async def check(self, attachment: Attachment, result: Mapping[str, Any]) -> None:
        """CHECK, where it may be called."""
        if self.checks:
            for plugin in self._plugins:
                told = self._config(plugin, attachment, result)
                await self._run("CHECK", plugin, told, attachment)

    async def delete(self, attachment: Attachment, result: Mapping[str, Any] | None) -> None:
        """DEL, last plugin first; `result` is that of ADD, if it is known."""
        known = result if config.remembers_on_delete(self.version) else None
        for plugin in reversed(self._plugins):
            told = self._config(plugin, attachment, known)
            await self._run("DEL", plugin, told, attachment)

    async def collect(self, valid: Sequence[Attachment]) -> None:
        """GC, where it may be called: plugins drop what belongs to none of `valid`.

        All are called; the first failure is raised at the end.
        """
        if config.collects(self.conflist, self.version):
            await self._ask_all("GC", valid)

    async def status(self) -> None:
        """STATUS, where there is such a command: an error says why no ADD can succeed now."""
        if config.tells_status(self.version):
            await self._ask_all("STATUS")

    async def _ask_all(self, command: str, valid: Iterable[Attachment] | None = None) -> None:
        failed: list[CniError] = []
        for plugin in self._plugins:
            told = config.plugin_config(self.conflist, plugin, self.version, valid=valid)
            try:
                await self._run(command, plugin, told)
            except CniError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    @property
    def _plugins(self) -> list[Config]:
        plugins: list[Config] = self.conflist["plugins"]
        return plugins

    def _config(
        self, plugin: Config, attachment: Attachment, previous: Mapping[str, Any] | None = None
    ) -> Config:
        return config.plugin_config(
            self.conflist,
            plugin,
            self.version,
            capabilities=attachment.capabilities,
            previous=previous,
        )

    async def _run(
        self, command: str, plugin: Config, told: Config, attachment: Attachment | None = None
    ) -> bytes:
        variables = config.environment(command, self.directories, attachment)
        try:
            answer = await _call(plugin, self.directories, variables, told, self.seconds)
            if answer.code != 0:
                raise read_failure(*answer)
        except CniError as error:
            raise _failed(command, plugin, error) from error
        return answer.output


def _failed(command: str, plugin: Config, error: CniError) -> CniError:
    word = _WORDS[command]
    return CniError(f'plugin type="{plugin["type"]}" failed ({word}): {error.message}', error.code)


async def _call(
    plugin: Config,
    directories: tuple[str, ...],
    variables: Mapping[str, str],
    told: Config,
    seconds: float,
) -> Answer:
    name = plugin["type"]
    program = find_program(name, directories)
    if program is None:
        raise CniError(f'failed to find plugin "{name}" in path [{" ".join(directories)}]')
    return await call(program, variables, json.dumps(told).encode(), seconds)


async def choose_version(
    conflist: Mapping[str, Any], offered: Sequence[str], directories: tuple[str, ...]
) -> str:
    """The first of the `offered` versions that every plugin supports, each being asked once.

    A plugin that does not answer the question is taken to support whatever it is given, as other
    runtimes do, which never ask. Raises CniError when there is no such version.
    """
    plugins = {plugin["type"]: plugin for plugin in conflist["plugins"]}
    answers = await asyncio.gather(*(_versions(one, directories) for one in plugins.values()))
    for version in offered:
        if all(known is None or version in known for known in answers):
            return version
    refusals = (
        f'plugin type="{name}" supports {", ".join(known)}'
        for name, known in zip(plugins, answers, strict=True)
        if known is not None and offered[0] not in known
    )
    raise CniError(f"no plugin speaks cniVersion {offered[0]}: {'; '.join(refusals)}")


async def _versions(plugin: Config, directories: tuple[str, ...]) -> tuple[str, ...] | None:
    variables = config.environment("VERSION", directories)
    # The specification has the command read a configuration with a version, and nothing else.
    told = {"cniVersion": "1.0.0"}
    try:
        answer = await _call(plugin, directories, variables, told, _VERSION_SECONDS)
        return read_versions(answer.output) if answer.code == 0 else None
    except CniError:
        return None
