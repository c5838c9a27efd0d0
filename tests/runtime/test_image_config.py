"""What image and pod make of a container together, and how crun is told: values to values."""

import signal

import pytest
from msgspec.structs import replace

from labctl.cri import ContainerConfig, CriError
from labctl.cri.messages import Mount, Security
from labctl.images.documents import Defaults
from labctl.runtime.crun.bundle import oci_config
from labctl.runtime.images import with_defaults
from labctl.runtime.privileges import privileges_of
from labctl.runtime.signals import number_of
from labctl.runtime.users import Accounts, User, find_user

ACCOUNTS = Accounts(
    "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:w:/var/www:/bin/false\nbroken\nodd:x:a:b:::\nhomeless:x:9:9:::\n",
    "root:x:0:\nweb:x:34:\nextra:x:50:odd,web\nmore:x:51:web\nbad:x:nan:web\n",
)


@pytest.mark.parametrize(
    ("wanted", "user"),
    [
        ("", User()),
        ("0", User()),
        ("web", User(33, 34, (50, 51), "/var/www")),
        ("33", User(33, 34, (50, 51), "/var/www")),
        ("web:extra", User(33, 50, (), "/var/www")),
        ("web:77", User(33, 77, (), "/var/www")),
        ("1000", User(1000, 0, (), "/")),
        ("1000:1001", User(1000, 1001, (), "/")),
        ("homeless", User(9, 9, (), "/")),
    ],
)
def test_a_user_is_found_in_the_images_own_files(wanted: str, user: User) -> None:
    assert find_user(wanted, ACCOUNTS) == user


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("nobody", "unable to find user nobody: no matching entries in passwd file"),
        ("odd", "unable to find user odd"),
        ("web:nobody", "unable to find group nobody: no matching entries in group file"),
        ("-1", "unable to find user -1"),
    ],
)
def test_a_user_that_is_nobody_is_refused(wanted: str, words: str) -> None:
    with pytest.raises(CriError, match=words):
        find_user(wanted, ACCOUNTS)


DEFAULTS = Defaults(entrypoint=("enter",), cmd=("one", "two"))


@pytest.mark.parametrize(
    ("defaults", "command", "args", "argv"),
    [
        (DEFAULTS, (), (), ("enter", "one", "two")),
        (DEFAULTS, (), ("mine",), ("enter", "mine")),
        (DEFAULTS, ("own",), (), ("own",)),
        (DEFAULTS, ("own",), ("mine",), ("own", "mine")),
        (Defaults(cmd=("sh",)), (), (), ("sh",)),
        (Defaults(cmd=("sh",)), (), ("ls",), ("ls",)),
        (Defaults(entrypoint=("enter",)), (), (), ("enter",)),
    ],
)
def test_command_and_args_take_the_place_of_the_images(
    defaults: Defaults, command: tuple[str, ...], args: tuple[str, ...], argv: tuple[str, ...]
) -> None:
    config = with_defaults(ContainerConfig("a", command=command, args=args), defaults, User())
    assert config.command + config.args == argv


def test_environment_and_user_are_the_images_unless_the_pod_says() -> None:
    defaults = Defaults(env=("A=1", "B=2=3", "HOME=/own"))
    config = ContainerConfig("a", command=("x",), env=(("B", "pod"),))
    user = User(33, 34, (50,), "/var/www")
    done = with_defaults(config, defaults, user)
    assert dict(done.env) == {"A": "1", "B": "pod", "HOME": "/own"}
    assert (done.security.user, done.security.group, done.security.groups) == (33, 34, (50,))
    grouped = replace(config, security=Security(group=7, groups=(8, 50)))
    security = with_defaults(grouped, defaults, user).security
    assert (security.group, security.groups) == (7, (8, 50))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("", signal.SIGTERM),
        ("SIGQUIT", signal.SIGQUIT),
        ("quit", signal.SIGQUIT),
        ("9", 9),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("RTMAX-1", signal.SIGRTMAX - 1),
        ("SIG", signal.SIGTERM),
    ],
)
def test_a_stop_signal_has_a_name_or_a_number(name: str, number: int) -> None:
    assert number_of(name) == number


@pytest.mark.parametrize("name", ["SIGNOTHING", "0", "65", "IG_DFL", "SIGRTMAX+1"])
def test_a_stop_signal_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(CriError, match=r"stop signal .* is none"):
        number_of(name)


def test_crun_is_told_where_the_container_is_and_what_it_may() -> None:
    security = Security(user=5, group=6, groups=(7,), drop=("ALL",), escalation=False, oom_score=9)
    config = ContainerConfig(
        "a",
        command=("run",),
        args=("fast",),
        working_dir="/srv",
        mounts=(Mount("/host/a", "/a"), Mount("/host/b", "/b", read_only=True)),
        security=security,
    )
    told = oci_config(config, {"A": "b"}, privileges_of(security, 40), "/scaffold/root", 17, None)
    assert told["root"] == {"path": "/scaffold/root", "readonly": False}
    assert told["process"] == {
        "terminal": False,
        "user": {"uid": 5, "gid": 6, "additionalGids": [7]},
        "args": ["run", "fast"],
        "env": ["A=b"],
        "cwd": "/srv",
        "capabilities": {"bounding": [], "effective": [], "permitted": []},
        "noNewPrivileges": True,
        "oomScoreAdj": 9,
    }
    assert told["linux"]["namespaces"] == [
        {"type": "network", "path": "/proc/17/ns/net"},
        {"type": "ipc", "path": "/proc/17/ns/ipc"},
        {"type": "uts", "path": "/proc/17/ns/uts"},
        {"type": "mount"},
        {"type": "pid"},
    ]
    assert {"/proc/kcore", "/sys/firmware"} <= set(told["linux"]["maskedPaths"])
    assert "/proc/sys" in told["linux"]["readonlyPaths"]
    assert told["mounts"][-2:] == [
        {
            "destination": "/a",
            "type": "bind",
            "source": "/host/a",
            "options": ["rbind", "rprivate"],
        },
        {
            "destination": "/b",
            "type": "bind",
            "source": "/host/b",
            "options": ["rbind", "rprivate", "ro", "nosuid", "nodev"],
        },
    ]


def test_crun_is_told_of_shared_processes_and_of_root() -> None:
    security = Security(privileged=True, read_only_root=True)
    config = ContainerConfig("a", command=("run",), security=security, tty=True)
    told = oci_config(config, {}, privileges_of(security, 40), "/r", 17, 18)
    assert told["linux"]["namespaces"][-1] == {"type": "pid", "path": "/proc/18/ns/pid"}
    assert (
        told["process"]["capabilities"]["effective"] == told["process"]["capabilities"]["bounding"]
    )
    assert "CAP_NET_ADMIN" in told["process"]["capabilities"]["effective"]
    assert "CAP_SYS_ADMIN" not in told["process"]["capabilities"]["bounding"]
    assert (told["process"]["terminal"], told["root"]["readonly"]) == (True, True)
    assert told["process"]["cwd"] == "/"
    assert "/proc/sys" not in told["linux"]["readonlyPaths"]
    assert "/proc/sys/kernel" in told["linux"]["readonlyPaths"]
