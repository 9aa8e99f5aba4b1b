"""What the HTTP APIs of all kinds share: problems, status, download, health."""
