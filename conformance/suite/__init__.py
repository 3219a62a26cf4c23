"""The suite that pytest runs."""
