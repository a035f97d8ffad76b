"""Large fanouts that were cut short go on where they stopped.

While the copies of a large fanout go out, its worker keeps a record in the store of what is confirmed. When the worker
is lost, gearmand gives the job to another one, which finds the record and sends the rest. Servers of other kinds drop
the jobs of a lost worker: there the record holds what it takes to go on without a job, and a worker that comes across
it finishes the background fanout.
"""
