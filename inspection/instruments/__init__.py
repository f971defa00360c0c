"""Readings of instruments, judged: radiation, weighbridge."""
