"""What every encoder does."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors whose inner product says how alike they are.

    Vectors are not centred: what all texts of a collection have in common is still in them, and only the collection knows it. Whoever compares
    vectors subtracts their mean first.
    """

    @property
    def name(self) -> str:
        """How the encoder is chosen, such as ``"static"``."""
        ...

    @property
    def device(self) -> str:
        """Where it runs, ``"cpu"`` or ``"cuda"``."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the weights in hexadecimal. Vectors are comparable only under an equal digest, so it stands in the manifest."""
        ...

    def encode(self, column: Any) -> npt.NDArray[np.float32]:
        """Return the vector of each text.

        Parameters
        ----------
        column : pyarrow.Array, pyarrow.ChunkedArray or sequence of str
            Texts; null counts as the empty text.

        Returns
        -------
        float32[n, dim]
            C order; rows of unit length, or of zeros for a text that says nothing to the encoder, such as an empty one.

        Raises
        ------
        TypeError
            The column does not hold texts.
        """
        ...
