"""redis-py's pipeline: RPUSH to one list per subscriber."""

from collections.abc import Sequence

import redis

from contestants import scripts

CHUNK = 5_000  # commands per execute(): many more in one are slower, as they are built before the first is sent


def connect(port: int) -> scripts.Send:
    client = redis.Redis(port=port)
    client.ping()

    def send(names: Sequence[str], payload: bytes) -> None:
        for start in range(0, len(names), CHUNK):
            pipeline = client.pipeline(transaction=False)
            for name in names[start : start + CHUNK]:
                pipeline.rpush(name, payload)
            if any(length != 1 for length in pipeline.execute()):
                raise RuntimeError("a list was not empty before")

    return send


if __name__ == "__main__":
    scripts.main(connect)
