"""From an order to its file, and from a file to its rows, as people see it while parts of the service fail."""
