"""An app of a team that has a queue of its own."""
