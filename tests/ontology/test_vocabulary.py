import csv
from pathlib import Path

import numpy as np
import pytest

from audiolabels import Vocabulary, load_ontology, load_vocabulary, toy_ontology
from audiolabels.errors import VocabularyError
from audiolabels.ontology import Ontology
from audiolabels.ontology.graph import OntologyClass
from audiolabels.ontology.vocabulary import NAMED

SIZES = {
    "audioset": 527,
    "ontology": 632,
    "audioset-strong": 456,
    "audioset-strong-train": 447,
    "audioset-strong-eval": 416,
    "audioset-strong-both": 407,
    "fsd50k": 200,
}


def test_sizes_of_the_named_ones() -> None:
    assert {name: len(load_vocabulary(name)) for name in NAMED} == SIZES


def test_strong_classes_and_the_others() -> None:
    strong, weak, all_ = (load_vocabulary(n) for n in ("audioset-strong", "audioset", "ontology"))
    assert len(set(strong.ids) & set(weak.ids)) == 382
    assert len((set(strong.ids) & set(all_.ids)) - set(weak.ids)) == 42
    assert len(strong.missing_from(all_)) == 32
    names = dict(zip(weak.ids, weak.names, strict=True))
    pairs = zip(strong.ids, strong.names, strict=True)
    assert sum(id_ in names and names[id_] != name for id_, name in pairs) == 12


def test_strong_classes_stand_by_id() -> None:
    assert list(load_vocabulary("audioset-strong").ids) == sorted(
        load_vocabulary("audioset-strong").ids
    )


def test_ontology_vocabulary_is_in_the_order_of_the_file() -> None:
    assert load_vocabulary("ontology").ids == load_ontology().ids


def test_names_with_commas() -> None:
    assert sum("," in name for name in load_vocabulary("audioset").names) == 75


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "file", "delimiter", "columns"),
    [
        ("audioset", "audioset/class_labels_indices.csv", ",", ("mid", "display_name")),
        ("audioset-strong", "audioset/strong_classes.tsv", "\t", ("mid", "name")),
    ],
)
def test_named_ones_are_the_official_files(
    shared_data: Path, name: str, file: str, delimiter: str, columns: tuple[str, str]
) -> None:
    with (shared_data / file).open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter=delimiter))
    vocabulary = load_vocabulary(name)
    assert vocabulary.ids == tuple(row[columns[0]] for row in rows)
    assert vocabulary.names == tuple(row[columns[1]] for row in rows)


@pytest.mark.shared
def test_fsd50k_is_the_official_file(shared_data: Path) -> None:
    with (shared_data / "fsd50k/vocabulary.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    vocabulary = load_vocabulary("fsd50k")
    columns = zip(range(200), vocabulary.names, vocabulary.ids, strict=True)
    assert [[str(i), name, id_] for i, name, id_ in columns] == rows


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "size"),
    [
        ("audioset/class_labels_indices.csv", 527),
        ("audioset/mid_to_display_name.tsv", 456),
        ("audioset/strong_classes.tsv", 456),
        ("fsd50k/vocabulary.csv", 200),
        ("messy/36_class_labels_underscored_unquoted.csv", 527),
        ("messy/38_class_labels_bom_crlf.txt", 527),
        ("messy/39_strong_vocab_no_header.csv", 456),
    ],
)
def test_class_lists_that_people_have_are_read(shared_data: Path, file: str, size: int) -> None:
    assert len(load_vocabulary(shared_data / file)) == size


@pytest.mark.parametrize(
    "text",
    [
        "/m/0342h\n/m/02sgy\n",
        "Guitar\nElectric guitar\n",
        "index,mid,display_name\n0,/m/0342h,Guitar\n1,/m/02sgy,Electric guitar\n",
        "mid\tname\n/m/0342h\tGuitar\n/m/02sgy\tElectric guitar\n",
        "\ufeff/m/0342h\r\n/m/02sgy\r\n",
    ],
)
def test_forms_of_a_class_list(tmp_path: Path, text: str) -> None:
    path = tmp_path / "classes.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert load_vocabulary(path).ids == ("/m/0342h", "/m/02sgy")


def test_a_list_of_names_and_ids() -> None:
    vocabulary = load_vocabulary(["Guitar", "/m/06mb1"])
    assert vocabulary.names == ("Guitar", "Rain")


def test_an_alias_stays_the_column_of_its_owner() -> None:
    assert load_vocabulary(["/t/dd00138"]).ids == ("/t/dd00138",)


def test_another_ontology_has_its_own_vocabulary() -> None:
    toy = toy_ontology()
    assert load_vocabulary("ontology", ontology=toy).ids == toy.ids


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("audioste", "'audioste' is neither a named vocabulary .*audioset, ontology"),
        (["Gitar"], "neither an id nor an exact display name: 'Gitar'"),
        (["Guitar", "Guitar"], "more than once: /m/0342h"),
        (["/t/dd00138", "/t/dd000138"], "one class under two ids: /t/dd00138 and /t/dd000138"),
        ([], "0 classes; 1 to 65,535 work"),
    ],
)
def test_bad_vocabularies_are_refused(source: str | list[str], message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        load_vocabulary(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; expected one class a line"),
        (b"a,b\nc,d\n", "no column of class ids"),
        (b"\xff\xfe\x00", "not a text file"),
    ],
)
def test_bad_class_lists_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "classes.csv"
    path.write_bytes(content)
    with pytest.raises(VocabularyError, match=message):
        load_vocabulary(path)


def test_a_vocabulary_must_fit_the_ontology() -> None:
    with pytest.raises(VocabularyError, match="the ontology lacks 527 classes of vocabulary"):
        load_vocabulary("audioset", ontology=toy_ontology())


def test_permutation_takes_columns_to_the_other_order() -> None:
    weak = load_vocabulary("audioset")
    backwards = Vocabulary("backwards", weak.ids[::-1], weak.names[::-1])
    columns = np.arange(len(weak))
    assert columns[weak.permutation_to(backwards)].tolist() == columns[::-1].tolist()
    assert [weak.ids[i] for i in weak.permutation_to(backwards)] == list(backwards.ids)


def test_permutation_names_what_is_missing() -> None:
    with pytest.raises(VocabularyError, match="lacks 335 classes of 'audioset'"):
        load_vocabulary("fsd50k").permutation_to(load_vocabulary("audioset"))


def test_ids_and_names_must_pair() -> None:
    with pytest.raises(VocabularyError, match="2 ids but 1 names"):
        Vocabulary("bad", ("/a", "/b"), ("A",))


def test_classes_of_the_own_ontology_are_never_taken_for_a_supplement() -> None:
    own = Ontology([*load_ontology().classes, OntologyClass("/m/0174k2", "Washing machine")])
    assert len(load_vocabulary("ontology", ontology=own.with_supplement())) == 633
