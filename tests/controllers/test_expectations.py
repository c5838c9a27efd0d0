"""A controller does not act twice on what its cache has not shown yet."""

from labctl.controllers.expectations import Expectations


def test_creations_are_awaited() -> None:
    expected = Expectations()
    expected.expect_creations("rs", 2, now=0.0)
    assert not expected.satisfied("rs", 1.0)
    expected.saw_creation("rs")
    assert not expected.satisfied("rs", 1.0)
    expected.saw_creation("rs")
    assert expected.satisfied("rs", 1.0)


def test_deletions_are_awaited_one_by_one() -> None:
    expected = Expectations()
    expected.expect_deletions("rs", {"a", "b"}, now=0.0)
    expected.saw_deletion("rs", "a")
    expected.saw_deletion("rs", "a")
    assert not expected.satisfied("rs", 1.0)
    expected.saw_deletion("rs", "b")
    assert expected.satisfied("rs", 1.0)


def test_expectations_expire() -> None:
    expected = Expectations()
    expected.expect_creations("rs", 1, now=0.0)
    assert not expected.satisfied("rs", 299.0)
    assert expected.satisfied("rs", 301.0)


def test_nothing_is_expected_of_an_unknown_key() -> None:
    expected = Expectations()
    expected.saw_creation("rs")
    expected.forget("rs")
    assert expected.satisfied("rs", 0.0)
