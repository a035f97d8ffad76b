"""Reads the options from files, and judges them: what is wrong is told at the start, in one line, without a secret."""

import contextlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg

from gearhorn.errors import Misconfigured
from gearhorn.options import GROUPS

_UNREADABLE = "the configuration cannot be read"


def read_options(file_arguments: Sequence[str], overrides: Mapping[tuple[str | None, str], object]) -> cfg.ConfigOpts:
    """See Config for the arguments. Raises Misconfigured."""
    conf = cfg.ConfigOpts()
    for group, options in GROUPS.items():
        conf.register_opts(options, group=group)
    _read_files(conf, file_arguments)
    _refuse_unknown(conf)
    for (group, option), value in overrides.items():
        _override(conf, group, option, value)
    _judge_values(conf)
    return conf


def _read_files(conf: cfg.ConfigOpts, file_arguments: Sequence[str]) -> None:
    with _told_to_operators():
        conf(list(file_arguments), project="gearhorn", prog="gearhorn")


@contextlib.contextmanager
def _told_to_operators() -> Iterator[None]:
    """Turns what oslo.config raises into Misconfigured."""
    try:
        yield
    except cfg.ParseError as error:
        raise Misconfigured(f"{_UNREADABLE}: at {error.filename}:{error.lineno}, {error.msg}") from None
    except cfg.ConfigFileParseError as error:
        where = _QUOTED.sub("", error.msg or "")  # what the line says stays unsaid: it may be a password
        raise Misconfigured(f"{_UNREADABLE}: {where}") from None
    except UnicodeDecodeError as error:
        raise Misconfigured(f"a configuration file is not text in UTF-8: {error.reason}") from None
    except OSError as error:
        raise Misconfigured(f"the configuration file {error.filename} cannot be read: {error.strerror}") from None
    except cfg.Error as error:
        raise Misconfigured(" ".join(str(error).split())) from None


def _refuse_unknown(conf: cfg.ConfigOpts) -> None:
    """oslo.config lets them pass: a misspelt option would go unheeded."""
    folders = [Path(folder) for folder in conf.config_dirs]
    for file in [*conf.config_file, *(str(file) for folder in folders for file in folder.glob("*.conf"))]:
        sections: dict[str, dict[str, Any]] = {}
        with _told_to_operators():  # it may be another file by now: somebody may be writing it
            cfg.ConfigParser(file, sections).parse()
        for section, values in sections.items():
            _refuse_unknown_in(file, section, list(values))


def _override(conf: cfg.ConfigOpts, group: str | None, option: str, value: object) -> None:
    try:
        conf.set_override(option, value, group=group)
    except ValueError as error:
        raise Misconfigured(f"{written(group, option)}: {error}") from None


def _judge_values(conf: cfg.ConfigOpts) -> None:
    """oslo.config judges a value when it is first read; an operator wants to know at the start."""
    for group, options in GROUPS.items():
        for option in options:
            try:
                value = (conf if group is None else conf[group])[option.name]
            except (cfg.Error, ValueError) as error:
                reason = _reason(error.__context__ or error)
                raise Misconfigured(f"{written(group, option.name)}: {reason}") from None
            if isinstance(value, float) and not math.isfinite(value):
                raise Misconfigured(f"{written(group, option.name)}: {value} is no number of seconds")


def _reason(error: BaseException) -> str:
    """oslo.config shows the word behind a $, which may be part of a password."""
    if isinstance(error, cfg.NoSuchOptError | cfg.TemplateSubstitutionError):
        return "what follows a $ is the name of no option; a $ itself is written $$"
    return str(error)


_QUOTED = re.compile(r"""(: ['"].*|: None)$""", re.DOTALL)


def _refuse_unknown_in(file: str, section: str, names: Sequence[str]) -> None:
    group = None if section == "DEFAULT" else section.lower()
    if group not in GROUPS:
        raise Misconfigured(f"{file}: there is no section [{section}]")
    known = {option.name for option in GROUPS[group]}
    for name in names:
        if name not in known:
            raise Misconfigured(f"{file}: {written(group, name)} is no option")


def written(group: str | None, option: str) -> str:
    """How an operator finds it in a file."""
    return f"[{group or 'DEFAULT'}] {option}"
