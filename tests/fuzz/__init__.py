"""The running server under schemathesis, which makes requests out of the OpenAPI schema."""
