"""Which route films a shot: policies order the quotes, a plan explains the choice.

The arithmetic needs no shot, no card and no money, and is what :mod:`dramagen.routing` exports:

    from dramagen.routing import Arm, allocate, plan_attempts
"""

from dramagen.routing.attempts import Arm, Attempt, plan_attempts
from dramagen.routing.knapsack import Allocation, allocate, allocation
from dramagen.routing.numeric import InvalidNumbers

__all__ = ["Allocation", "Arm", "Attempt", "InvalidNumbers", "allocate", "allocation", "plan_attempts"]
