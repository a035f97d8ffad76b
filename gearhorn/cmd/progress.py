"""The progress bar of a command that waits for receivers, on standard error."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class ProgressBar:
    """Shown within a `with` block if it `is_wanted`, and gone without a trace at its end."""

    def __init__(self, topic: str, *, is_wanted: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not is_wanted,
        )
        self._task = self._progress.add_task(topic, total=None)

    def show(self, ended_count: int, total_count: int) -> None:
        self._progress.update(self._task, completed=ended_count, total=total_count)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
