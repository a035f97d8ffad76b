"""What a page was asked for, from the query of its address. What makes no sense there counts as not said."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

# Longer than any name that there is.
TEXT_LIMIT = 255
# Of digits: more pages than anything has.
_NUMBER_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Query:
    values: Mapping[str, str]

    def text(self, key: str) -> str:
        """As it is, less what no text can be made of: half of a surrogate pair."""
        return self.values.get(key, "")[:TEXT_LIMIT].encode(errors="replace").decode()

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        value = self.values.get(key, "")
        return value if value in choices else default

    def number(self, key: str) -> int:
        """From 1."""
        text = self.values.get(key, "")
        return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS else 1
