"""The customs officers' door: filing, holds, examinations, release."""
