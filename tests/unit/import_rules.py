"""Who may import whom: a table, and what holds import statements against it, wherever in a file they stand.

test_imports.py asks.
"""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "gearhorn"

# A part is a folder or a module at the top of the package. Imports go from a part to those named beside it (and within
# it), never back. `wire` and `core` do not know each other; `client` needs neither store nor daemon.
MAY_IMPORT = {
    "errors": "",
    "names": "errors",
    "grouping": "",
    "logs": "errors",
    "metrics": "errors logs",
    "systemd": "errors logs",
    "wire": "errors names",
    "core": "errors names",
    "bodies": "errors names core",
    "store": "errors names core logs metrics clock",
    "net": "errors wire core logs metrics",
    "clock": "",
    "credentials": "errors logs",
    "process_marks": "",
    "tasks": "",
    "patience": "errors core logs",
    "matchmaking": """
        errors names wire core net store grouping clock tasks patience process_marks logs metrics
    """,
    "subscribers": "errors names wire core net store clock matchmaking metrics logs",
    "doctor": "errors names wire core net store clock subscribers overview client signing logs metrics",
    "overview": "errors names wire core net store clock matchmaking process_marks subscribers",
    "resuming": "errors names bodies core store net grouping logs metrics",
    "signing": "errors bodies core net store clock patience logs",
    "broadcast": "errors names bodies wire core net resuming logs metrics",
    "fanouts": "errors names bodies core net matchmaking broadcast resuming subscribers logs metrics",
    "changes": "errors names core store net clock matchmaking logs metrics",
    "handlers": """
        errors names bodies core store net matchmaking broadcast resuming fanouts changes signing subscribers logs
        metrics
    """,
    "moving": "errors names bodies core net store clock patience matchmaking logs metrics",
    "client": "errors names bodies wire core net signing logs",
    "web": "errors names core net clock tasks subscribers overview logs",
    "monitoring": "errors wire core net store clock matchmaking subscribers web logs metrics systemd tasks",
    "daemon": """
        errors names bodies wire core store net handlers matchmaking patience tasks resuming signing subscribers logs
        metrics systemd monitoring
    """,
    "options": "errors names core logs metrics",
    "config": """
        credentials errors names bodies wire core store net patience matchmaking handlers daemon resuming signing
        options overview subscribers web logs metrics monitoring
    """,
    "cmd": """
        monitoring credentials matchmaking errors names bodies wire core store net signing daemon client options
        config logs moving doctor overview subscribers tasks web metrics systemd
    """,
    "__main__": "cmd",
}

# Bytes and decisions: no clock, socket, chance, log, wait or setting may enter. Time comes in as a number of seconds,
# chance as a seeded generator, for whose type alone `random` may be asked.
PURE = ("wire", "core")
BANNED_FROM_PURE = """
    asyncio concurrent datetime gear logging multiprocessing os oslo_config pymemcache random redis secrets select
    selectors signal socket sqlite3 ssl subprocess sys threading time uuid uvloop
"""
ALLOWED_IN_PURE = ("random.Random",)

# Libraries that only the part named may know.
AT_HOME = {
    "aiohttp": "web",
    "gear": "client cmd",
    "jinja2": "web",
    "oslo_config": "options config",
    "prometheus_client": "metrics",
    "pymemcache": "store",
    "redis": "store",
    "rich": "cmd",
    "sqlite3": "store",
}


def part_of(module: str) -> str:
    """`gearhorn.store.redis` is of the part `store`, `gearhorn` itself of none."""
    return module.partition(".")[2].partition(".")[0]


def imported_names(module: str, source: str, *, is_package: bool = False) -> Iterator[str]:
    """Full dotted names of what is imported, whether they are modules or something in one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node, is_package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(module: str, node: ast.ImportFrom, is_package: bool) -> str:
    if not node.level:
        assert node.module is not None
        return node.module
    ancestors = module.split(".")
    kept = ancestors[: len(ancestors) - node.level + is_package]
    return ".".join([*kept, node.module] if node.module else kept)


def offences(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """What is wrong with the imports of one module, a line each."""
    names = list(imported_names(module, source, is_package=is_package))
    own = [name for name in names if name.startswith("gearhorn.")]
    foreign = [name for name in names if not name.startswith("gearhorn.")]
    found = [*_wrong_ways(module, own), *_strangers(module, foreign)]
    if part_of(module) in PURE:
        found += [*_banned(module, foreign), *_waits(module, source)]
    return found


def _wrong_ways(module: str, own: list[str]) -> Iterator[str]:
    part = part_of(module)
    if part and part not in MAY_IMPORT:
        yield f"{module}: add {part!r} to the table of this test, with what it may import"
        return
    allowed = {part, *MAY_IMPORT.get(part, "").split()}
    for name in own:
        if part_of(name) not in allowed and name != "gearhorn.__version__":
            yield f"{module} imports {name}: {part or 'the package itself'} may not import {part_of(name)}"


def _strangers(module: str, foreign: list[str]) -> Iterator[str]:
    for name in foreign:
        library = name.partition(".")[0]
        if library in AT_HOME and part_of(module) not in AT_HOME[library].split():
            yield f"{module} imports {name}: only {AT_HOME[library]} may know {library}"


def _banned(module: str, foreign: list[str]) -> Iterator[str]:
    for name in foreign:
        if name.partition(".")[0] in BANNED_FROM_PURE.split() and name not in ALLOWED_IN_PURE:
            yield f"{module} imports {name}: it would bring the outside world in"


def _waits(module: str, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)):
            yield f"{module}:{node.lineno} waits: {part_of(module)} never does"


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        names = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    return found


def graph_of(sources: dict[str, str], packages: set[str]) -> dict[str, set[str]]:
    """For each module the modules that its import statements name."""
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        names = imported_names(module, source, is_package=module in packages)
        targets = {name if name in sources else name.rpartition(".")[0] for name in names}
        graph[module] = {target for target in targets if target in sources and target != "gearhorn"}
    return graph


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one import cycle, the first one again at the end; empty when there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []
