"""Holds the commands that users type: entry points, their help, and the report of mistakes."""
