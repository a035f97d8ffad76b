"""Connections to Gearman servers: each drives one role of `wire`, and is kept up for as long as it is wanted."""
