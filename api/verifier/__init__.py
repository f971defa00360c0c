"""The verifier's page: one static file that judges papers without a network, and the trust anchor that it needs."""
