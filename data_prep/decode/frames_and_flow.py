"""The row of a clip without sound: some of its frames, and the motion from each to the next."""

from pathlib import Path

import numpy as np

from data_prep.decode.clip_rows import channels_first, short_name
from data_prep.decode.flow import flow
from data_prep.decode.video import pictures, scan, spread
from data_prep.release.layout import Undecodable

SIZE = 112  # pixels; flow takes long, and there are many clips


def frames_and_flow(path: Path, count: int) -> dict[str, np.ndarray]:
    """One clip: "rgb" uint8 [1, 3, count, 112, 112] and "flow" uint8 [1, 2, count, 112, 112]. Raises Undecodable.

    The frames are spread evenly over the clip; each flow is that to the very next frame of the file.
    """
    video = scan(path, short_name(path))
    if len(video.times) < 2:
        raise Undecodable(f"{video.name} has a single frame: motion needs two.")
    first = spread(len(video.times) - 1, count)
    both = pictures(video, [*first, *(number + 1 for number in first)], SIZE)
    before, after = both[:count], both[count:]
    return {"rgb": channels_first(before), "flow": flow(before, after).transpose(1, 0, 2, 3)[None]}
