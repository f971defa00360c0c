"""The doors: JSON routes and pages for each kind of user; the only place that knows HTTP."""
