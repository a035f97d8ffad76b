"""STORE_URL KEY: one SMEMBERS with redis-py, and nothing else."""

import json
import sys
import time

import redis


def measure(store_url: str, key: str) -> dict[str, float]:
    with redis.Redis.from_url(store_url) as client:
        client.ping()  # now it is connected
        started_s = time.perf_counter()
        members = client.smembers(key)
        took_s = time.perf_counter() - started_s
    return {"count": len(members), "seconds": took_s}


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:])))
