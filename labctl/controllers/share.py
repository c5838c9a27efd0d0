"""A share of a whole: a count, or a percentage, as maxSurge, maxUnavailable and budgets have it."""


def share(value: int | str, total: int, *, up: bool) -> int:
    """The count that `value` means of `total`; a percentage is rounded up or down."""
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        return int(value)
    hundredths = int(value[:-1]) * total
    return -(-hundredths // 100) if up else hundredths // 100
