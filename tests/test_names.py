"""Names are cut to what the kernel takes, and stay different."""

from labctl import names

LONGEST_NAMESPACE = "n" * 63
LONGEST_POD = "p" * 253


def test_names_of_the_longest_pod_fit_and_differ_from_its_neighbours() -> None:
    other = LONGEST_POD[:-1] + "q"
    alias = names.pod_alias(LONGEST_NAMESPACE, LONGEST_POD)
    assert len(alias) == 255
    assert alias != names.pod_alias(LONGEST_NAMESPACE, other)
    netns = names.pod_netns("lab", LONGEST_NAMESPACE, LONGEST_POD)
    assert len(netns) == 255
    assert netns != names.pod_netns("lab", LONGEST_NAMESPACE, other)
    logs = names.pod_log_dir("lab", LONGEST_NAMESPACE, LONGEST_POD, "uid-1").name
    assert len(logs) == 255
    assert logs != names.pod_log_dir("lab", LONGEST_NAMESPACE, LONGEST_POD, "uid-2").name


def test_names_that_fit_are_left_alone() -> None:
    assert names.pod_alias("default", "web") == "default/web"
    assert names.pod_log_dir("lab", "default", "web", "u").name == "default_web_u"
