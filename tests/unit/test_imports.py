"""Imports go one way through the package, and `wire` and `core` keep the world out. The rules: import_rules.py."""

import pytest

from tests.unit.import_rules import MAY_IMPORT, cycle_in, graph_of, imported_names, modules, offences, part_of


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_part_may(module: str) -> None:
    path = modules()[module]
    assert offences(module, path.read_text(), is_package=path.name == "__init__.py") == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = modules()
    packages = {module for module, path in found.items() if path.name == "__init__.py"}
    assert cycle_in(graph_of({module: path.read_text() for module, path in found.items()}, packages)) == []


def test_only_the_options_and_what_makes_settings_of_them_know_the_configuration_library() -> None:
    knowing = {
        part_of(module)
        for module, path in modules().items()
        if any(name.partition(".")[0] == "oslo_config" for name in imported_names(module, path.read_text()))
    }
    assert knowing == {"options", "config"}


def test_the_table_names_no_part_that_could_import_itself_in_a_circle() -> None:
    assert cycle_in({part: set(others.split()) for part, others in MAY_IMPORT.items()}) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gearhorn.errors", "import gearhorn.names"),
        ("gearhorn.wire.codec", "from gearhorn.core.backoff import Backoff"),
        ("gearhorn.core.backoff", "from gearhorn.wire import packets"),
        ("gearhorn.core.backoff", "from ..wire import packets"),
        ("gearhorn.store.redis", "from gearhorn.net import pool"),
        ("gearhorn.client.publisher", "from gearhorn.store.base import Store"),
        ("gearhorn.client.publisher", "def late():\n    import gearhorn.daemon"),
        ("gearhorn.client.publisher", "from gearhorn import handlers"),
        ("gearhorn.handlers", "if TYPE_CHECKING:\n    from gearhorn.config import Settings"),
        ("gearhorn.logs", "from gearhorn.net import pool"),
        ("gearhorn", "from gearhorn.errors import BadRequest"),
        ("gearhorn.wire.codec", "import time"),
        ("gearhorn.wire.codec", "from os import path"),
        ("gearhorn.core.fanout", "import asyncio.queues as queues"),
        ("gearhorn.core.fanout", "from random import random"),
        ("gearhorn.core.fanout", "async def run(): ..."),
        ("gearhorn.core.fanout", "from oslo_config import cfg"),
        ("gearhorn.daemon", "from oslo_config import cfg"),
        ("gearhorn.handlers", "from redis.asyncio import Redis"),
        ("gearhorn.surprise", "import json"),
    ],
)
def test_an_import_the_wrong_way_is_noticed(module: str, source: str) -> None:
    assert len(offences(module, source)) >= 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gearhorn.wire.codec", "from gearhorn.wire.packets import HEADER\nfrom gearhorn.errors import BadRequest"),
        ("gearhorn.core.backoff", "from random import Random\nfrom .members import Members"),
        ("gearhorn.handlers", "from gearhorn import bodies, names\nfrom gearhorn.net.pool import Pool"),
        ("gearhorn.config.source", "from gearhorn import __version__\nfrom oslo_config import cfg"),
        ("gearhorn.store.redis", "import redis.asyncio\nimport time"),
    ],
)
def test_an_import_the_right_way_is_not_held_up(module: str, source: str) -> None:
    assert offences(module, source) == []


def test_a_relative_import_in_a_package_counts_from_the_package() -> None:
    assert list(imported_names("gearhorn.store", "from . import base", is_package=True)) == ["gearhorn.store.base"]
    assert list(imported_names("gearhorn.store.redis", "from . import base")) == ["gearhorn.store.base"]


def test_a_circle_is_noticed_even_through_a_package_and_a_late_import() -> None:
    sources = {
        "gearhorn.net": "from .pool import Pool",
        "gearhorn.net.pool": "from gearhorn.net import link",
        "gearhorn.net.link": "def late():\n    from gearhorn.net import Pool",
    }
    assert set(cycle_in(graph_of(sources, {"gearhorn.net"}))) == set(sources)
