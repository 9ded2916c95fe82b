"""From the detector's scores to confidences in percent.

A score is no probability: CenterNet's authors draw what scores 0.3 or more,
and so did we find it with the image letterboxed. Photographs without a car
scored up to 0.21, recognizable cars 0.46 and more. So 0.30 becomes 90 percent,
Rekognition's "sure enough" in this project, and what lies above and below
spreads over straight lines that only rise. Measured: see docs/local.md.
"""

from __future__ import annotations

from itertools import pairwise

# Score and percent at the joints; straight lines between them.
JOINTS = ((0.0, 0.0), (0.10, 50.0), (0.30, 90.0), (0.60, 98.5), (1.0, 100.0))


def confidence_percent(score: float) -> float:
    """Return the confidence for a score; a higher score never gives a lower one."""
    score = min(1.0, max(0.0, score))
    for (below, low), (above, high) in pairwise(JOINTS):
        if score <= above:
            return low + (high - low) * (score - below) / (above - below)
    return JOINTS[-1][1]
