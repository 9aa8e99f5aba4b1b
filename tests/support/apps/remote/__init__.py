"""An app with call types that need no remote service: their steps compute something."""
