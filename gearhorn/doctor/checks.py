"""All checks, in the order in which their results are shown."""

from gearhorn.doctor.certificates import check_certificates
from gearhorn.doctor.examination import Check
from gearhorn.doctor.files import check_files
from gearhorn.doctor.probe import check_round_trip
from gearhorn.doctor.servers import check_descriptors, check_persistence, check_queues, check_servers
from gearhorn.doctor.stores import check_clocks, check_memcached, check_redis, check_store
from gearhorn.doctor.subscribers import check_names, check_orphans, check_subscribers
from gearhorn.doctor.workers import check_connections, check_strangers, check_versions, check_workers

ROUND_TRIP = Check("round trip", check_round_trip)

CHECKS = (
    Check("store", check_store),
    Check("Redis", check_redis),
    Check("memcached", check_memcached),
    Check("servers", check_servers),
    Check("queues", check_queues),
    ROUND_TRIP,
    Check("workers", check_workers),
    Check("versions", check_versions),
    Check("connections", check_connections),
    Check("other stores", check_strangers),
    Check("clocks", check_clocks),
    Check("subscribers", check_subscribers),
    Check("orphaned queues", check_orphans),
    Check("names", check_names),
    Check("certificates", check_certificates),
    Check("secrets", check_files),
    Check("persistent queues", check_persistence),
    Check("file descriptors", check_descriptors),
)
