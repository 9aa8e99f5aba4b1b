"""From an order to a message: admission, one INSERT, whose turn it is, and the release to Celery.

Only this room publishes messages. It neither runs jobs nor knows what they do, and it does not know REST framework.
"""
