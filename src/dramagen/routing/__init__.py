"""Which route films a shot: policies order the quotes, a plan explains the choice."""
