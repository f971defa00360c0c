"""The evidence log: an append-only tree on disk, its checkpoints, and the witnesses that co-sign them."""
