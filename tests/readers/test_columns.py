"""The roles of columns."""

import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels.errors import AudioLabelsError, LabelFileError, OptionError
from audiolabels.readers.column_roles import assign_roles
from audiolabels.readers.columns import ROLES, as_columns

KNOWN = sorted({name for role in ROLES.values() for name in role.names})


def roles_of(
    header: str, *rows: str, given: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    columns = assign_roles("f", header.split(","), [row.split(",") for row in rows], given or {})
    named = {
        role: " ".join(columns.names[i] for i in positions)
        for role, positions in columns.roles.items()
    }
    return named | ({"unused": " ".join(columns.unused)} if columns.unused else {})


@pytest.mark.parametrize(
    ("header", "rows", "roles"),
    [
        (
            "YTID,start_seconds,end_seconds,positive_labels",
            (),
            {
                "video": "ytid",
                "start": "start_seconds",
                "end": "end_seconds",
                "labels": "positive_labels",
            },
        ),
        (
            "youtube_id,start_seconds,label,split",
            (),
            {"video": "youtube_id", "start": "start_seconds", "label": "label", "unused": "split"},
        ),
        (
            "ytid,start,duration,labels",
            (),
            {"video": "ytid", "start": "start", "duration": "duration", "labels": "labels"},
        ),
        (
            "filename,labels,duration",
            (),
            {"clip": "filename", "labels": "labels", "unused": "duration"},
        ),
        (
            "filename,onset,offset,event_label,clip_duration",
            (),
            {
                "clip": "filename",
                "start": "onset",
                "end": "offset",
                "label": "event_label",
                "clip_length": "clip_duration",
            },
        ),
        (
            "video_id,label,modality,exists,confidence",
            (),
            {
                "video": "video_id",
                "label": "label",
                "presence": "modality exists",
                "value": "confidence",
            },
        ),
        ("filename,tags,label", (), {"clip": "filename", "label": "label", "unused": "tags"}),
        ("filename,tags", (), {"clip": "filename", "labels": "tags"}),
        (
            "fname,labels,mids,split",
            (),
            {"clip": "fname", "labels": "mids", "unused": "labels split"},
        ),
        (
            "filename,label_1,label_2,label_3",
            (),
            {"clip": "filename", "numbered_label": "label_1 label_2 label_3"},
        ),
        (
            "video_id,clip_id,label",
            ("abcdefghijk,c001,Speech", "abcdefghijk,c002,Dog"),
            {"clip": "clip_id", "label": "label", "unused": "video_id"},
        ),
        (
            "video_id,start,clip_id,label",
            ("abcdefghijk,0,c001,Speech", "abcdefghijk,10,c002,Dog"),
            {"video": "video_id", "start": "start", "label": "label", "unused": "clip_id"},
        ),
        (
            "slice_file_name,fsID,start,end,salience,fold,classID,class",
            ("100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark",),
            {
                "clip": "slice_file_name",
                "start": "start",
                "end": "end",
                "label": "class",
                "unused": "fsid salience fold classid",
            },
        ),
        (
            "video_id,label,background_music,note",
            ("a,Speech,False,nan", "b,Dog,True,"),
            {"video": "video_id", "label": "label", "unused": "background_music note"},
        ),
    ],
)
def test_roles_are_known_by_name(header: str, rows: tuple[str, ...], roles: dict[str, str]) -> None:
    assert roles_of(header, *rows) == roles


def test_given_roles_come_first() -> None:
    given = {"clip": ["Recording"], "label": ["species"], "start": ["Begin Time (s)"]}
    assert roles_of("recording,Begin Time (s),species,label", given=given) == {
        "clip": "recording",
        "label": "species",
        "start": "begin time (s)",
        "unused": "label",
    }


@pytest.mark.parametrize(
    ("header", "rows", "column", "role"),
    [
        ("id,label,not_present", (), "not_present", "presence"),
        ("clip,label,absent", (), "absent", "presence"),
        ("clip,label,manually_verified", (), "manually_verified", "presence"),
        ("clip,label,state", ("a,Dog,PRESENT", "b,Dog,NOT_PRESENT"), "state", "presence"),
        ("clip,label,p", ("a,Dog,1", "b,Dog,0.05", "c,Dog,nan"), "p", "value"),
    ],
)
def test_what_may_change_a_label_is_refused_until_it_has_a_role(
    header: str, rows: tuple[str, ...], column: str, role: str
) -> None:
    message = (
        f"f: column {column} may change what a label means. If it does, give its role, for "
        f"instance --columns {role}={column}; else --columns ignored={column} (columns=…)"
    )
    with pytest.raises(LabelFileError, match=f"^{re.escape(message)}$"):
        roles_of(header, *rows)
    names = [name for name in header.split(",") if name.startswith(column[:7])]
    assert column in roles_of(header, *rows, given={"ignored": names})["ignored"]
    assert roles_of(header, *rows, given={role: names})[role].split() == names


def test_columns_are_given_as_text() -> None:
    text = "clip=filename, label=species,ignored=a,ignored=b c"
    roles = {"clip": ("filename",), "label": ("species",), "ignored": ("a", "b c")}
    assert as_columns(text) == roles
    assert as_columns(roles) == roles
    assert as_columns({"clip": "filename"}) == {"clip": ("filename",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename", "^columns 'filename': give role=name, separated by commas$"),
        ("clip=", "^columns 'clip=': give role=name, separated by commas$"),
        ("clp=a", "clp.*did you mean 'clip'"),
    ],
)
def test_a_text_without_roles_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        as_columns(text)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (3, "^columns: expected text such as .* or a mapping .*; got 3"),
        ({"clip": 3}, r"^columns\['clip'\]: expected a name or a list of names; got 3"),
        ({"clip": [3]}, "give role=name"),
    ],
)
def test_values_of_other_types_are_refused(columns: object, message: str) -> None:
    with pytest.raises(AudioLabelsError, match=message):
        as_columns(columns)


def test_given_names_are_those_of_columns() -> None:
    with pytest.raises(OptionError, match=r"^f: no column 'z' for clip; columns are a, b$"):
        roles_of("a,b", given={"clip": ["z"]})
    with pytest.raises(OptionError, match=r"^f: one column of clip, not a, b$"):
        roles_of("a,b", given={"clip": ["a", "b"]})
    with pytest.raises(OptionError, match=r"columns are file, species; did you mean 'species'\?$"):
        roles_of("file,species", given={"label": ["specie"]})


@given(st.lists(st.sampled_from(KNOWN) | st.text("abc_", min_size=1), unique=True))
def test_every_column_has_a_role_or_is_unused(names: list[str]) -> None:
    columns = assign_roles("f", names)
    read = [columns.names[i] for positions in columns.roles.values() for i in positions]
    assert sorted([*read, *columns.unused]) == sorted(columns.names)
