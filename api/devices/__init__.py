"""The devices' door: gates and instruments."""
