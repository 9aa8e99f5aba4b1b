"""Calls to slow external APIs: call types, durable steps, limits for each remote host, and the API and pages."""
