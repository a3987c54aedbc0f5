"""What pictures of classes show is what the targets hold."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from audiolabels import Annotations, expand, load_vocabulary, toy_ontology
from audiolabels.errors import InputTypeError, OptionError, UnknownClassError, VocabularyError
from audiolabels.plots import frequencies, labels_per_clip, masked_share, neighbourhood
from audiolabels.plots.style import IMPLIED, NEGATIVE, POSITIVE, UNKNOWN

LABELS = Annotations.from_dict(
    {"a": ["Electric guitar"], "b": ["Guitar", "Speech"], "c": ["Speech"], "d": [], "e": None}
)
CLASSES = ["Music", "Guitar", "Electric guitar", "Speech"]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_frequencies_before_and_after() -> None:
    before = expand(LABELS, "weak", vocabulary=CLASSES)
    axes = frequencies(before, expand(LABELS, "pel", vocabulary=CLASSES))
    (line,) = axes.lines
    assert line.get_ydata().tolist() == [2, 1, 1, 0]  # Speech, Guitar, Electric guitar, Music
    after = axes.collections[0].get_offsets().tolist()
    assert after == [[1, 2], [2, 2], [3, 1], [4, 2]]
    assert sorted(texts(axes)) == ["Guitar", "Music"]  # those that gained
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["pel", "as given"]


def test_annotations_are_drawn_over_the_classes_of_the_other_side() -> None:
    axes = frequencies(LABELS, expand(LABELS, "pel", vocabulary=CLASSES))
    assert len(axes.lines[0].get_ydata()) == len(CLASSES)
    assert frequencies(LABELS).lines[0].get_ydata().tolist() == [2, 1, 1]
    with pytest.raises(VocabularyError, match="lacks"):
        frequencies(expand(LABELS, vocabulary=CLASSES), expand(LABELS, vocabulary=["Music"]))


def test_labels_per_clip_add_up() -> None:
    axes = labels_per_clip(LABELS, expand(LABELS, "pel"), names=("before", "after"), most=3)
    first, second = (np.array([bar.get_height() for bar in bars]) for bars in axes.containers)
    np.testing.assert_allclose(first, [40, 40, 20, 0])
    np.testing.assert_allclose(second, [40, 20, 0, 40])
    assert axes.get_xticklabels()[-1].get_text() == "3+"


@pytest.mark.parametrize("wrong", [{}, {"names": ("a",)}])
def test_labels_per_clip_wants_labels_and_their_names(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(OptionError, match="a name for each"):
        labels_per_clip(*([LABELS, LABELS] if wrong else []), **wrong)


def test_masked_share_is_that_of_the_summary() -> None:
    targets = expand(LABELS, "pe-cml", vocabulary=CLASSES)
    axes = masked_share(targets)
    shown = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.patches, strict=True))
    table = targets.summary().set_index("name")["unknown"]
    assert {name: bar.get_width() * 5 / 100 for name, bar in shown.items()} == {
        name: count for name, count in table.items() if count
    }
    with pytest.raises(InputTypeError, match="targets"):
        masked_share(LABELS)  # type: ignore[arg-type]


def colours(axes: Axes) -> dict[str, str]:
    """The colour of each class by its name."""
    squares = {
        tuple(dots.get_offsets()[0]): to_hex(dots.get_facecolor()[0])
        for dots in axes.collections
        if len(dots.get_offsets())
    }
    return {
        text.get_text(): squares[round(text.get_position()[0] - 0.35), text.get_position()[1]]
        for text in axes.texts
    }


def test_a_neighbourhood_has_the_states_of_the_scheme() -> None:
    found = colours(neighbourhood("Guitar"))
    assert found["Guitar"] == POSITIVE
    assert {found["Music"], found["Plucked string instrument"]} == {IMPLIED}
    assert found["Electric guitar"] == UNKNOWN
    assert found["Banjo"] == NEGATIVE
    plain = colours(neighbourhood("Guitar", "weak", siblings=False))
    assert plain["Music"] == plain["Electric guitar"] == NEGATIVE
    assert "Banjo" not in plain


def test_a_neighbourhood_of_another_ontology() -> None:
    ontology = toy_ontology()
    label = ontology.name(ontology.leaves[0])
    found = neighbourhood(label, vocabulary=load_vocabulary(list(ontology), ontology=ontology),
                          ontology=ontology)  # fmt: skip
    assert label in texts(found)
    with pytest.raises(UnknownClassError, match="Nonesuch"):
        neighbourhood("Nonesuch")


def test_pictures_are_methods_too() -> None:
    targets = expand(LABELS, "pe-cml", vocabulary=CLASSES)
    assert dir(targets.plot) == ["frequencies", "labels_per_clip", "localisation", "masked_share"]
    assert targets.plot.masked_share().get_xlabel().startswith("% of clips")
    assert LABELS.plot().get_xlabel() == "rank of the class"
    with pytest.raises(AttributeError, match="no picture 'nonesuch'; there are frequencies"):
        _ = LABELS.plot.nonesuch
