"""The commands of the server, one group a module. They know jobs, sites and sessions, and nothing of bytes."""
