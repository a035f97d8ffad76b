"""From command line arguments to the configuration: options beat the files."""

import argparse

from gearhorn.config import Config
from gearhorn.logs import set_up_logging


def read_config(arguments: argparse.Namespace, default_log_level: str = "") -> Config:
    """Reads the files, sets up logging. Raises Misconfigured."""
    files = [f"--config-file={name}" for name in arguments.config_file or ()]
    files += [f"--config-dir={name}" for name in arguments.config_dir or ()]
    overrides: dict[tuple[str | None, str], object] = {}
    if arguments.gearman:
        overrides["gearman", "servers"] = [part for text in arguments.gearman for part in text.split(",")]
    if arguments.store:
        overrides["store", "url"] = arguments.store
    if arguments.log_level or default_log_level:
        overrides[None, "log_level"] = arguments.log_level or default_log_level
    config = Config(files, overrides)
    set_up_logging(config.log_settings())
    return config
