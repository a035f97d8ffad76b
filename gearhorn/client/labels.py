"""How the connections of clients are named in the servers' tables."""

# gearmand shows the first 127 bytes of a connection's id in its `workers` table.
LABEL_LIMIT_BYTES = 127


def connection_label(client_id: str) -> str:
    """What can be shown of `client_id`: whitespace and control characters would break the columns."""
    shown = "".join(letter if letter.isprintable() and letter != " " else "-" for letter in client_id)
    return shown.encode()[:LABEL_LIMIT_BYTES].decode(errors="ignore")
