"""What a host must have before a lab can be made, asked before anything is touched."""

import os
import shutil

from labctl.errors import HostCannot

# The program, and Debian's package that has it.
PROGRAMS = {"nft": "nftables", "catatonit": "catatonit"}


def require_root() -> None:
    if os.geteuid() != 0:
        raise HostCannot("labctl needs root", "sudo labctl …")


def missing_programs() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program) is None]


def install_hint(programs: list[str]) -> str:
    """The line that installs what is missing on Debian and Ubuntu."""
    packages = " ".join(sorted({PROGRAMS[program] for program in programs}))
    return f"sudo apt-get install -y {packages}"


def require_programs() -> None:
    missing = missing_programs()
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        words = " and ".join(missing)
        raise HostCannot(f"{words} {verb} not installed (not on PATH)", install_hint(missing))


def require() -> None:
    """Raises HostCannot, with the fix, when this host cannot run a lab."""
    require_root()
    require_programs()
