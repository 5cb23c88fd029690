"""The month's settlement: what the payers owe for the meals, who says so, and what is locked by it."""
