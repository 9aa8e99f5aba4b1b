"""An app with one report type, of as many rows as are asked for."""
