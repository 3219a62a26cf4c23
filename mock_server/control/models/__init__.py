"""The bodies that the control API takes, and the answers that it gives. The OpenAPI document is made of them.

Times are seconds since the epoch, on the server's clock; durations are read as in scenarios, ``100ms`` or ``2h``.
"""
