import pytest

from audiolabels import read_targets
from audiolabels.errors import OptionError, RunError
from audiolabels.features import open_features
from audiolabels.targets import read_info
from audiolabels.training.cascade import cascade, parse_weights
from audiolabels.training.hyperparameters import Hyperparameters


@pytest.fixture
def labels(world):
    path = world.folder / "labels.csv"
    rows = ['"filename","labels"']
    for clip, row in zip(world.ids, world.truth, strict=True):
        names = [world.vocabulary.ids[c] for c in row.nonzero()[0]]
        rows.append(f'"{clip}","{",".join(names)}"')
    path.write_text("\n".join(rows) + "\n")
    return path


def run(world, labels, weights=(0.7, 1.0), epochs=5, **options):
    vocabulary = world.folder / "vocabulary.txt"
    vocabulary.write_text("\n".join(world.vocabulary.ids))
    return cascade(
        [labels], open_features(world.features), world.folder / "cascade",
        teacher_weights=weights, vocabulary=vocabulary, held_out=0.3,
        hyperparameters=Hyperparameters(
            epochs=epochs, batch_size=32, average=1, learning_rate=1e-2
        ),
        model_options={"hidden": 16}, **options,
    )  # fmt: skip


def test_each_stage_learns_from_the_one_before(world, labels):
    stages = run(world, labels)
    assert [stage.teacher_weight for stage in stages] == [None, 0.7, 1.0]
    assert all(stage.best > 0.5 for stage in stages)
    folder = world.folder / "cascade"
    info = read_info(folder / "targets-1.parquet")
    assert info["scheme"] == "co-supervised"
    assert info["options"]["teacher_weight"] == 0.7
    soft = read_targets(folder / "targets-1.parquet").to_numpy()[0]
    given = read_targets(folder / "given.parquet").to_numpy()[0]
    assert (soft[given == 1] >= 0.3 - 1e-3).all()
    assert (soft[given == 0] <= 0.7 + 1e-3).all()


def test_a_cascade_goes_on_where_it_was(world, labels):
    def interrupt(stage):
        if stage.folder.name == "stage-1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(world, labels, on_stage=interrupt)
    epochs = []
    stages = run(world, labels, on_epoch=epochs.append)
    assert len(stages) == 3
    assert len(epochs) == 5  # those of stage 2 alone
    assert (world.folder / "cascade" / "stage-2" / "model.safetensors").exists()


def test_a_cascade_of_other_weights_or_labels_is_not_taken_up(world, labels):
    first = run(world, labels, weights=(0.7,))
    with pytest.raises(RunError, match="other teacher weights"):
        run(world, labels, weights=(0.9,))
    longer = run(world, labels, weights=(0.7, 0.9))
    assert [stage.best for stage in longer[:2]] == [stage.best for stage in first]
    assert run(world, labels, weights=(0.7,)) == first
    with pytest.raises(RunError, match="other teacher weights"):
        run(world, labels, weights=(0.7, 0.8))
    with pytest.raises(
        RunError, match=r"other hyperparameters \(epochs\)"
    ):  # its scores are of the old
        run(world, labels, epochs=6)
    labels.write_text("\n".join(labels.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(RunError, match="other labels"):
        run(world, labels, weights=(0.7,))


@pytest.mark.parametrize("text", ["much", "0.1:0.2:0.3", ""])
def test_weights_that_are_none_are_refused(text):
    with pytest.raises(OptionError, match="teacher weight"):
        parse_weights(text, 3)


def test_weights_out_of_range_are_refused(world, labels):
    with pytest.raises(OptionError, match="from 0 to 1"):
        run(world, labels, weights=(1.5,))
