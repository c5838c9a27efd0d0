"""Values to YAML, written so that every reader takes them for what they are.

PyYAML leaves `1e3` and `0o17` bare, since to it they are strings; to kubectl they are numbers. Here a
string is quoted whenever reading it back (yaml_values) would not give that string.
"""

from typing import Any

import yaml

from labctl.api.yaml_values import YamlProblem, resolve

_STRING = "tag:yaml.org,2002:str"
_WIDTH = 2**16  # long strings stay on one line
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def dump(value: Any, *, sort_keys: bool = False) -> str:
    """The value as a YAML document in block style, members in their order or sorted."""
    text: str = yaml.dump(
        value,
        Dumper=_Quoting,
        sort_keys=sort_keys,
        default_flow_style=False,
        allow_unicode=True,
        width=_WIDTH,
    )
    return text


class _Quoting(_Dumper):  # type: ignore[misc]  # which of two classes it is depends on the host
    """Never writes anchors: what is shared within a value is written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _string(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar(_STRING, text, style=_style(dumper, text))


def _style(dumper: Any, text: str) -> str | None:
    """In double quotes what would be taken for something else, as kubectl writes it."""
    if "\n" in text and not text.startswith((" ", "\n")):
        return "|"
    is_plain = dumper.resolve(yaml.ScalarNode, text, (True, False)) == _STRING
    return None if is_plain and _means_itself(text) else '"'


def _means_itself(text: str) -> bool:
    try:
        return isinstance(resolve(text), str)
    except YamlProblem:
        return False


_Quoting.add_representer(str, _string)
