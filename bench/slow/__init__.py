"""An app with call types that send one request to an API that takes its time to answer."""
