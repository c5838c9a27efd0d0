"""`labctl verify --compare`: one topology under two networks, and what differs between them.

Each side is a lab that is up, or a lab file that is brought up for the occasion. What is looked at
is put into one form for both (`words`), so that names and addresses that differ by chance do not
count; what is left is compared as values (`differences`).
"""

from labctl.lab.compare.run import compare
from labctl.lab.compare.text import text

__all__ = ["compare", "text"]
