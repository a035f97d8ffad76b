"""Asks a server one admin command, and keeps the answer as it is."""

from gearhorn.wire.status import NO_OTHERS, Answered, StatusRole


class AdminRole(StatusRole):
    """`is_list`: the answer has a dot as its last line; else it is one line. After `read`, `lines` has its lines."""

    def __init__(self, command: str, *, is_list: bool = False) -> None:
        super().__init__(NO_OTHERS)
        self.lines: list[str] = []
        self._is_list = is_list
        self._out = [f"{command}\r\n".encode()]  # with a bare \n gearmand drops the last character of a name

    def receive(self, data: bytes) -> list[Answered]:
        answered = super().receive(data)
        if self._is_list or self.violation is not None:
            return answered
        return [Answered()] if self._end.endswith(b"\n") else []

    def _is_refused(self) -> bool:
        return self._is_list and super()._is_refused()

    def _read(self, lines: bytes) -> None:
        found = lines.decode(errors="replace").splitlines()
        self.lines += [line for line in found if line != "."] if self._is_list else found[:1]
