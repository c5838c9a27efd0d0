"""Every command says what it does, with an example, and is found in the table of the contract."""

import subprocess

import click
import pytest

from labctl.cli.commands import COMMANDS, SECTIONS
from labctl.cli.main import cli
from tests.command import PROGRAM, Labctl


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command below a group."""
    found: list[tuple[str, ...]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


def test_the_contracts_commands_are_all_there() -> None:
    assert set(COMMANDS) >= {
        "up", "down", "status", "list", "ps", "doctor", "apply", "create", "delete", "run", "get",
        "describe", "scale", "rollout", "wait", "logs", "exec", "ping", "verify", "plan", "fault",
        "scenario", "kubeconfig", "kubectl", "schema", "completion", "version",
    }  # fmt: skip
    assert sorted(name for _, names in SECTIONS for name in names) == sorted(COMMANDS)


@pytest.mark.parametrize("words", commands(cli), ids=" ".join)
def test_every_command_has_a_sentence_and_an_example(words: tuple[str, ...]) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(context, word)
        assert found is not None
        command, context = found, click.Context(found, parent=context, info_name=word)
    assert command.help
    assert "Example" in (command.epilog or "")
    assert "labctl" in (command.epilog or "")


def test_the_help_of_labctl_imports_no_command() -> None:
    program = """
import sys
from labctl.cli import main
main.run(["--help"])
heavy = {"asyncio", "aiohttp", "yaml", "msgspec", "rich", "pyroute2", "scapy", "cryptography"}
print(sorted(heavy & set(sys.modules)))
"""
    python = PROGRAM.with_name("python")
    printed = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.endswith("[]\n")


def test_a_command_that_does_not_exist_is_a_line_and_a_hint() -> None:
    result = Labctl()("nonsense")
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: no such command 'nonsense'\nhint: labctl --help\n"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("label", "labctl kubectl label …"),
        ("stauts", "did you mean status?"),
        ("Verify", "did you mean verify?"),
    ],
)
def test_a_command_of_kubectl_or_nearly_one_of_labctl_is_hinted_at(word: str, hint: str) -> None:
    result = Labctl()(word, "pod", "a")
    assert (result.code, result.err) == (2, f"error: no such command '{word}'\nhint: {hint}\n")


def test_help_and_version_need_no_lab() -> None:
    assert "labctl kubectl help" in Labctl("none").ok("kubectl", "--help")
    assert Labctl().ok("--version") == Labctl().ok("version")


def test_a_flag_that_does_not_exist_is_a_line_and_a_hint() -> None:
    result = Labctl()("get", "pods", "--colour")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: no such option '--colour'")
    assert result.err.endswith("hint: labctl get --help\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(shell: str) -> None:
    assert "_LABCTL_COMPLETE" in Labctl().ok("completion", shell)


def test_version_and_schema_need_no_lab_and_no_root() -> None:
    assert Labctl().ok("version").startswith("labctl 0.")
    assert '"Lab"' in Labctl().ok("schema")
