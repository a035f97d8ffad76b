"""From command line arguments to the configuration: options beat the files."""

import argparse
import os
from collections.abc import Mapping

from gearhorn.config import Config
from gearhorn.errors import Misconfigured
from gearhorn.logs.setting_up import set_up_logging
from gearhorn.signing.signer import Signer

Overrides = Mapping[tuple[str | None, str], object]


def read_config(
    arguments: argparse.Namespace, default_log_level: str = "", overrides: Overrides | None = None
) -> Config:
    """Reads the files, sets up logging. `overrides` beat everything. Raises Misconfigured."""
    files = [f"--config-file={name}" for name in arguments.config_file or ()]
    files += [f"--config-dir={name}" for name in arguments.config_dir or ()]
    config = Config(files, {**overrides_of(arguments, default_log_level), **(overrides or {})})
    set_up_logging(config.log_settings())
    return config


def read_signer(
    arguments: argparse.Namespace, config: Config, environ: Mapping[str, str] = os.environ
) -> Signer | None:
    """Who signs, if the command line or the environment names a key. Raises Misconfigured."""
    key_id = getattr(arguments, "sign_key", None) or environ.get("GEARHORN_SIGN_KEY", "")
    named_path = getattr(arguments, "sign_keys_file", None)
    path = named_path or environ.get("GEARHORN_SIGN_KEYS_FILE", "")
    if not key_id:
        if named_path:
            raise Misconfigured("--sign-keys-file without --sign-key: which of its keys?")
        return None
    path = path or config.signing_settings().keys_file
    if not path:
        raise Misconfigured("to sign takes --sign-keys-file, GEARHORN_SIGN_KEYS_FILE or [signing] keys_file")
    return Signer.from_file(key_id, path)


def overrides_of(arguments: argparse.Namespace, default_log_level: str = "") -> dict[tuple[str | None, str], object]:
    """What the command line says. A subcommand need not have each of the options."""
    found: dict[tuple[str | None, str], object] = {}
    if servers := getattr(arguments, "gearman", None):
        found["gearman", "servers"] = [part for text in servers for part in text.split(",")]
    if url := getattr(arguments, "store", None):
        found["store", "url"] = url
    for option, name in (("ssl_ca", "ca_file"), ("ssl_cert", "cert_file"), ("ssl_key", "key_file")):
        if file := getattr(arguments, option, None):
            found["gearman", name] = file
            found["gearman", "tls"] = True
    if level := arguments.log_level or default_log_level:
        found[None, "log_level"] = level
    return found
