"""From masks in some frames of a clip to masks in the others: which frames are followed from where, and the run itself.

Importing it loads no torch.
"""

from rvos_core.inference.propagation.plan import Direction, FollowPlan, Pass, plan_passes
from rvos_core.inference.propagation.session import FollowedFrame, FollowedObject, follow

__all__ = ["Direction", "FollowPlan", "FollowedFrame", "FollowedObject", "Pass", "follow", "plan_passes"]
