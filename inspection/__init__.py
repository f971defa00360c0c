"""Images and readings in, findings out: documents, instruments.

Knows no database, no chain and no HTTP. Everything that a finding rests on (input digest, models,
settings) travels with it, so that the same input gives the same finding again.
"""
