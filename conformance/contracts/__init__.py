"""The contracts, one group a module. They reach clients and servers through adapters and targets alone."""
