"""The demonstration: made-up parties carry the three example dossiers through a running stack."""
