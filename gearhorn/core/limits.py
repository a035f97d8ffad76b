"""What one job may ask for. Jobs are refused for it one by one.

How much a worker holds at a time is the business of net/backpressure.py.
"""

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Each is the most that is still taken."""

    # Of a copy.
    payload_bytes: int = 64 * MIB
    # Of objects and lists in each other, the job itself being the first. PHP and Perl read no more unless told to.
    json_depth_count: int = 512
    # On a topic's list. Only subscribing is held to it.
    subscribers_count: int = 1_000_000
    # Of all copies of one fanout together: what its servers have to hold when no receiver is there.
    copies_bytes: int = 8 * GIB
    # Of what one receiver answers, and of what all of a worker's receivers have answered and nobody has been given yet.
    answer_bytes: int = 1 * MIB
    answers_bytes: int = 64 * MIB
