"""What contrib/ has for Prometheus and Grafana goes by the names that the service exports, and does what it says."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.metrics.catalogue import CATALOGUE, HISTOGRAM, Metric
from tests.servers.process import find_program

CONTRIB = Path(__file__).parents[3] / "contrib"
RULES = CONTRIB / "prometheus" / "gearhorn.rules.yml"
RULE_TESTS = CONTRIB / "prometheus" / "gearhorn.test.yml"
DASHBOARD = CONTRIB / "grafana" / "gearhorn.json"

LIMIT_S = 60.0

# Of Prometheus itself, and of its library.
FOREIGN = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
TARGET_LABELS = {"job", "instance"}
# Words of its language that stand where names of metrics may.
WORDS = {
    *("absent", "and", "by", "count", "deriv", "histogram_quantile", "increase", "label_values", "le", "max", "min"),
    *("on", "or", "rate", "sum", "topk", "unless", "without"),
}

_QUOTED = re.compile(r'"[^"]*"')
_SELECTOR = re.compile(r"([a-z_][a-z0-9_]*)\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
_NAME = re.compile(r"(?<![\w$.:])([a-z_][a-z0-9_]*)\b")


def promtool(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        [find_program("promtool"), *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        cwd=RULES.parent,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rule_expressions() -> list[str]:
    """YAML's ways to write a text over several lines are not told apart: for names it makes no difference."""
    text = RULES.read_text()
    found = re.findall(r"^ +expr: *(?:>-)?(.*?)(?=^ +(?:for|labels): *)", text, re.MULTILINE | re.DOTALL)
    assert len(found) == text.count("- alert:")
    return [" ".join(each.split()) for each in found]


def panels() -> list[dict[str, object]]:
    return json.loads(DASHBOARD.read_text())["panels"]


def dashboard_expressions() -> list[str]:
    targets = [target for panel in panels() for target in panel.get("targets", [])]
    variables = [one["query"]["query"] for one in json.loads(DASHBOARD.read_text())["templating"]["list"][1:]]
    assert len(targets) > 30
    return [*(target["expr"] for target in targets), *variables]


EXPRESSIONS = [*rule_expressions(), *dashboard_expressions()]


def exported() -> dict[str, Metric]:
    """Each name that a series may have."""
    found: dict[str, Metric] = {}
    for metric in CATALOGUE:
        ends = ("_bucket", "_sum", "_count") if metric.kind == HISTOGRAM else ("",)
        found |= {metric.name + end: metric for end in ends}
    return found


def names_in(expression: str) -> set[str]:
    bare = _GROUPING.sub("", re.sub(r"\{[^}]*\}", "", _QUOTED.sub("", expression)))
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    bare = re.sub(r"label_values\((\w+),.*\)", r"\1", bare)
    return set(_NAME.findall(bare)) - WORDS


def labels_in(expression: str) -> Iterator[tuple[str, str]]:
    """Names of metrics with labels that are asked of them."""
    for name, selector in _SELECTOR.findall(expression):
        for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", _QUOTED.sub("", selector)):
            yield name, label


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_names_and_labels_are_those_of_the_service(expression: str) -> None:
    metrics = exported()
    names = names_in(expression)
    assert names
    assert names <= metrics.keys() | FOREIGN
    ours = {metrics[name] for name in names & metrics.keys()}
    for name, label in labels_in(expression):
        assert label in TARGET_LABELS | {"le"} | set(metrics[name].labels if name in metrics else ())
    known = {label for metric in ours for label in metric.labels} | TARGET_LABELS | {"le"}
    for grouping in _GROUPING.findall(expression):
        assert {label.strip() for label in grouping.split(",")} <= known


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_of_labels_are_ones_that_there_may_be(expression: str) -> None:
    values = {value for metric in CATALOGUE for labels in metric.known for value in labels}
    values |= {
        "complete",
        "failed",
        "nobody",
        "expired",
        "bug",
        "background",
        "foreground",
        "dead",
        "gearhorn",
        "lists",
    }
    for quoted in re.findall(r'(?:=~|!~|!=|=)"([^"]*)"', expression):
        assert {each for each in quoted.split("|") if not each.startswith("$")} <= values


def test_the_names_that_are_looked_for_are_found() -> None:
    expression = (
        'sum by (topic) (rate(one_total{topic!="x", mode=~"y|z"}[5m])) / sum by (topic) (two) > 3 or absent(three)'
    )
    assert names_in(expression) == {"one_total", "two", "three"}
    assert list(labels_in(expression)) == [("one_total", "topic"), ("one_total", "mode")]


def test_the_rules_are_rules() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(RULES))


def test_each_alert_fires_when_it_should_and_not_when_it_need_not() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(RULE_TESTS))
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    tests = RULE_TESTS.read_text()
    for alert in alerts:
        assert re.search(rf"alertname: {alert}\n\s+exp_alerts|alertname: {alert}, exp_alerts", tests), alert
        assert re.search(rf"alertname: {alert}}}", tests), alert


def test_the_page_says_what_to_do_about_each_alert() -> None:
    page = (CONTRIB.parent / "doc" / "monitoring.md").read_text()
    for alert in re.findall(r"- alert: (\w+)", RULES.read_text()):
        assert f"`{alert}`" in page


def test_the_panels_of_the_dashboard_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        fields = {
            (place["x"] + x, place["y"] + y)  # type: ignore[index]
            for x in range(place["w"])  # type: ignore[index]
            for y in range(place["h"])  # type: ignore[index]
        }
        assert not fields & taken, panel["title"]
        assert max(x for x, _ in fields) < 24
        taken |= fields
    assert len({panel["id"] for panel in panels()}) == len(panels())
