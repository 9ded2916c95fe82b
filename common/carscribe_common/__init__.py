"""What both workers of carscribe share: settings, protocol, clients, pacing, the journal."""

__version__ = "0.1.0"
