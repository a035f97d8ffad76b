"""A RabbitMQ broker of our own, without a trace of one that the machine may have: on free ports of 127.0.0.1, with its
files in one folder, and with a port mapper (epmd) that ends with it.

The variables are those of the broker's own configuration guide; the scripts that Debian puts in front of the broker
change to a user of its own and are passed by.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import programs

from tests.servers.process import ServerProcess, find_program, free_port

LOOPBACK = "127.0.0.1"

FANOUT_DIFFERENCE = (
    "an exchange of type fanout with as many queues bound, transient queues and messages, one publish with a publisher "
    "confirm, from librabbitmq (`c/amqp_publish.c`). Does less: reads no JSON, its list is in the exchange, and the "
    "message crosses a socket once. It has heard of its queues before; declaring and binding them is not measured"
)


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

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Stands still from the end of this on, until the next time: with 10,000 queues it is never quite idle."""
        self.signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.signal(signal.SIGSTOP)

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


class Fanout:
    """An exchange in a running broker, with one transient queue for each of the names in a file.

    The broker is awake only while this is at work.
    """

    def __init__(self, broker: RabbitMQ, exchange: str, names: Path, payload_bytes: int) -> None:
        """Declares and binds: with 10,000 queues that takes a quarter of a minute."""
        self._broker = broker
        self._options = ("-p", broker.port, "-x", exchange, "-n", names, "-s", payload_bytes)
        self.copies_per_s(1, "-d")

    def copies_per_s(self, count: int, *options: object) -> float:
        """Publishes one message after the other: the median of their rates. The queues are empty afterwards."""
        with self._broker.awake():
            return programs.copies_per_s("amqp_publish", *self._options, "-c", count, *options)


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
