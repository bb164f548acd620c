"""The doors: the agents' API, the live feed, the webhook door, the visitor door, the built pages."""
