"""The pages of the documentation, and the blocks of code on them.

What stands behind the language of a fenced block is for this test; readers never see it:

    ```console terminal=alice         a session in a terminal of its own, whose last command may go on
    ```console any-order              the lines of its answers may come in another order
    ```sh no-test: needs systemd      is not run, and why
    ```php tested-by=tests/…/test_page.py    run by another test
    ```ini other                      the file of another program, which a session of the page tries

So is a comment such as `<!-- snippets: nothing runs -->`, which says what runs when the page begins: see `sandbox.py`.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[3]

_NO_TEST = re.compile(r"\bno-test:\s*(.*)")
_COMMENT = re.compile(r"<!--\s*snippets:\s*(.*?)\s*-->")


@dataclass(frozen=True, slots=True)
class Block:
    """`language` is empty for an indented block, which has none. `words` are what stands behind it."""

    place: str
    language: str
    words: tuple[str, ...]
    text: str
    is_fenced: bool = True
    reason: str | None = None

    @classmethod
    def of(cls, place: str, info: str, text: str, *, is_fenced: bool) -> Self:
        reason = _NO_TEST.search(info)
        language, *words = (info[: reason.start()] if reason else info).split() or [""]
        return cls(place, language, tuple(words), text, is_fenced, reason[1].strip() if reason else None)

    def value(self, name: str) -> str | None:
        """Of a word such as `terminal=alice`."""
        return next((word.removeprefix(f"{name}=") for word in self.words if word.startswith(f"{name}=")), None)


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    blocks: tuple[Block, ...]
    runs: str = ""

    @classmethod
    def of(cls, name: str, text: str) -> Self:
        tokens = [token for token in MarkdownIt().parse(text) if token.type in ("fence", "code_block")]
        blocks = tuple(
            Block.of(
                f"{name}:{token.map[0] + 1 if token.map else 0}",
                token.info,
                token.content,
                is_fenced=token.type == "fence",
            )
            for token in tokens
        )
        comment = _COMMENT.search(text)
        return cls(name, blocks, comment[1] if comment else "")


def page_names() -> list[str]:
    return ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "doc").rglob("*.md"))]


def read_page(name: str) -> Page:
    return Page.of(name, (ROOT / name).read_text())
