"""Setting a page up: Facebook Login, subscriptions, what Meta calls back about, and what a new visitor sees."""
