"""How the property tests of the ground floor run."""

from __future__ import annotations

from hypothesis import settings

# a busy machine makes single examples slow; what counts is that they pass
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
