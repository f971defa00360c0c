"""The committee's door: material certificates."""
