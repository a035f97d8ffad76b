"""A SQLite file: how it is opened, what a transaction is, and what its errors mean. Blocking, and for one thread."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.boots import boot_id
from gearhorn.store.sqlite_schema import SCHEMA_VERSION, TO_THIS_SCHEMA, enter_boot

# Result codes whose cause passes: another process holds the lock, the disk is full or does not answer, memory is short.
# (https://www.sqlite.org/rescode.html) All others are the operator's to mend: no permission, no database, a broken one.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_INTERRUPT,
    }
)

# A subscribe job that completed must be there after a power cut. In WAL mode NORMAL syncs only at checkpoints, so that
# the last changes could be lost. (https://www.sqlite.org/pragma.html#pragma_synchronous)
SYNCED = "PRAGMA synchronous = FULL"


class SqliteFile:
    """Statements on `db` belong into a `transaction`, whose errors are StoreUnavailable or Misconfigured."""

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self._path = path
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
            self._opened = _identity(path)
            try:
                self._prepare(busy_timeout_s)
            except BaseException:
                self.db.close()
                raise

    def close(self) -> None:
        self.db.close()

    @contextlib.contextmanager
    def transaction(self, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[None]:
        """DEFERRED: a snapshot, for reading. IMMEDIATE: with the lock for writing, from its first moment on."""
        with self._translated():
            self._see_that_it_is_there()
            self.db.execute(f"BEGIN {kind}")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:  # SQLite itself rolls back after some errors, such as a full disk
                    self.db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def unsynced(self) -> Iterator[None]:
        """A transaction that may be lost when the machine stops, though not when the process does, and costs little."""
        with self._translated():
            self.db.execute("PRAGMA synchronous = NORMAL")
            try:
                yield
            finally:
                self.db.execute(SYNCED)

    def value(self, statement: str, *parameters: object) -> Any:
        """The first column of the first row."""
        return self.db.execute(statement, parameters).fetchone()[0]

    def _see_that_it_is_there(self) -> None:
        """SQLite goes on with a file that has no name any more: what is changed there ends with the processes."""
        try:
            is_ours = _identity(self._path) == self._opened
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            raise Misconfigured(
                f"SQLite store {self._path}: the file was removed or replaced while it was in use; put it in its place "
                "and start the workers again"
            )

    def _prepare(self, busy_timeout_s: float) -> None:
        # Ids come out as the bytes that copies are addressed with.
        self.db.text_factory = bytes
        schema = self.value("PRAGMA user_version")
        if schema > SCHEMA_VERSION:
            raise Misconfigured(f"SQLite store {self._path} has schema {schema}: it was written by a newer gearhorn")
        self._switch_to_wal(busy_timeout_s)
        self.db.execute(SYNCED)
        if schema < SCHEMA_VERSION:
            self.db.executescript(TO_THIS_SCHEMA)
        self._enter_boot()

    def _switch_to_wal(self, busy_timeout_s: float) -> None:
        deadline_s = time.monotonic() + busy_timeout_s
        while True:
            try:
                mode = self.value("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                # The busy timeout does not hold for this statement when several processes open a new file at once.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                    raise
                time.sleep(0.01)
        if mode != b"wal":
            raise Misconfigured(
                f"SQLite store {self._path} cannot be kept in WAL mode: is it on a network file system?"
            )

    def _enter_boot(self) -> None:
        """Only the first process after a boot needs the lock for writing."""
        current = boot_id()
        if self.value("SELECT id FROM boot") != current.encode():
            with self.transaction("IMMEDIATE"):
                enter_boot(self.db, current)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None:  # not SQLite's but the module's, about the way it is called
                raise
            kind = StoreUnavailable if code & 0xFF in _PASSING else Misconfigured
            raise kind(f"SQLite store {self._path}: {error}") from error
        except OSError as error:
            raise Misconfigured(f"SQLite store {self._path}: {error.strerror}") from error


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
