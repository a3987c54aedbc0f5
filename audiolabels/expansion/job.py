"""Jobs: what one expansion makes, from which inputs, ready to run whole or shard by shard."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from audiolabels.datasets.cache import find_files
from audiolabels.errors import OptionError, choose, located
from audiolabels.expansion.clips import expanded_clips
from audiolabels.expansion.frames import framed_events
from audiolabels.expansion.joined import Join, JoinCounts, Source, bind_inputs, read_join
from audiolabels.expansion.plan import Group, Plan, Progress, Writer, shifted
from audiolabels.expansion.scored import repaired_clips, scored_segments
from audiolabels.expansion.summary import Recorder
from audiolabels.files import refuse_overwriting
from audiolabels.files.remote import to_path
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary, named_like
from audiolabels.readers import BlockSizes, ScoreOptions
from audiolabels.readers.annotations.reading import keeps_folders
from audiolabels.readers.options import BLOCK_SIZES
from audiolabels.readers.scores.reading import open_scores
from audiolabels.schemes import SCHEMES, describe
from audiolabels.schemes.scheme import SchemeCounts
from audiolabels.targets.layouts import Layout, choose_layout


class Shard(NamedTuple):
    """A piece of a job.

    Attributes:
        plan: number of its plan.
        file: number of its file among those of the plan; None: all of them.
        folders: whether clip ids keep the folders of file names, as all files decide.
    """

    plan: int
    file: int | None = None
    folders: bool = False


@dataclass(frozen=True)
class Job:
    """What one expansion makes.

    Attributes:
        plans: what is asked for of each data set of a join, in order; otherwise one.
        sources: the data sets, as many; none if there is no join.
        facts: the metadata of the targets.
        layout: how they are stored.
        listed: the second state that files list.
        counts: makes the counts of the whole.
        inputs: all files that are read.
        progress: called with (bytes read, bytes in all).
        joint: the join.
    """

    plans: tuple[Plan, ...]
    sources: tuple[Source, ...]
    facts: dict[str, Any]
    layout: Layout
    listed: str
    counts: Callable[[], SchemeCounts]
    inputs: tuple[Path, ...]
    progress: Progress | None = None
    joint: Join | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The classes of the columns."""
        return self.plans[0].vocabulary

    def shards(self) -> list[Shard]:
        """The plans, cut into pieces that do not depend on each other.

        Each file of labels is one, and each of scores without given labels; events, whose clips may
        go on in another file, are not cut, nor labels with absences or verdicts in another file.
        """
        pieces: list[Shard] = []
        for number, plan in enumerate(self.plans):
            beside = plan.read.read.explicit_negatives or plan.read.read.verdicts
            if plan.scheme.reads is not Annotations or beside:
                pieces.append(Shard(number))
                continue
            folders = keeps_folders(plan.paths, plan.ontology, plan.read.read)
            pieces += [Shard(number, file, folders) for file in range(len(plan.paths))]
        return pieces

    def plan_of(self, shard: Shard) -> Plan:
        """What is asked for of a shard."""
        plan = self.plans[shard.plan]
        if shard.file is None:
            return plan
        read = replace(plan.read, read=replace(plan.read.read, folders=shard.folders))
        return replace(plan, paths=[plan.paths[shard.file]], read=read)

    def rows(self, recorder: Recorder, writer: Writer, *, whole: bool) -> Iterator[Group]:
        """The row groups of all plans, one after the other; `whole` as in `stream_events`."""
        for number, plan in enumerate(self.plans):
            with self.recording(number, recorder) as part:
                yield from groups(plan, part, writer, whole=whole)

    @contextmanager
    def recording(self, number: int, recorder: Recorder) -> Iterator[Recorder]:
        """What records a plan: for a data set of a join one of its own, taken in at the end."""
        if self.joint is None:
            yield recorder
            return
        part = recorder.part(self.plans[number].scheme)
        with self.located(number):
            yield part
        self.joint.record(self.sources[number], part, recorder)

    def located(self, number: int) -> AbstractContextManager[object]:
        """Name the data set of a plan in errors, where there are several."""
        if self.joint is None:
            return nullcontext()
        return located(f"source {self.sources[number].name!r}")


def groups(plan: Plan, recorder: Recorder, writer: Writer, *, whole: bool) -> Iterator[Group]:
    """The row groups of a plan; `whole` as in `stream_events`."""
    make: Callable[..., Iterator[Group]]
    if plan.scheme.reads is Annotations:
        make = expanded_clips
    elif plan.scheme.reads is Events:
        make = partial(framed_events, whole=whole)
    else:
        make = repaired_clips if plan.scheme.repair else scored_segments
    return make(plan, recorder, writer)


def write_ahead(made: Iterable[Group], write: Callable[..., None]) -> None:
    """Write row groups, in a thread of its own, while the next two are made."""
    with ThreadPoolExecutor(1) as thread:
        writing: deque[Future[None]] = deque()
        for group in made:
            writing.append(thread.submit(write, *group))
            if len(writing) > 1:
                writing.popleft().result()
        for each in writing:
            each.result()


@contextmanager
def prepared(
    inputs: str | Path | Sequence[str | Path] | None,
    outputs: Sequence[Path],
    scheme: str = "pe-cml",
    *,
    vocabulary: str | Path | Vocabulary | None = None,
    ontology: Ontology | None = None,
    layout: str | None = None,
    scores: str | Path | Sequence[str | Path] | None = None,
    progress: Progress | None = None,
    block_sizes: BlockSizes = BLOCK_SIZES,
    **options: Any,
) -> Iterator[Job]:
    """A job, with its files of scores open. Arguments and errors: see `expand_files`."""
    given = {name: value for name, value in options.items() if value is not None}
    paths = find_files("inputs", inputs or [])
    ontology = default_ontology(ontology)
    if joins := [path for path in paths if path.suffix.casefold() == ".toml"]:
        if len(paths) > 1:
            raise OptionError(f"{joins[0]}: a join is expanded alone; name the other files in it")
        if scores is not None:
            raise OptionError(f"{paths[0]}: a join of data sets reads no scores")
        defaults = {"scheme": scheme, "vocabulary": vocabulary, "layout": layout, **given}
        joint = read_join(paths[0], defaults, ontology, block_sizes)
        yield _join_job(joint, paths[0], outputs, progress)
        return
    choose("scheme", scheme, SCHEMES)
    scored = _score_options(scheme, scores, given, block_sizes)
    bound, read = bind_inputs(scheme, given, block_sizes)
    soft = bound.options.soft or (read.read.soft and bound.reads is not Scores)
    form = choose_layout(layout, soft=soft)
    form = form.with_weights() if bound.options.weighted else form
    bound.require_labels(bool(paths))
    columns = [to_path(vocabulary)] if isinstance(vocabulary, str | Path) else []
    beside = [path for path in columns if path.is_file()]
    with ExitStack() as stack:
        teachers = [stack.enter_context(open_scores(each, ontology)) for each in scored]
        beside += [*(p for t in teachers for p in t.side_files), *read.side_files]
        beside += bound.options.side_files
        files = [*(each.path for each in scored), *paths]
        refuse_overwriting(files, outputs, beside)
        if teachers and vocabulary is None:
            vocabulary = named_like(teachers[0].vocabulary, ontology)
        classes = load_vocabulary(vocabulary, ontology=ontology, default=bound.vocabulary)
        plan = Plan(bound, classes, ontology, read, paths, form, progress)
        facts = describe(bound, classes, ontology, labels=bool(paths))
        # Without given labels, files of scores do not depend on each other.
        apart = [[teacher] for teacher in teachers] if teachers and not paths else [teachers]
        plans = tuple(replace(plan, scores=each) for each in apart)
        sizes = [sum(each.sizes) for each in plans]
        plans = tuple(
            replace(each, progress=shifted(progress, sum(sizes[:number]), sum(sizes)))
            for number, each in enumerate(plans)
        )
        inside = (*files, *beside)
        yield Job(plans, (), facts, form, bound.options.listed, bound.counts, inside, progress)


def _join_job(joint: Join, path: Path, outputs: Sequence[Path], progress: Progress | None) -> Job:
    files = [path, *(file for source in joint.sources for file in source.paths)]
    beside = [
        file
        for source in joint.sources
        for file in (*source.read.side_files, *source.scheme.options.side_files)
    ]
    refuse_overwriting(files, outputs, beside)
    plans, done = [], 0
    for source in joint.sources:
        plans.append(joint.plan(source, progress, done))
        done += sum(plans[-1].sizes)
    return Job(
        tuple(plans),
        joint.sources,
        joint.facts(),
        joint.layout,
        joint.listed,
        JoinCounts,
        (*files, *beside),
        progress,
        joint,
    )


def _score_options(
    scheme: str,
    scores: str | Path | Sequence[str | Path] | None,
    given: dict[str, Any],
    block_sizes: BlockSizes,
) -> list[ScoreOptions]:
    """How each file of scores is read; none for a scheme that reads none.

    Raises:
        OptionError: scores are missing, or of no use.
    """
    reads = SCHEMES[scheme].reads is Scores
    if not reads and scores is not None:
        raise OptionError(f"scheme {scheme!r} reads no scores")
    if not reads:
        return []
    if scores is None:
        raise OptionError(f"scheme {scheme!r} needs a file of scores (--scores, scores=)")
    first, *others = find_files("scores", scores)
    options = ScoreOptions.take(given, path=first, block_sizes=block_sizes)
    return [options, *(replace(options, path=other) for other in others)]
