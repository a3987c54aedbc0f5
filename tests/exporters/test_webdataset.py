"""Label members of a webdataset, read by webdataset itself."""

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_support import framed_targets, given, read_samples, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange
from webdataset.tariterators import base_plus_ext

from audiolabels import Annotations, Targets, Vocabulary, expand, export, toy_ontology
from audiolabels.errors import OptionError


@pytest.mark.parametrize("vocabulary", ["audioset", "fsd50k"])
@pytest.mark.parametrize("make", [sample, strange])
def test_webdataset_reads_it(tmp_path: Path, make: Callable[..., Targets], vocabulary: str) -> None:
    targets, path = make("pe-cml", vocabulary), tmp_path / "a.tar"
    done = export(targets, "webdataset", path, field="soundevent", names=True)
    samples = read_samples(path)
    keys = [one["__key__"] for one in samples]
    assert keys == list(given(targets))
    column = {name: i for i, name in enumerate(targets.vocabulary.names)}
    for field, wanted in zip(("soundevent", "masked"), rows_of(targets, keys), strict=True):
        made = np.zeros_like(wanted)
        for row, one in zip(made, samples, strict=True):
            texts = one["json"][field].split(";") if one["json"][field] else []
            row[[column[text] for text in texts]] = 1
        assert (made == (wanted if field == "soundevent" else 1 - wanted)).all()
    assert done.files[path] == len(samples) == len(targets) - sum(done.left_out.values())


def test_ids_are_the_default_and_members_have_no_time(tmp_path: Path) -> None:
    export(sample(), "webdataset", tmp_path / "a.tar")
    first = read_samples(tmp_path / "a.tar")[0]
    assert first["json"]["labels"] == "/m/09x0r"
    with tarfile.open(tmp_path / "a.tar") as tar:
        facts = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in tar}
    assert facts == {(0, 0, 0, "", "", 0o644)}
    export(sample(), "webdataset", tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_members_are_those_of_tarfile(tmp_path: Path) -> None:
    """With names that fit into a header and names that do not, whose members have two."""
    keys = ["a", "a b", "é", "x" * 95, "x" * 96, "f/" + "y" * 120, "z" * 300, "\u65e5" * 40]
    labels = {key: ["Dog", "Rain"][: 1 + len(key) % 2] for key in keys}
    export(expand(Annotations.from_dict(labels), "pel"), "webdataset", tmp_path / "a.tar")
    with (
        tarfile.open(tmp_path / "a.tar") as made,
        tarfile.open(tmp_path / "b.tar", "w", format=tarfile.PAX_FORMAT) as wanted,
    ):
        assert made.getnames() == [f"{key}.json" for key in keys]
        for name in made.getnames():
            content = made.extractfile(name)
            assert content is not None
            member = tarfile.TarInfo(name)
            member.size = made.getmember(name).size
            wanted.addfile(member, content)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def dotted(**labels: list[str]) -> Targets:
    names = {name.replace("_dot_", "."): own for name, own in labels.items()}
    return expand(Annotations.from_dict({f"x/{name}": own for name, own in names.items()}), "weak")


def test_keys_with_dots_are_refused_or_changed_as_is_chosen(tmp_path: Path) -> None:
    targets = dotted(a_30_dot_000=["Dog"], b_30_dot_500=["Dog"], b_30_dot_000=["Rain"], c=["Dog"])
    with pytest.raises(OptionError, match=r"key 'x/a_30.000' of clip .* has a dot.*--dots cut"):
        export(targets, "webdataset", tmp_path / "a.tar")
    assert not list(tmp_path.iterdir())
    done = export(targets, "webdataset", tmp_path / "a.tar", dots="cut")
    assert [one["__key__"] for one in read_samples(tmp_path / "a.tar")] == ["x/a_30", "x/c"]
    assert base_plus_ext("x/a_30.000.wav")[0] == "x/a_30"  # that of the audio file
    assert done.names["clips that share their name"].to_pylist() == ["x/b_30.500", "x/b_30.000"]
    assert done.notes == ["3 keys had a dot: x/a_30.000 → x/a_30, x/b_30.500 → x/b_30 and 1 more"]
    done = export(targets, "webdataset", tmp_path / "a.tar", dots="underscore")
    keys = ["x/a_30_000", "x/b_30_500", "x/b_30_000", "x/c"]
    assert [one["__key__"] for one in read_samples(tmp_path / "a.tar")] == keys
    assert not done.left_out


@pytest.mark.parametrize("name", ["__meta__/a", "a\0b", "folder/", "x/.hidden"])
def test_names_that_webdataset_skips_are_left_out(tmp_path: Path, name: str) -> None:
    targets = expand(Annotations.from_dict({name: ["Dog"], "__kept__": ["Dog"]}), "weak")
    done = export(targets, "webdataset", tmp_path / "a.tar", dots="cut")
    assert [one["__key__"] for one in read_samples(tmp_path / "a.tar")] == ["__kept__"]
    assert done.left_out == {"clips whose name webdataset skips": 1}


def test_a_long_name_is_kept_whole(tmp_path: Path) -> None:
    name = "é" * 200 + "/" + "b" * 300
    targets = expand(Annotations.from_dict({name: ["Dog"]}), "weak")
    export(targets, "webdataset", tmp_path / "a.tar")
    assert [one["__key__"] for one in read_samples(tmp_path / "a.tar")] == [name]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (tmp_path / "a.zip", {}, "end it in .tar"),
        (path, {"field": "masked"}, "field 'masked' holds something else"),
        (path, {"dots": "drop"}, "dots 'drop' is not offered; choose one of refuse, cut, und"),
        (path, {"keys": "a"}, r"'a': a name needs \{id\} or \{clip\}"),
    ]
    for where, options, message in cases:
        with pytest.raises(OptionError, match=message):
            export(sample(), "webdataset", where, **options)
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), "webdataset", path)
    toy = toy_ontology()
    labels = Annotations.from_dict({"a": ["Bell"]}, ontology=toy)
    odd = expand(labels, "weak", vocabulary=Vocabulary("odd", (toy.find("Bell"),), ("Bell; ding",)))
    with pytest.raises(OptionError, match="webdataset cuts labels at some characters, which 1"):
        export(odd, "webdataset", path, names=True)
    assert not list(tmp_path.iterdir())
