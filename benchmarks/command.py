"""`labctl` as a user types it."""

import subprocess
import sys
import time
from pathlib import Path

_LABCTL = Path(sys.executable).with_name("labctl")


def command(lab: str, *words: str) -> float:
    """Seconds of a whole `labctl` process."""
    started = time.perf_counter()
    subprocess.run([_LABCTL, *words, "--lab", lab], check=True, capture_output=True)
    return time.perf_counter() - started
