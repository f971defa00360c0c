"""What every process shares: life cycles, cases, history, signed decisions, jobs."""
