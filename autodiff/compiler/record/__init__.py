"""A step, recorded: what it reaches, what is called on that, and whether two runs did the same."""
