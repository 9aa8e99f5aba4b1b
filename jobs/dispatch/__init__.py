"""From an order to a message: admission, one INSERT, whose turn it is, and the release to Celery.

Only this room publishes messages. It does not run jobs, and it knows neither REST framework nor what a job does.
"""
