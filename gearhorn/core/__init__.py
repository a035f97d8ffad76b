"""What the service decides: who gets a copy, when the next ones go out, what a fanout's answer is.

Nothing here waits or looks at the world: time comes in as an argument in seconds, chance as a seeded generator. State
machines take events and return what to do. Gearman's packets are unknown here.
"""
