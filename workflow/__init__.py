"""The clearance process: the engine, and one folder per process."""
