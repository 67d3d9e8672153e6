"""The network that a config describes, and the loop that trains it."""
