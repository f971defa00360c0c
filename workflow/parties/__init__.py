"""Who takes part: organisations, their people and programs, and the keys with which these sign."""
