"""Bundled examples of what a team writes for itself. Nothing imports them; the settings name them."""
