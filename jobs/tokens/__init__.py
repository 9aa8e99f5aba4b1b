"""Bearer tokens of the API: named, hashed, expiring, each for some scopes."""
