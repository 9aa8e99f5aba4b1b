"""An app with one call type, which sends one request to an API that takes a second to answer."""
