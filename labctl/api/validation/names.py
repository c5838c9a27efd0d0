"""Which strings can be names, label keys and values, ports and the like, in Kubernetes' own words.

k8s.io/apimachinery/pkg/util/validation: each function gives what is wrong, a sentence each, and
nothing for a good value.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from labctl.api.resource import NameRule

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_ENVIRONMENT = r"[ -<>-~]+"

MAX_LABEL = 63
MAX_SUBDOMAIN = 253
MAX_PORT_NAME = 15

_RULES = {
    "label": (
        _LABEL,
        (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            "and must start and end with an alphanumeric character"
        ),
        ("my-name", "123-abc"),
    ),
    "subdomain": (
        _SUBDOMAIN,
        (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
            "'.', and must start and end with an alphanumeric character"
        ),
        ("example.com",),
    ),
    "label 1035": (
        _LABEL_1035,
        (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
            "alphabetic character, and end with an alphanumeric character"
        ),
        ("my-name", "abc-123"),
    ),
    "name part": (
        _QUALIFIED,
        (
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and "
            "end with an alphanumeric character"
        ),
        ("MyName", "my.name", "123-abc"),
    ),
    "value": (
        _VALUE,
        (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
            "'.', and must start and end with an alphanumeric character"
        ),
        ("MyValue", "my_value", "12345"),
    ),
    "config key": (
        _CONFIG_KEY,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        ("key.name", "KEY_NAME", "key-name"),
    ),
    "percent": (
        _PERCENT,
        "a valid percent string must be a numeric string followed by an ending '%'",
        ("1%", "93%"),
    ),
}
_COMPILED = {rule: re.compile(pattern) for rule, (pattern, _, _) in _RULES.items()}

Problems = tuple[str, ...]


def _against(rule: str, text: str, limit: int = 0, prefix: str = "") -> Problems:
    found: Problems = ()
    if limit and len(text.encode(errors="replace")) > limit:
        found = (f"{prefix}must be no more than {limit} bytes",)
    if _COMPILED[rule].fullmatch(text):
        return found
    pattern, sentence, examples = _RULES[rule]
    listed = " or ".join(f"'{one}', " for one in examples)
    return (*found, f"{sentence} (e.g. {listed}regex used for validation is '{pattern}')")


@lru_cache(maxsize=4096)
def label(text: str) -> Problems:
    """RFC 1123 label: names of containers, namespaces, volumes."""
    return _against("label", text, MAX_LABEL)


@lru_cache(maxsize=4096)
def subdomain(text: str) -> Problems:
    """RFC 1123 subdomain: names of most objects."""
    return _against("subdomain", text, MAX_SUBDOMAIN)


def label_1035(text: str) -> Problems:
    """RFC 1035 label: names of Services."""
    return _against("label 1035", text, MAX_LABEL)


def path_segment(text: str) -> Problems:
    """Whatever can stand in a URL's path: names of roles."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return tuple(f"may not contain '{bad}'" for bad in "/%" if bad in text)


@lru_cache(maxsize=4096)
def qualified(text: str) -> Problems:
    """A key with an optional prefix (`example.com/name`): labels, annotations, taints, finalizers."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        sentence = _against("name part", "")[-1].removeprefix("name part ")
        return (
            (
                f"a qualified name {sentence} with an optional DNS subdomain prefix and '/' "
                "(e.g. 'example.com/MyName')"
            ),
        )
    found: Problems = ()
    if slash and not prefix:
        found = ("prefix part must be non-empty",)
    elif slash:
        found = tuple(f"prefix part {problem}" for problem in subdomain(prefix))
    if not name:
        return (*found, "name part must be non-empty", *_against("name part", name))
    return found + _against("name part", name, MAX_LABEL, "name part ")


@lru_cache(maxsize=4096)
def label_value(text: str) -> Problems:
    return _against("value", text, MAX_LABEL)


def config_key(text: str) -> Problems:
    """A key of a ConfigMap or Secret: it may become a file's name."""
    found = _against("config key", text, MAX_SUBDOMAIN)
    if text in (".", ".."):
        return (*found, f"must not be '{text}'")
    return (*found, "must not start with '..'") if text.startswith("..") else found


def percent(text: str) -> Problems:
    return _against("percent", text)


def environment(text: str) -> Problems:
    """A name of an environment variable (relaxed since 1.32: any printable ASCII but '=')."""
    if not text:
        return ("environment variable name must be non-empty",)
    if re.fullmatch(_ENVIRONMENT, text):
        return ()
    return (
        (
            "a valid environment variable name must consist only of printable ASCII characters "
            "other than '='"
        ),
    )


@lru_cache(maxsize=1024)
def port_name(text: str) -> Problems:
    """A name of a port (RFC 6335, 5.1)."""
    rules = (
        (len(text) <= MAX_PORT_NAME, f"must be no more than {MAX_PORT_NAME} bytes"),
        (
            re.fullmatch("[-a-z0-9]*", text) is not None,
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (re.search("[a-z]", text) is not None, "must contain at least one letter (a-z)"),
        ("--" not in text, "must not contain consecutive hyphens"),
        (text == text.strip("-"), "must not begin or end with a hyphen"),
    )
    return tuple(sentence for good, sentence in rules if not good)


def port_number(number: int) -> Problems:
    return () if 0 < number < 65536 else ("must be between 1 and 65535, inclusive",)


_BY_RULE: Mapping[NameRule, Callable[[str], Problems]] = {
    NameRule.SUBDOMAIN: subdomain,
    NameRule.LABEL: label,
    NameRule.SERVICE: label_1035,
    NameRule.PATH: path_segment,
}


def object_name(rule: NameRule, text: str) -> Problems:
    """What is wrong with an object's name under its kind's rule."""
    return _BY_RULE[rule](text)


def generate_name(rule: NameRule, text: str) -> Problems:
    """As `object_name`, for a prefix to which a suffix will be added: it may end in a dash."""
    masked = text[:-2] + "a" if text.endswith("-") and len(text) > 1 else text
    return _BY_RULE[rule](masked)
