"""Containers of loaded images, run by this runtime and by crun alike."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from labctl import names
from labctl.api.version import architecture
from labctl.cri import Container, ContainerConfig, CriError, RuntimeClient, Sandbox
from labctl.cri.messages import Mount, Security
from labctl.images.load import load
from labctl.images.store import Store
from labctl.runtime.capabilities import DEFAULT_MASK
from labctl.runtime.crun.calls import find_crun
from tests.images.layouts import Layout, busybox_layer, directory, entry, layer
from tests.runtime.rig import Rig, exited, pod, run_container, running, wait_until

IMAGE = "busybox:test"
HANDLERS = ("", "crun")


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A runtime with busybox in its lab's store, and images that are made of it."""
    with running() as rig:
        stock(rig, tmp_path_factory.mktemp("images"))
        yield rig


def stock(rig: Rig, place: Path) -> None:
    base = busybox_layer()
    layout = Layout(place / "layout")
    layout.image(IMAGE, base)
    settings: dict[str, Any] = {
        "Entrypoint": ["sh", "-c"],
        "Cmd": ["echo by default"],
        "Env": ["COLOUR=green", "PATH=/bin:/opt"],
        "User": "web",
        "WorkingDir": "/srv",
        "StopSignal": "SIGUSR1",
    }
    layout.image("web:1", base, layer(entry("srv/index.html", b"on top\n")), config=settings)
    hidden = layer(entry("srv/.wh.index.html"), directory("tmp"), entry("tmp/.wh..wh..opq"))
    layout.image("hidden:1", base, layer(entry("tmp/below")), hidden)
    layout.image("bare:1", base)
    layout.image("nobodys:1", base, config={"User": "nobody-here"})
    layout.image("many:1", base, *(layer(entry(f"l{number}")) for number in range(99)))
    names.image_dir(rig.lab).parent.mkdir(parents=True, exist_ok=True)
    load(Store(names.image_dir(rig.lab)), str(layout.write()), "", architecture(), set)


def run_in(rig: Rig, name: str, handler: str, config: ContainerConfig) -> Container:
    """Runs it to its end, in a sandbox of its own."""

    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(f"{name}{handler}", handler=handler))
        ended = await exited(client, await run_container(client, sandbox, config))
        await client.remove_pod_sandbox(sandbox.id)
        return ended

    return rig.run(scenario)


def of_image(rig: Rig, name: str, image: str, *command: str) -> ContainerConfig:
    return replace(rig.config(name, *command), image=image)


def said(rig: Rig, name: str, handler: str, config: ContainerConfig) -> list[str]:
    container = run_in(rig, name, handler, replace(config, log_path=f"{config.log_path}{handler}"))
    assert container.exit_code == 0, (container.message, rig.log(container))
    return rig.log(container)


def script(rig: Rig, name: str, handler: str, text: str, image: str = IMAGE) -> list[str]:
    return said(rig, name, handler, of_image(rig, name, image, "sh", "-c", text))


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_sees_its_image_and_nothing_of_the_machine(stocked: Rig, handler: str) -> None:
    text = "cat /srv/index.html; ls /; ls /usr /var 2>&1 | head -2; cat /proc/self/comm"
    index, *rest = script(stocked, "sees", handler, text)
    assert index == "from the image"
    assert {"bin", "etc", "home", "proc", "srv", "sys", "tmp"} <= set(rest)
    assert "usr" not in rest
    assert rest[-1] == "cat"


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_has_the_pods_name_address_and_processes(stocked: Rig, handler: str) -> None:
    text = (
        "hostname; echo $HOSTNAME; echo $$; grep 10.9 /etc/hosts; grep -c of-the-image /etc/hosts;"
        " cat /etc/hostname; ls -d /proc/[0-9]* | grep -c ."
    )
    config = of_image(stocked, "own", IMAGE, "sh", "-c", text + "; true")
    name = f"own{handler}"
    assert said(stocked, "own", handler, config)[:6] == [
        name, name, "1", f"10.9.8.7\t{name}", "0", name,
    ]  # fmt: skip


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_the_image_says_holds_where_the_pod_says_nothing(stocked: Rig, handler: str) -> None:
    assert said(stocked, "default", handler, of_image(stocked, "default", "web:1")) == [
        "by default"
    ]
    facts = "pwd; id -u; id -g; id -G; echo $HOME $COLOUR $PATH; cat index.html"
    config = replace(of_image(stocked, "args", "web:1"), args=(facts,))
    assert said(stocked, "args", handler, config) == [
        "/srv", "1234", "4321", "4321 4400", "/home/web green /bin:/opt", "on top",
    ]  # fmt: skip


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_the_pod_says_holds_over_the_image(stocked: Rig, handler: str) -> None:
    facts = "pwd; id -u; id -g; id -G; echo $COLOUR"
    config = replace(
        of_image(stocked, "over", "web:1", "sh", "-c", facts),
        working_dir="/made/here",
        env=(("COLOUR", "red"),),
        security=Security(user=77, group=78, groups=(79,)),
    )
    assert said(stocked, "over", handler, config) == ["/made/here", "77", "78", "78 79", "red"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_upper_layers_hide_lower_ones(stocked: Rig, handler: str) -> None:
    assert script(stocked, "hides", handler, "ls /srv /tmp; ls -a /tmp", "hidden:1") == [
        "/srv:", "", "/tmp:", ".", "..",
    ]  # fmt: skip


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_hundred_layers_are_not_too_many(stocked: Rig, handler: str) -> None:
    assert script(stocked, "many", handler, "ls / | grep -c '^l[0-9]'", "many:1") == ["99"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_it_writes_is_its_own(stocked: Rig, handler: str) -> None:
    text = "echo changed > /srv/index.html; touch /new; cat /srv/index.html"
    assert script(stocked, "writes", handler, text) == ["changed"]
    assert script(stocked, "reads", handler, "cat /srv/index.html; ls /new 2>&1 | head -1") == [
        "from the image",
        "ls: /new: No such file or directory",
    ]


@pytest.mark.parametrize("handler", HANDLERS)
def test_volumes_are_mounted_in_it(stocked: Rig, handler: str, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("by the pod\n")
    config = replace(
        of_image(
            stocked, "volume", IMAGE, "sh", "-c", "cat /data/given; touch /data/x 2>&1; touch /rw/y"
        ),
        mounts=(Mount(str(tmp_path), "/data", read_only=True), Mount(str(tmp_path), "/rw")),
    )
    lines = said(stocked, "volume", handler, config)
    assert lines[0] == "by the pod"
    assert "Read-only file system" in lines[1]
    assert (tmp_path / "y").exists()


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_read_only_root_takes_no_file(stocked: Rig, handler: str) -> None:
    config = replace(
        of_image(stocked, "closed", IMAGE, "sh", "-c", "touch /new 2>&1; touch /dev/shm/free"),
        security=Security(read_only_root=True),
    )
    [line] = said(stocked, "closed", handler, config)
    assert "Read-only file system" in line


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_may_do_as_much_as_any_other(stocked: Rig, handler: str) -> None:
    mask = f"{DEFAULT_MASK:016x}"
    text = "grep -E 'CapEff|CapBnd' /proc/self/status; cat /proc/keys"
    assert script(stocked, "may", handler, text) == [f"CapEff:\t{mask}", f"CapBnd:\t{mask}"]
    as_web = "grep -E 'CapEff|CapBnd' /proc/self/status"
    config = replace(of_image(stocked, "web", "web:1"), args=(as_web,))
    assert said(stocked, "web", handler, config) == [f"CapEff:\t{0:016x}", f"CapBnd:\t{mask}"]
    settings = (
        "for f in vm/drop_caches net/ipv4/ip_forward; do echo 1 > /proc/sys/$f; done 2>&1; true"
    )
    lines = script(stocked, "settings", handler, settings)
    assert ["Read-only file system" in line for line in lines] == [True, True]


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_privileged_one_may_change_its_pods_network_settings(stocked: Rig, handler: str) -> None:
    text = "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/vm/drop_caches; true"
    config = replace(
        of_image(stocked, "privileged", IMAGE, "sh", "-c", f"( {text} ) 2>&1"),
        security=Security(privileged=True),
    )
    [line] = said(stocked, "privileged", handler, config)
    assert "drop_caches: Read-only file system" in line


@pytest.mark.parametrize("handler", HANDLERS)
def test_exec_is_in_the_container(stocked: Rig, handler: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod(f"exec{handler}", handler=handler))
        config = of_image(stocked, "exec", "web:1", "sleep", "1000")
        container = await run_container(client, sandbox, config)
        told = await client.exec_sync(
            container.id, ("sh", "-c", "cat index.html; id -u; echo $COLOUR; cat /proc/1/comm"), 10
        )
        assert told.stdout.decode().split("\n") == ["on top", "1234", "green", "sleep", ""]
        assert (await client.exec_sync(container.id, ("false",), 10)).exit_code == 1
        with pytest.raises(CriError, match="executable file not found"):
            await client.exec_sync(container.id, ("python3",), 10)
        await client.remove_pod_sandbox(sandbox.id)

    stocked.run(scenario)


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_is_ended_by_the_signal_of_its_image(stocked: Rig, handler: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod(f"stop{handler}", handler=handler))
        text = "trap 'exit 9' USR1; echo up; while :; do sleep 0.01; done"
        config = replace(of_image(stocked, f"stop{handler}", "web:1"), args=(text,))
        container = await run_container(client, sandbox, config)
        wait_until(lambda: stocked.log(container) == ["up"])
        assert (await client.stop_container(container.id, 10)).exit_code == 9
        await client.remove_pod_sandbox(sandbox.id)

    stocked.run(scenario)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_program_that_is_not_in_it_is_said_to_be(stocked: Rig, handler: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod(f"missing{handler}", handler=handler))
        config = of_image(stocked, f"missing{handler}", IMAGE, "python3")
        created = await client.create_container(sandbox.id, config)
        with pytest.raises(CriError, match=r"executable file .?python3.? not found|not found in"):
            await client.start_container(created.id)
        container = await client.container_status(created.id)
        assert (container.exit_code, container.reason) == (128, "StartError")
        assert "python3" in container.message
        await client.remove_pod_sandbox(sandbox.id)

    stocked.run(scenario)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_terminal_is_real(stocked: Rig, handler: str) -> None:
    config = replace(
        of_image(
            stocked, "tty", IMAGE, "sh", "-c", "test -t 0 && test -t 1 && echo terminal $TERM"
        ),
        tty=True,
        stdin=True,
    )
    assert said(stocked, "tty", handler, config) == ["terminal xterm"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_processes_can_be_shared(stocked: Rig, handler: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        config = pod(f"shared{handler}", handler=handler, shared_processes=True)
        sandbox = await client.run_pod_sandbox(config)
        first = await run_container(client, sandbox, of_image(stocked, "a", IMAGE, "sleep", "1000"))
        told = await client.exec_sync(first.id, ("ps",), 10)
        assert b"catatonit" in told.stdout
        second = await run_container(
            client, sandbox, of_image(stocked, f"b{handler}", IMAGE, "sh", "-c", "ps; sleep 1000")
        )
        wait_until(lambda: any("sleep 1000" in line for line in stocked.log(second)))
        await client.remove_pod_sandbox(sandbox.id)
        assert not os.path.exists(f"/proc/{first.pid}")

    stocked.run(scenario)


@pytest.mark.parametrize("handler", HANDLERS)
def test_nothing_is_left_of_it(stocked: Rig, handler: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        before = stocked.processes()
        sandbox = await client.run_pod_sandbox(pod(f"left{handler}", handler=handler))
        for name in ("one", "two"):
            config = of_image(stocked, name, IMAGE, "sh", "-c", "sleep 1000 & sleep 1000")
            await run_container(client, sandbox, config)
        await client.remove_pod_sandbox(sandbox.id)
        wait_until(lambda: stocked.processes() <= before)

    stocked.run(scenario)
    assert f"{stocked.lab}/root" not in Path("/proc/self/mounts").read_text()
    place = names.run_dir(stocked.lab) / "crun"
    wait_until(lambda: list(place.glob("*/*")) == [])


def test_a_container_in_the_way_of_an_ending_pod_does_not_outlive_it(stocked: Rig) -> None:
    """Stopping waits for a crun that is at it."""

    async def scenario(client: RuntimeClient) -> None:
        before = stocked.processes()
        for number in range(3):
            sandbox = await client.run_pod_sandbox(pod(f"way{number}", handler="crun"))
            config = of_image(stocked, "way", IMAGE, "sleep", "1000")
            created = await client.create_container(sandbox.id, config)
            starting = asyncio.create_task(client.start_container(created.id))
            await asyncio.wait([starting], timeout=number * 0.004)
            await client.remove_pod_sandbox(sandbox.id)
            await asyncio.gather(starting, return_exceptions=True)
            assert not os.path.exists(sandbox.netns)
        wait_until(lambda: stocked.processes() <= before)

    stocked.run(scenario)


def test_an_unknown_handler_is_refused_in_containerds_words(stocked: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        words = 'failed to get sandbox runtime: no runtime for "kata" is configured'
        with pytest.raises(CriError, match=words):
            await client.run_pod_sandbox(pod("unknown", handler="kata"))

    stocked.run(scenario)


REFUSED = [
    ({"image": "No Such"}, "InvalidImageName", 'Failed to apply default image tag "No Such"'),
    (
        {"image": "absent", "pull_policy": "Never"},
        "ErrImageNeverPull",
        'Container image "absent" is not present with pull policy of Never',
    ),
    (
        {"image": "absent", "only_images": True},
        "ErrImagePull",
        'failed to pull image "docker.io/library/absent:latest": not loaded',
    ),
    ({"image": "bare:1"}, "CreateContainerError", "no command specified"),
    (
        {"image": "nobodys:1", "command": ("sh",)},
        "CreateContainerError",
        "unable to find user nobody-here: no matching entries in passwd file",
    ),
    (
        {"image": "web:1", "security": Security(non_root=True)},
        "CreateContainerConfigError",
        "image has non-numeric user (web), cannot verify user is non-root",
    ),
    (
        {"image": IMAGE, "security": Security(non_root=True)},
        "CreateContainerConfigError",
        "image will run as root",
    ),
]


@pytest.mark.parametrize(("changes", "reason", "words"), REFUSED)
def test_an_image_that_is_not_to_be_had_says_why(
    stocked: Rig, changes: dict[str, Any], reason: str, words: str
) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("refused"))
        with pytest.raises(CriError) as error:
            await client.create_container(sandbox.id, replace(rig_config, **changes))
        assert (error.value.reason, words in error.value.message) == (reason, True), error.value
        await client.remove_pod_sandbox(sandbox.id)

    rig_config = stocked.config("refused")
    stocked.run(scenario)


def test_without_its_image_a_container_is_what_it_was_before(stocked: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("without", handler="crun"))
        program = await run_container(client, sandbox, stocked.config("without", "sleep", "1000"))
        assert program.image is None
        assert "is not loaded" in program.notes[0]
        stand_in = await run_container(client, sandbox, stocked.config("stand-in"))
        assert stand_in.stand_in
        await client.remove_pod_sandbox(sandbox.id)

    stocked.run(scenario)


def test_who_listens_hears_of_a_changed_store(stocked: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        events = await client.subscribe("node7")
        await client.images_changed()
        assert (await anext(events)).kind == "images-changed"
        events.close()
        stored = {name for one in await client.list_images() for name in one.names}
        assert "docker.io/library/busybox:test" in stored
        assert any(name.startswith("docker.io/library/busybox@sha256:") for name in stored)

    stocked.run(scenario)


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_outlives_the_runtime(handler: str, tmp_path: Path) -> None:
    async def begin(client: RuntimeClient) -> tuple[Sandbox, Container]:
        sandbox = await client.run_pod_sandbox(pod("outlives", handler=handler))
        text = "trap 'echo bye; exit 3' USR1; while :; do echo tick; sleep 0.05; done"
        config = replace(of_image(rig, "outlives", "web:1"), args=(text,))
        return sandbox, await run_container(client, sandbox, config)

    async def go_on(client: RuntimeClient) -> None:
        again = await client.container_status(container.id)
        assert (again.state, again.pid, again.image) == ("running", container.pid, container.image)
        told = await client.exec_sync(container.id, ("id", "-u"), 10)
        assert told.stdout == b"1234\n"
        ended = await client.stop_container(container.id, 10)
        assert ended.reason == "ContainerStatusUnknown"
        assert rig.log(container)[-1] == "bye"
        await client.remove_pod_sandbox(sandbox.id)

    with running() as rig:
        stock(rig, tmp_path)
        sandbox, container = rig.run(begin)
        rig.end()
        os.kill(container.pid, 0)
        rig.start()
        rig.run(go_on)


def test_without_crun_a_container_of_its_says_how_to_get_it(tmp_path: Path) -> None:
    """The runtime is in a mount namespace that has none."""
    hide = (
        "from labctl.mounting import MS_BIND, MS_PRIVATE, MS_REC, mount;"
        "from labctl.net.namespaces import CLONE_NEWNS, unshare;"
        "unshare(CLONE_NEWNS); mount('', '/', flags=MS_REC | MS_PRIVATE);"
        f"mount('/dev/null', '{find_crun()}', flags=MS_BIND);"
    )

    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("no-crun", handler="crun"))
        config = of_image(rig, "no-crun", IMAGE, "sleep", "1000")
        created = await client.create_container(sandbox.id, config)
        with pytest.raises(CriError, match="crun is not installed on this host") as error:
            await client.start_container(created.id)
        assert error.value.reason == "RunContainerError"
        assert "apt-get install crun" in error.value.message
        ended = await client.container_status(created.id)
        assert (ended.state, ended.reason) == ("exited", "StartError")
        await client.remove_pod_sandbox(sandbox.id)

    rig = Rig()
    try:
        rig.start(hide)
        stock(rig, tmp_path)
        rig.run(scenario)
    finally:
        rig.clean()
