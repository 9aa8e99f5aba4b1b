"""An app with one kind of job, which does nothing: what remains is what Longhaul does for every job."""
