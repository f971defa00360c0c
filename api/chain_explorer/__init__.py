"""The auditors' door: what stands on the ledger, and how anybody checks it."""
