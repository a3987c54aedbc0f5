"""The table of data sets: files, addresses, checksums, licences and citations.

Only label files are listed, from their publishers' own addresses; files on GitHub are pinned to a
commit. UrbanSound8K, OpenMIC-2018 and DESED are missing because their labels are published only in
archives of recordings; MAESTRO, because its labels are one file for each recording.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType


@dataclass(frozen=True)
class RemoteFile:
    """A file at its publisher's address.

    Attributes:
        address: its URL, or that of the zip archive it is in.
        checksum: of what is at the address: SHA-256, or `md5:` and MD5; empty if none is known.
        size: bytes at the address; 0 if not known.
        member: its path in the archive; empty if the address is that of the file itself.
    """

    address: str
    checksum: str = ""
    size: int = 0
    member: str = ""

    @property
    def download(self) -> str:
        """The name of what is at the address."""
        return PurePosixPath(self.address).name

    @property
    def name(self) -> str:
        """The name of the file."""
        return PurePosixPath(self.member or self.address).name


@dataclass(frozen=True)
class Dataset:
    """The label files of a data set.

    Attributes:
        title: its name as published.
        licence: that of the label files.
        citation: the publication to cite.
        page: the publisher's page.
        files: part to file; `name:part` is the name of a file in this library.
    """

    title: str
    licence: str
    citation: str
    page: str
    files: Mapping[str, RemoteFile]


BY = "CC BY 4.0"
AUDIOSET = "https://storage.googleapis.com/us_audioset/youtube_corpus"
GITHUB = "https://raw.githubusercontent.com"
ZENODO = "https://zenodo.org/records"


def _archive(
    address: str, checksum: str = "", size: int = 0, **members: str
) -> dict[str, RemoteFile]:
    """The files of an archive; part to path in it."""
    return {part: RemoteFile(address, checksum, size, path) for part, path in members.items()}


DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {
        "audioset": Dataset(
            "AudioSet",
            BY,
            "Gemmeke et al., ICASSP 2017, doi:10.1109/ICASSP.2017.7952261",
            "https://research.google.com/audioset/download.html",
            {
                "eval": RemoteFile(
                    f"{AUDIOSET}/v1/csv/eval_segments.csv",
                    "f7055f53935f70e74e39494a5c8c4c78f1700fce275028bd36e31186f33d45db",
                    1_143_389,
                ),
                "balanced_train": RemoteFile(
                    f"{AUDIOSET}/v1/csv/balanced_train_segments.csv",
                    "3b83e5ff9ed72cfda37d4e36ce08250e107c1ea70f109f6ab6668ac200db5e94",
                    1_211_931,
                ),
                "unbalanced_train": RemoteFile(f"{AUDIOSET}/v1/csv/unbalanced_train_segments.csv"),
                "classes": RemoteFile(
                    f"{AUDIOSET}/v1/csv/class_labels_indices.csv",
                    "cdd1049833c4b86127c2773ac0d14a2754b6a6d0d1798002ed5c66e699708429",
                    14_675,
                ),
                "qa": RemoteFile(
                    f"{AUDIOSET}/v1/qa/qa_true_counts.csv",
                    "43507dbfcee2ab1ed771f4412f20ad5ce5c90fd850abcaf982db443f7652a0b2",
                    7_746,
                ),
            },
        ),
        "audioset-strong": Dataset(
            "AudioSet, temporally strong labels",
            BY,
            "Hershey et al., ICASSP 2021, arXiv:2105.07031",
            "https://research.google.com/audioset/download_strong.html",
            {
                "train": RemoteFile(f"{AUDIOSET}/strong/audioset_train_strong.tsv"),
                "eval": RemoteFile(f"{AUDIOSET}/strong/audioset_eval_strong.tsv"),
                "eval_framed": RemoteFile(
                    f"{AUDIOSET}/strong/audioset_eval_strong_framed_posneg.tsv"
                ),
                "classes": RemoteFile(
                    f"{AUDIOSET}/strong/mid_to_display_name.tsv",
                    "6aeaa2144223933eab75566ca478366ad80e59f381611e308cbe536913d7ddf7",
                    10_477,
                ),
            },
        ),
        "audioset-ontology": Dataset(
            "AudioSet ontology",
            "CC BY-SA 4.0",
            "Gemmeke et al., ICASSP 2017, doi:10.1109/ICASSP.2017.7952261",
            "https://github.com/audioset/ontology",
            {
                "ontology": RemoteFile(
                    f"{GITHUB}/audioset/ontology/d417d32bf59c711abb5910fd2f76a0eb44697991/ontology.json",
                    "9c685f4403eecc3ca9be37fd7285cf212feaaea6ff7229d3e7ca89e0d1f2d15d",
                    342_780,
                )
            },
        ),
        "fsd50k-labels": Dataset(
            "FSD50K, ground truth and metadata",
            BY,
            "Fonseca et al., IEEE/ACM TASLP 30, 2022, doi:10.1109/TASLP.2021.3133208",
            "https://zenodo.org/records/4060432",
            _archive(
                f"{ZENODO}/4060432/files/FSD50K.ground_truth.zip",
                "md5:ca27382c195e37d2269c4c866dd73485",
                334_701,
                dev="FSD50K.ground_truth/dev.csv",
                eval="FSD50K.ground_truth/eval.csv",
                vocabulary="FSD50K.ground_truth/vocabulary.csv",
            )
            | _archive(
                f"{ZENODO}/4060432/files/FSD50K.metadata.zip",
                "md5:b9ea0c829a411c1d42adb9da539ed237",
                6_700_838,
                collection_dev="FSD50K.metadata/collection/collection_dev.csv",
                collection_eval="FSD50K.metadata/collection/collection_eval.csv",
            ),
        ),
        "fsdkaggle2018": Dataset(
            "FSDKaggle2018",
            BY,
            "Fonseca et al., DCASE 2018, arXiv:1807.09902",
            "https://zenodo.org/records/2552860",
            _archive(
                f"{ZENODO}/2552860/files/FSDKaggle2018.meta.zip",
                train="FSDKaggle2018.meta/train_post_competition.csv",
                test="FSDKaggle2018.meta/test_post_competition_scoring_clips.csv",
            ),
        ),
        "fsdkaggle2019": Dataset(
            "FSDKaggle2019",
            BY,
            "Fonseca et al., DCASE 2019, arXiv:1906.02975",
            "https://zenodo.org/records/3612637",
            _archive(
                f"{ZENODO}/3612637/files/FSDKaggle2019.meta.zip",
                train_curated="FSDKaggle2019.meta/train_curated_post_competition.csv",
                train_noisy="FSDKaggle2019.meta/train_noisy_post_competition.csv",
                test="FSDKaggle2019.meta/test_post_competition.csv",
            ),
        ),
        "vggsound": Dataset(
            "VGGSound",
            BY,
            "Chen et al., ICASSP 2020, arXiv:2004.14368",
            "https://www.robots.ox.ac.uk/~vgg/data/vggsound/",
            {
                "all": RemoteFile("https://www.robots.ox.ac.uk/~vgg/data/vggsound/vggsound.csv"),
                "test": RemoteFile(
                    f"{GITHUB}/hche11/VGGSound/1e75f4d30de3a99115ee9333464854c5e3d161a7/data/test.csv"
                ),
            },
        ),
        "vggsounder": Dataset(
            "VGGSounder 1.0",
            "Apache 2.0",
            "Zverev, Wiedemer et al., ICCV 2025",
            "https://github.com/Bizilizi/VGGSounder",
            {
                "labels": RemoteFile(
                    f"{GITHUB}/Bizilizi/VGGSounder/156aed61e1c372e820ff96abf9e4a48ea3c2b8de/"
                    "vggsounder/data/vggsounder.csv",
                    "400979ea3dee34bed145d3fd96966e16689352df63b645c4730caf8eb2cacb06",
                    1_731_994,
                ),
                "raters": RemoteFile(
                    f"{GITHUB}/Bizilizi/VGGSounder/304d10a710629aaa5ec2a2af7cc375e8bd78aad1/"
                    "supplimentary/data/goldstandard/goldstandard-workers-results.csv",
                    "87fff1daf1aa14e163c2cb5acfdfbaec1d9c7ed150c8ad48be84cf0ff589388e",
                    212_536,
                ),
            },
        ),
        "esc50": Dataset(
            "ESC-50",
            "CC BY-NC 3.0",
            "Piczak, ACM Multimedia 2015, doi:10.1145/2733373.2806390",
            "https://github.com/karolpiczak/ESC-50",
            {
                "all": RemoteFile(
                    f"{GITHUB}/karolpiczak/ESC-50/33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6/meta/esc50.csv",
                    "ca660da60191a97de289983a05821c9382d852a38a2ba8428980816b68cf6246",
                    93_742,
                )
            },
        ),
    }
)
