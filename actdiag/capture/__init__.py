"""The only room that touches a live module: from batches to sites with their statistics."""

from actdiag.capture.capture import Capture
from actdiag.capture.guard import preserved

__all__ = ["Capture", "preserved"]
