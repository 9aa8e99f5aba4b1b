"""The bundled example: a small shop, its sample data and three reports on it."""
