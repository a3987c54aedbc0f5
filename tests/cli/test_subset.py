"""`audiolabels subset` as a user meets it."""

import json
from pathlib import Path

from click.testing import CliRunner

from audiolabels import read_labels, sample_path
from audiolabels.cli import group


def run(*options: object, code: int = 0) -> str:
    done = CliRunner().invoke(group, ["subset", *map(str, options)])
    assert done.exit_code == code, done.output
    return done.output


def test_a_subset_is_written_and_summed_up(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    text = run(sample_path(), "--per-class", 1, "--always", sample_path(), "-o", output)
    assert "clips kept                                       200" in text
    assert "of these in any case                             200" in text
    assert f"wrote {output} (200 rows)" in text
    assert len(read_labels(output)) == 200


def test_facts_agree_with_the_file(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    facts = json.loads(run(sample_path(), "--per-class", 2, "--json", "-o", output))
    kept = read_labels(output)
    assert facts["clips"] == {"before": 200, "kept": len(kept), "always": 0}
    assert facts["rows"] == 200
    summary = kept.summary()
    assert facts["classes"]["above"] == (summary["clips"] > 2).sum()
    assert facts["classes"]["given"] == len(read_labels(sample_path()).summary())


def test_neither_or_both_is_an_error(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    for options in ([], ["--per-class", 2, "--share", 0.5]):
        done = CliRunner().invoke(group, ["subset", str(sample_path()), *map(str, options), "-o",
                                          str(output)])  # fmt: skip
        assert "give either a number of clips per class (--per-class 200)" in str(done.exception)
    assert not output.exists()
