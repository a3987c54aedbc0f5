"""Pictures are drawn without a screen, and closed after each test."""

from collections.abc import Iterator

import matplotlib as mpl
import pytest
from matplotlib import pyplot


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    mpl.use("agg")
    yield
    for number in pyplot.get_fignums():  # drawn in full: what does not fit is an error
        pyplot.figure(number).canvas.draw()
    pyplot.close("all")
