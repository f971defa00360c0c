"""The ledger's figures, measured in pairs on one node; run with `python -m bench.ledger`."""
