"""Check notes (核放单) and the gates that they open."""
