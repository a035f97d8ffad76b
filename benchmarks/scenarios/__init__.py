"""The scenarios of the suite, one module each."""

# In which order they are measured, and told on the page. Those that are not named here come last.
ORDER = (
    "copy_rate",
    "four_servers",
    "progress_records",
    "watched",
    "intake",
    "foreground",
    "end_to_end",
    "fairness",
    "payloads",
    "large_topic",
    "subscribe_storm",
    "change_latency",
    "waiting",
    "steady_memory",
    "start",
    "many_queues",
)
