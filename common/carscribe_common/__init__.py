"""What both workers of carscribe share: settings, protocol, clients, rate limit, store."""

__version__ = "1.0.0"
