"""Comparison of documents, holds, examinations, instruments' readings, dispositions."""
