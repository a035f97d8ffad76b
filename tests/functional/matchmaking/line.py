"""A client's way to one Gearman server that comes and goes."""

from typing import Any

from tests.functional.contract.clients import Answer, Client
from tests.servers.gearman import GearmanServer

# More than any job takes that is not lost: a worker waits half a minute for a store that is away.
PATIENCE_S = 90.0


class Line:
    """Connects anew after a loss. For one thread."""

    def __init__(self, server: GearmanServer) -> None:
        self.server = server
        self._client: Client | None = None

    def connect(self) -> bool:
        """Whether the server can be asked now."""
        if self._client is None:
            try:
                self._client = Client(self.server)
            except (OSError, EOFError):
                return False
            self._client.socket.settimeout(PATIENCE_S)
        return True

    def request(self, queue: str, body: dict[str, Any]) -> Answer | None:
        """None: the line was lost, or nothing came for a long time. Nobody knows what became of the job."""
        assert self._client is not None
        try:
            return self._client.request(queue, body)
        except (OSError, EOFError):
            self.close()
            return None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
