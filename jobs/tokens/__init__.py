"""Bearer tokens of the API: named, hashed, expiring and limited to scopes, which the apps of the resources define."""
