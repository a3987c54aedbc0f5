"""Labels: annotations of clips, events in them, scores of a teacher, and reports on reading."""

from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.events import Events
from audiolabels.labels.report import FATES, Finding, Report
from audiolabels.labels.scores import Scores

__all__ = ["FATES", "Annotations", "Events", "Finding", "LabelSets", "Report", "Scores"]
