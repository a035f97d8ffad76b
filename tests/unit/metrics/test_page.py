"""doc/monitoring.md has every metric as the catalogue has it, and no other."""

from pathlib import Path

from gearhorn.metrics.catalogue import CATALOGUE

PAGE = (Path(__file__).parents[3] / "doc" / "monitoring.md").read_text()


def test_the_table_of_the_page_is_the_catalogue() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `gearhorn_")]
    assert rows == [
        f"| `{metric.name}`{'*' * metric.only_watcher} | {metric.kind} "
        f"| {', '.join(f'`{label}`' for label in metric.labels)}{' ' * bool(metric.labels)}| {metric.help} |"
        for metric in CATALOGUE
    ]
