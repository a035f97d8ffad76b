"""Follows a page from its first block to its last, as a reader does on a machine of their own."""

from pathlib import Path

from tests.functional.docs.pages import Block, Page
from tests.functional.docs.rules import cover, file_name, is_run, language, obey
from tests.functional.docs.sandbox import Sandbox
from tests.functional.docs.session import NotTrue, check_end

LAST_LOOK_S = 0.1


def walk(page: Page, folder: Path) -> None:
    """Raises NotTrue at the first block that is not true."""
    for block in page.blocks:
        cover(block)
    runs = page.runs if any(map(is_run, page.blocks)) else "nothing runs"
    with Sandbox(folder, runs) as sandbox:
        for block in page.blocks:
            obey(block, sandbox)
        for terminal in sandbox.terminals:
            terminal.look(LAST_LOOK_S)
            check_end(terminal)
    _refuse_programs_that_nobody_runs(page)


def _refuse_programs_that_nobody_runs(page: Page) -> None:
    """By a session, or by another program that is."""
    for block in page.blocks:
        name = file_name(block)
        if name and is_run(block) and not any(_names(other, name) for other in page.blocks if other is not block):
            raise NotTrue(f"{block.place}: no session runs {name}")


def _names(block: Block, file: str) -> bool:
    if language(block) == "console":
        file = file.rpartition("/")[2].partition(".")[0]  # what a compiler makes of it has no ending
    return file in block.text
