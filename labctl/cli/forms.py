"""The forms of `-o`, for who checks them and who completes them."""

FORMS = ("json", "yaml", "name", "wide")
