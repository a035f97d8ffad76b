"""Runs somebody's command for each copy: the payload on its standard input, its output as the answer."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from tempfile import TemporaryFile

from gearhorn.client.copies import Copy
from gearhorn.errors import BadRequest, GearhornError

# As much of the end of a failed command's standard error is told to the publisher.
COMPLAINT_LIMIT_BYTES = 500

# A command that is cut short has so long to end by itself.
KILL_AFTER_S = 1.0


class CommandFailed(GearhornError):
    """The command ended with another status than 0, or by a signal, or could not be run."""


class Command:
    """A handler of copies. The command sees GEARHORN_TOPIC and GEARHORN_CLIENT_ID in its environment.

    Its streams are files and not pipes: so a command that leaves a process behind with its output open, or that does
    not read its input, holds up nobody. It has a process group of its own, so that Ctrl-C does not reach it.
    """

    def __init__(self, argv: Sequence[str], client_id: str) -> None:
        """Raises BadRequest when there is no such program."""
        if not argv:
            raise BadRequest("--exec", "needs a command")
        if shutil.which(argv[0]) is None:
            hint = f"; with arguments it is: --exec {argv[0]}" if len(argv) == 1 and " " in argv[0] else ""
            raise BadRequest("--exec", f"there is no program {argv[0]!r} that can be run{hint}")
        self._argv = argv
        self._client_id = client_id

    async def __call__(self, copy: Copy) -> bytes:
        """The command's standard output. Raises CommandFailed. Its standard error goes to ours when it has ended."""
        with TemporaryFile() as given, TemporaryFile() as answered, TemporaryFile() as complained:
            given.write(copy.payload)
            given.seek(0)
            status = await self._run(copy.topic, given.fileno(), answered.fileno(), complained.fileno())
            complained.seek(0)
            complaint = complained.read()
            sys.stderr.buffer.write(complaint)
            sys.stderr.buffer.flush()
            if status:
                raise CommandFailed(_reason(status, complaint))
            answered.seek(0)
            return answered.read()

    async def _run(self, topic: str, stdin: int, stdout: int, stderr: int) -> int:
        environ = {**os.environ, "GEARHORN_TOPIC": topic, "GEARHORN_CLIENT_ID": self._client_id}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=stdin, stdout=stdout, stderr=stderr, env=environ, process_group=0
            )
        except (OSError, ValueError) as error:
            raise CommandFailed(f"{self._argv[0]} cannot be run: {error}") from error
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asks the command and all that it started to end, and then makes them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILL_AFTER_S):
                await process.wait()
                return


def _reason(status: int, complaint: bytes) -> str:
    how = f"exit status {status}" if status > 0 else f"ended by {_signal_name(-status)}"
    said = complaint[-COMPLAINT_LIMIT_BYTES:].decode(errors="replace").strip()
    return f"{how}: {said}" if said else how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"
