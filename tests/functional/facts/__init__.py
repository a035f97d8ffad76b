"""What we rely on in Gearman servers, asked of the real ones.

Each test stands for one rule of how these servers behave; the service is written to these rules, and the model of a
server that the simulator uses is held against the same tests. The tests speak over plain sockets and share no code
with the service, so that they can catch its misreadings. A docstring names the rule's point in the list below.

 1  WORK_COMPLETE and GRAB_JOB may go out in one send (what Nagle's algorithm costs otherwise is for the benchmarks)
 2  every grab gets exactly one answer, in order
 3  GRAB_JOB_UNIQ everywhere but on Perl's server, which says so; GRAB_JOB never on geard
 4  PRE_SLEEP only when all grabs are answered and one said NO_JOB
 5  one NOOP for many jobs, and no promise that there is one
 6  repeat PRE_SLEEP now and then: scheduled jobs and new functions do not wake a sleeper
 7  packets of a server may have the magic of a request
 8  answers to submits come in their order; several submits may share a handle
 9  packets that geard never answers
10  GET_STATUS of a handle that does not exist is answered by all
11  WORK_EXCEPTION ends a job, but not on Perl's server
12  handles end at the first NUL; WORK_FAIL without NUL, WORK_COMPLETE with
13  an ERROR does not end a worker's connection and names no job
14  a job may get a second ending
15  who runs a job again, and who loses it, when a worker goes away
16  CAN_DO_TIMEOUT is of no use with several jobs in flight
17  geard hangs up on CANT_DO of a name that it does not know
18  names that servers take, cut, or die of
19  unique: what persists, and what dies together
20  servers never push back
21  handles are used again after a restart
22  names of functions are never forgotten
23  what may be asked of geard's text protocol
24  TLS: geard 1.2 only, Debian's gearmand none
"""
