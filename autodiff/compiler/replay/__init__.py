"""A program run: its memory, its code, and the checks that a replay does what the function does."""
