"""How a run is carried out: its plan, its workers, what they say, and what counts of it."""
