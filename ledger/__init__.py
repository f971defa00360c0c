"""The chain as Piste sees it: statements, signatures, relay, indexer, evidence log, proofs, embedded node."""
