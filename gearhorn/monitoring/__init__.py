"""Tells the outside how a worker is doing: figures, health, statsd, systemd's watchdog. It only looks."""
