"""Everything that the check-up can find: how bad it is, what it means, and the command that mends it.

doc/doctor.md has the same in a table, which a test holds against this one. In a fix, words in braces are filled in;
OPTIONS are those of the command line that say where the system is, each with a blank before it; STORE and SERVERS are
the same, for commands that need only the one or the other.
"""

from typing import NamedTuple

ERROR = "error"
WARNING = "warning"
NOTE = "note"

# The worst first.
SEVERITIES = (ERROR, WARNING, NOTE)


class Entry(NamedTuple):
    severity: str
    meaning: str
    fix: str


CATALOGUE = {
    # The store.
    "store-unreachable": Entry(
        ERROR,
        "The store does not answer: subscriptions cannot be changed, and workers can go on for a while only.",
        "{COMMAND}",
    ),
    "store-refuses-writes": Entry(
        ERROR,
        "The store can be read, and takes no changes: a disk or memory is full, or the user may not write.",
        "{COMMAND}",
    ),
    "store-lost-lists": Entry(
        ERROR,
        "The store was started again without its lists. Fanouts to topics that nobody has subscribed to since are "
        "refused, until the subscribers are back or you say that all is well.",
        "gearhorn topics forget-loss{STORE}  # when subscribers are back, or a backup: gearhorn import{STORE} FILE",
    ),
    "redis-evicts-lists": Entry(
        ERROR,
        "Redis has a limit of memory, and throws out any key when that is reached: lists of subscribers will be lost.",
        "{COMMAND} config set maxmemory-policy noeviction && {COMMAND} config rewrite",
    ),
    "redis-evicts-records": Entry(
        WARNING,
        "Redis has a limit of memory, and throws out keys that end by themselves when that is reached: workers may "
        "forget how far a fanout had come.",
        "{COMMAND} config set maxmemory-policy noeviction && {COMMAND} config rewrite",
    ),
    "redis-nearly-full": Entry(
        WARNING,
        "Redis has less than a tenth of its memory left, and will take no changes when it is full.",
        "{COMMAND} config set maxmemory {BYTES} && {COMMAND} config rewrite",
    ),
    "redis-not-persistent": Entry(
        WARNING,
        "Redis writes nothing to disk: when it is started again, all subscriptions are gone.",
        "{COMMAND} config set appendonly yes && {COMMAND} config rewrite",
    ),
    "redis-saving-fails": Entry(
        ERROR,
        "Redis could not write its data to disk the last time that it tried, and may refuse changes for that reason.",
        "df -h; {COMMAND} config get dir; {COMMAND} bgsave",
    ),
    "memcached-volatile": Entry(
        NOTE,
        "memcached forgets all subscriptions when it is started again: subscribers have to subscribe again and again, "
        "or with a ttl.",
        "gearhorn worker --store redis://HOST/0",
    ),
    "memcached-evicts": Entry(
        ERROR,
        "memcached has thrown out what it had to keep because its memory was full: lists of subscribers may be lost.",
        "systemctl edit --full memcached  # a larger -m, in megabytes: now {MEGABYTES}",
    ),
    "clock-differs": Entry(
        WARNING,
        "The clock of a worker, or of the Redis server, is not that of this host: times that are compared across hosts "
        "(expires, signed jobs) are judged wrongly.",
        "timedatectl set-ntp true  # on {HOST}",
    ),
    # Gearman servers.
    "server-unreachable": Entry(
        ERROR, "A Gearman server does not answer, or not as one that speaks this protocol.", "{COMMAND}"
    ),
    "server-slow": Entry(
        WARNING,
        "A Gearman server took more than a second to answer: it has very many queues, or is overloaded.",
        "gearadmin --host={HOST} --port={PORT} --status | wc -l",
    ),
    "server-unserved": Entry(
        ERROR,
        "No gearhorn worker is registered at a Gearman server: jobs for the service wait there for ever.",
        "systemctl restart gearhorn  # where its [gearman] servers name {SERVER}",
    ),
    "queue-unserved": Entry(
        ERROR,
        "Nobody serves one of the service's queues at a Gearman server where others of them are served.",
        "gearhorn worker{OPTIONS}  # with [worker] options that name {QUEUE}",
    ),
    "intake-backlog": Entry(
        WARNING,
        "More than a thousand jobs wait in a queue of the service: its workers do not keep up.",
        "systemctl enable --now gearhorn@more",
    ),
    "queue-not-persistent": Entry(
        WARNING,
        "[gearman] persistent_queue is on, and a server keeps its jobs in memory only: a job may be finished twice.",
        "systemctl edit --full gearman-job-server  # --queue-type=…, or persistent_queue = false",
    ),
    "file-descriptors": Entry(
        WARNING,
        "A process on this host has used more than four fifths of its file descriptors: soon it takes no connections.",
        "prlimit --pid {PID} --nofile={LIMIT}",
    ),
    "server-version-mix": Entry(
        NOTE,
        "The Gearman servers are not all of one version: a job may be treated in different ways.",
        "apt-get install --only-upgrade gearman-job-server  # on each of their hosts",
    ),
    # The round trip.
    "probe-failed": Entry(
        ERROR,
        "A message to a probe topic, published through one server, did not come back.",
        "journalctl -u 'gearhorn*' --since -10min",
    ),
    "probe-refused": Entry(
        WARNING,
        "The service or a Gearman server does not let this command publish to the probe topic: whether messages pass "
        "cannot be told.",
        "gearhorn doctor{OPTIONS} --sign-key ID --sign-keys-file FILE  # or --no-probe",
    ),
    # Workers.
    "no-worker": Entry(
        ERROR, "No worker holds a lease in this store: there is no service.", "systemctl enable --now gearhorn"
    ),
    "worker-ran-out": Entry(
        WARNING,
        "A worker is gone without a farewell, and no other has cleaned up after it yet.",
        "gearhorn workers remove{OPTIONS} {WORKER}",
    ),
    "worker-revoked": Entry(
        WARNING,
        "A worker did not acknowledge a change in time, or the store was started again. Messages go on, changes wait. "
        "A worker that is alive has a new lease when this one has run out; one that has not is stopped, cut off or "
        "overloaded.",
        "sleep 10; gearhorn workers{STORE}; journalctl -u 'gearhorn*' --since -10min",
    ),
    "worker-misses-server": Entry(
        WARNING,
        "A worker is not connected to one of the Gearman servers.",
        "gearhorn status --gearman {SERVER}  # on {HOST}",
    ),
    "worker-other-servers": Entry(
        WARNING,
        "A worker is connected to a Gearman server that the configuration here does not name.",
        "grep -rn -A5 '^\\[gearman\\]' /etc/gearhorn/  # here and on {HOST}",
    ),
    "worker-other-store": Entry(
        WARNING,
        "A worker at a Gearman server is unknown to this store: it uses another one, or holds no lease because "
        "[matchmaking] enabled is off. Messages are then sent to one list or the other.",
        "grep -rn -A5 '^\\[store\\]' /etc/gearhorn/  # on {HOST}",
    ),
    "version-mix": Entry(
        WARNING,
        "The workers are not all of one version, or not of the version of this command.",
        "apt-get install --only-upgrade gearhorn  # on {HOST}",
    ),
    # Subscribers and their queues.
    "subscriber-dead": Entry(
        WARNING,
        "Nobody has served a subscriber's queue for longer than [reaper] dead_after, and copies wait in it.",
        "gearhorn unsubscribe{SERVERS} {TOPIC} {CLIENT}",
    ),
    "subscriber-suspect": Entry(
        WARNING,
        "Nobody has served a subscriber's queue for longer than [reaper] grace, and copies wait in it.",
        "gearhorn status{OPTIONS} --client {CLIENT}",
    ),
    "queue-orphaned": Entry(
        WARNING,
        "Copies wait in a queue whose name is that of a topic and a client id, and nobody of that id is on the topic's "
        "list, nor is there a worker: what was left when somebody unsubscribed.",
        "gearman -h {HOST} -p {PORT} -w -c {COUNT} -f {QUEUE} > /dev/null",
    ),
    "names-collide": Entry(
        ERROR,
        "Two subscribers share a queue, because their topics and ids make the same name: each gets messages of the "
        "other. The service refuses such pairs; a store that was written by something else may have them.",
        "gearhorn unsubscribe{SERVERS} {TOPIC} {CLIENT}",
    ),
    "topics-overlap": Entry(
        NOTE,
        "One topic's name is another's, an underscore and something more: client ids of the first that begin like the "
        "rest are refused.",
        "gearhorn subscribers{OPTIONS} {TOPIC}",
    ),
    # Certificates, files.
    "certificate-expired": Entry(
        ERROR, "A certificate is not valid any more, or not yet: connections are refused.", "{COMMAND}"
    ),
    "certificate-expires": Entry(WARNING, "A certificate ends within thirty days.", "{COMMAND}"),
    "certificate-unreadable": Entry(
        WARNING, "When a certificate ends cannot be told from its file.", "openssl x509 -noout -enddate -in {FILE}"
    ),
    "secret-readable": Entry(
        WARNING, "Everybody on this host can read a file that holds a secret.", "chmod o-rwx {FILE}"
    ),
    # The check-up itself.
    "check-failed": Entry(
        ERROR,
        "A check could not be finished: it ran into a bug, or was not answered in time.",
        "gearhorn doctor{OPTIONS} --log-level debug",
    ),
}
