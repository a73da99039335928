"""Pictures in, cells out: folders of pictures to masks, labels, overlays and tables.

Nothing here is a way of its own to find cells: it is what the lessons do by hand, ``ck.predict``
and ``ck.instances`` or ``ck.detect``, for many pictures of any size.
"""

from cellkit.segmentation.batch import segment
from cellkit.segmentation.measurement import measure
from cellkit.segmentation.outputs import Segmented

__all__ = ["Segmented", "measure", "segment"]
