"""The ASGI application: routes, limits, health, metrics, and the pages people look at."""
