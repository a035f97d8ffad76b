"""What the dashboard needs to know. Without its libraries, so that settings can be judged without them."""

from dataclasses import dataclass

from gearhorn.net.address import Address

DEFAULT_PORT = 9474
DEFAULT_LISTEN = Address("127.0.0.1", DEFAULT_PORT)


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    """`listen` is None where there is to be no dashboard; `hosts` are names that browsers may know it by."""

    listen: Address | None = None
    hosts: tuple[str, ...] = ()
