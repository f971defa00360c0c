"""Ground floor: errors, clock, ids, settings, database session, document archive, jobs."""
