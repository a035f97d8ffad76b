"""Bodies as they are sent: signed, if there is somebody who signs."""

from collections.abc import Callable

from gearhorn.signing.signer import Signer

# Makes the body of one job. To be called for each job anew: a signed body is good for one.
Body = Callable[[], bytes]


def ready(body: bytes, job: str, signer: Signer | None) -> Body:
    """`job` is what the body is for, a word of signing/envelope.py."""
    return lambda: signer.sign(job, body) if signer else body
