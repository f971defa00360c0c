"""Scanned trade papers: read, take apart, compare with what was declared."""
