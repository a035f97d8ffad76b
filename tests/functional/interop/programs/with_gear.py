"""Python's gear."""

import sys
import threading

import gear


class Client(gear.Client):
    """Lets wait for the end of one job."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = threading.Event()

    def handleWorkComplete(self, packet: gear.Packet) -> gear.Job:
        return self._end(super().handleWorkComplete(packet))

    def handleWorkFail(self, packet: gear.Packet) -> gear.Job:
        return self._end(super().handleWorkFail(packet))

    def handleWorkException(self, packet: gear.Packet) -> gear.Job:
        return self._end(super().handleWorkException(packet))

    def _end(self, job: gear.Job) -> gear.Job:
        self.ended.set()
        return job


def ask(host: str, port: int, queue: str, body: bytes, *, background: bool) -> None:
    client = Client()
    client.addServer(host, port)
    client.waitForServer()
    job = gear.Job(queue.encode(), body)
    client.submitJob(job, background=background)
    if not background:
        client.ended.wait()
        if job.failure:
            sys.exit((job.exception or b"".join(job.data)).decode())  # gearmand leaves it the warning
        sys.stdout.buffer.write(b"".join(job.data))
    client.shutdown()


def receive(host: str, port: int, queue: str) -> None:
    worker = gear.Worker("a receiver")
    worker.addServer(host, port)
    worker.waitForServer()
    worker.registerFunction(queue.encode())
    job = worker.getJob()
    job.sendWorkComplete(b"got " + job.arguments)
    worker.shutdown()


command, host, port, queue, *body = sys.argv[1:]
if command == "receive":
    receive(host, int(port), queue)
else:
    ask(host, int(port), queue, body[0].encode(), background=command == "submit")
