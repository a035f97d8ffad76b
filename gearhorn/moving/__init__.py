"""Takes subscriptions out of one store and brings them into another, as lines of text."""
