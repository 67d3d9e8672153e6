"""The program made of a recorded step, and the passes that make it shorter and faster."""
