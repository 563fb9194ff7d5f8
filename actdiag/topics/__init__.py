"""What ``actdiag explain`` knows: rules, functions, symptoms, situations and the table of places.

Nothing here imports torch.
"""

from actdiag.topics.base import Part, Topic
from actdiag.topics.index import ALL_KINDS, find, known, look_up, topics

__all__ = ["ALL_KINDS", "Part", "Topic", "find", "known", "look_up", "topics"]
