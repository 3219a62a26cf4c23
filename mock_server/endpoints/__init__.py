"""Endpoints: the wire of each dialect on the server's side. They know bytes and requests, and nothing of jobs."""
