"""Adapters: how a client under test is driven, in this process or as a program on stdio."""
