"""Each decision of SPEC 12 undone: grantcore as the reference behaves, or as near to it as text can bring it.

Where the rest of the engine does not let the old behaviour through (a table without such an edge, say), the
plant opens that way too. Of D-32 the other half, that attempt policies are stored, would be a field more and no
behaviour: there is nothing to undo.
"""

from __future__ import annotations

from typing import Final

from tests.proof.planted.decisions.d01_to_d16 import FIRST
from tests.proof.planted.decisions.d17_to_d33 import LAST

DECISIONS: Final = (*FIRST, *LAST)
"""Some in more than one way."""
