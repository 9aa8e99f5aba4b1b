"""Pages for ordering and downloading reports in a browser."""
