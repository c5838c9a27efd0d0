"""docs/api.md says of every kind what there is: its table is made from the kinds."""

from tools.api_page import PAGE, with_table


def test_the_page_lists_the_kinds_as_they_are_served() -> None:
    page = PAGE.read_text()
    assert page == with_table(page), "python -m tools.api_page --write"
