"""The scenarios of the suite, one module each."""

# In which order they are measured, and told on the page. Those that are not named here come last.
ORDER = (
    "copy_rate",
    "copy_rate_fleet",
    "intake_rate",
    "foreground",
    "end_to_end",
    "fairness",
    "payloads",
    "subscribe_storm",
    "change_latency",
    "waiting",
    "large_topic",
    "steady_memory",
    "start",
    "many_queues",
)
