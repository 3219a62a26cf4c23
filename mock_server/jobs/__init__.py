"""The job simulation: definitions, life cycle, scheduling, results. It knows a clock and a folder, and no wire."""
