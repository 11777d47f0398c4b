"""Cards of providers and models, and what they say of a shot: can it be filmed there, how, for how much."""
