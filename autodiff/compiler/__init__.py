"""The compiler of `ad.capture`: records one step, and replays it as a program over arrays that are allocated once."""
