"""Keeps every worker's lists right: who is subscribed, who holds a lease, and how a change is told and acknowledged."""
