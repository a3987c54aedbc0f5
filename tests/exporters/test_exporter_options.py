"""The options of exporters against their functions, and what they refuse."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from export_support import sample_targets

from audiolabels import export
from audiolabels.errors import InputTypeError, OptionError
from audiolabels.exporters import EXPORTERS


@pytest.mark.parametrize("form", EXPORTERS)
def test_options_are_those_of_the_function_with_their_defaults(form: str) -> None:
    exporter = EXPORTERS[form]
    taken = {
        name: parameter.default
        for name, parameter in inspect.signature(exporter.write).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name != "form"
    }
    own = {name: option for name, option in exporter.options.items() if name != "threshold"}
    assert own.keys() == taken.keys()
    for name, option in own.items():
        assert taken[name] in (option.default, option.shown), name


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        ("ast", {"file": "{id}"}, "'ast' has no option 'file'; it has: files, threshold; did you"),
        ("framed-release", {"files": "{id}"}, "has no option 'files'; it has: none$"),
        ("eat", {"sample_rate": "fast"}, "sample_rate 'fast': give a whole number from 0 on"),
        ("desed", {"names": "yes"}, "names 'yes': give True or False"),
        ("desed", {"parents": "al"}, r"parents 'al' is not offered; .*; did you mean 'all'\?"),
        ("asd", {}, r"format 'asd' is not offered; .*; did you mean 'ast'\?"),
        (3, {}, "format 3 is not offered; choose one of panns, "),
    ],
)
def test_an_option_that_does_not_fit_is_refused(
    tmp_path: Path, form: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        export(sample_targets(), form, tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_wrong_types_are_met_with_what_is_expected() -> None:
    with pytest.raises(InputTypeError, match=r"output: expected a path; got 3 \(int\)"):
        export(sample_targets(), "fsd50k", 3)
    with pytest.raises(OptionError, match="ast is made from Targets or SoftTargets, not str"):
        export("targets.parquet", "ast", "out")
