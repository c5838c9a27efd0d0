"""CNI plugins of one's own: small shell scripts, and lists that name them."""

from pathlib import Path
from typing import Any

# Says what it was asked (a line a call, and its input beside), as CNI's own `debug` plugin does.
_HEAD = """\
#!/bin/sh
here=$(dirname "$0")
name=$(basename "$0")
cat > "$here/$name.$CNI_COMMAND.json"
env | grep ^CNI_ | sort > "$here/$name.$CNI_COMMAND.env"
echo "$CNI_COMMAND $name $CNI_CONTAINERID" >> "$here/calls"
"""
VERSIONS = '{"cniVersion": "1.1.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]}'
RESULT = '{"cniVersion": "1.0.0", "ips": [{"address": "10.244.1.7/24"}]}'
ADDS = f"if [ $CNI_COMMAND = VERSION ]; then echo '{VERSIONS}'; fi\nif [ $CNI_COMMAND = ADD ]; then echo '{RESULT}'; fi"


def write_plugin(directory: Path, name: str, body: str = ADDS) -> Path:
    """A plugin that notes its calls and then does what `body` says."""
    file = directory / name
    file.write_text(_HEAD + body + "\n")
    file.chmod(0o755)
    return file


def calls(directory: Path) -> list[str]:
    """What was asked, in order: `ADD first box-1`."""
    file = directory / "calls"
    return file.read_text().splitlines() if file.exists() else []


def conflist(*types: str, version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {
        "cniVersion": version,
        "name": "net",
        "plugins": [{"type": one} for one in types],
        **more,
    }
