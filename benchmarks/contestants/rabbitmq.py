"""A RabbitMQ broker of our own, without a trace of one that the machine may have: on free ports of 127.0.0.1, with its
files in one folder, and with a port mapper (epmd) that ends with it.

The variables are those of the broker's own configuration guide; the scripts that Debian puts in front of the broker
change to a user of its own and are passed by.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import ServerProcess, find_program, free_port

LOOPBACK = "127.0.0.1"
USER = "guest"  # the broker makes this account by itself, for connections from the same host; its password is the same


class PortMapper(ServerProcess):
    """epmd, in which an Erlang node looks up others. The broker would start one that outlives it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        super().__init__([find_program("epmd"), "-address", LOOPBACK, "-port", str(port)], port, folder)


class RabbitMQ(ServerProcess):
    """A broker without plug-ins. Whatever is declared in it is gone when it stops."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self._mapper = PortMapper(folder / "epmd")
        settings = folder / "rabbitmq.conf"
        super().__init__([_server_script()], port, folder, _environment(folder, settings, port, self._mapper.port))
        self._settings = {settings: f"listeners.tcp.1 = {LOOPBACK}:{port}\n", folder / "plugins": "[].\n"}

    def start(self) -> "RabbitMQ":
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, text in self._settings.items():
            path.write_text(text)
        self._mapper.start()
        try:
            super().start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """There is nothing to save, and thousands of queues take the broker their time to close."""
        self.kill()
        self._mapper.stop()


@contextmanager
def open_rabbitmq(folder: Path) -> Iterator[RabbitMQ]:
    """A fresh broker in `folder`, stopped at the end."""
    broker = RabbitMQ(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _server_script() -> str:
    """The broker's own script, which the one on the PATH leads to."""
    script = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    return str(script) if script.exists() else find_program("rabbitmq-server")


def _environment(folder: Path, settings: Path, port: int, mapper_port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
    return {
        **kept,
        "HOME": str(folder),  # the secret that nodes share is made there
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_NODENAME": f"benchmark{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(settings),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the broker: one process, to which signals go
    }
