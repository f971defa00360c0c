"""How a signed statement becomes a record: the relay carries it, the indexer lets final blocks take effect."""
