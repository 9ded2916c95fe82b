"""What both workers of carscribe share: settings, protocol, clients, rate limit, store."""

__version__ = "0.1.0"
