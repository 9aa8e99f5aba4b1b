"""What runs everything on one machine: `make up` and `make demo`. Production needs nothing of it."""
