"""emoji as prepared by ``python -m data_prep emoji``: splits, word pieces, and networks that train on it."""

import re

import numpy as np
import pytest
import torch

from mmlib.data import load
from mmlib.data.emoji import SHARES, pieces_of, split_rows
from mmlib.data.storage.prepared import read_prepared
from mmlib.data.transforms.word_pieces import WordPieces
from mmlib.methods import METHODS
from mmlib.models import ConcatFusion, MultimodalModel, build_encoder

VARIANT_WORDS = set(
    "man men woman women person people male female boy girl child boys girls adult older mens womens facing right "
    "black white red orange yellow green blue purple brown grey pink light small medium large heavy".split()
)
VOCABULARY = 300


@pytest.fixture(scope="module")
def arrays():
    return read_prepared("emoji").arrays


@pytest.fixture(scope="module")
def data():
    return load("emoji", vocabulary=VOCABULARY)


def without_variants(name):
    """The words of a name but those of gender, age, colour, size and direction; the whole name where that is all."""
    return " ".join(word for word in re.findall(r"[^\W_]+", name) if word not in VARIANT_WORDS) or f"only {name}"


def people(code):
    """The code points of an emoji but joiners, skin colours, and signs of gender and direction that follow a joiner;
    men and women as adults, boys and girls as children."""
    code = re.sub("-1F3F[B-F]|-FE0F|-200D-(2640|2642|27A1)", "", code)
    return re.sub("1F46[67]", "1F9D2", re.sub("1F46[89]", "1F9D1", code))


@pytest.mark.parametrize("variants", [False, True])
@pytest.mark.parametrize("of", ["bases", "names", "codes"])
def test_no_emoji_has_variants_in_two_splits_for_any_seed(arrays, of, variants):
    keys = {
        "bases": arrays["bases"],
        "names": np.array([without_variants(name) for name in arrays["names"].tolist()]),
        "codes": np.array([people(code) for code in arrays["codes"].tolist()]),
    }[of]
    assert len(set(keys)) < len(keys) / 2, "there are variants"
    for seed in range(20):
        splits = [set(keys[rows].tolist()) for rows in split_rows(arrays, seed, variants).values()]
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not splits[one] & splits[other]


def test_every_emoji_is_in_one_split_and_every_group_in_each(arrays):
    rows = split_rows(arrays, 3, variants=True)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(arrays["labels"])))
    plain = split_rows(arrays, 3)
    assert sorted(np.concatenate(list(plain.values()))) == np.flatnonzero(arrays["plain"]).tolist()
    for name, share in SHARES.items():
        assert set(plain[name]) <= set(rows[name])
        held = np.bincount(arrays["labels"][plain[name]]) / np.bincount(arrays["labels"][arrays["plain"]])
        assert np.abs(held - share).max() < 0.02


def test_sizes_groups_and_types(data):
    assert data.classes[0] == "Smileys & Emotion" and data.num_classes == 9
    assert [len(split) for split in data.splits.values()] == [974, 245, 405]
    assert data.shapes["picture"] == (3, 36, 36) and data.train.inputs["picture"].dtype == torch.float32
    assert data.train.inputs["text"].dtype == torch.long and data.shapes["text"][0] % 8 == 0
    assert sum(len(split) for split in load("emoji", variants=True).splits.values()) == 3773


def test_pictures_are_standardised_by_the_training_rows_only(data):
    values = data.train.inputs["picture"]
    torch.testing.assert_close(values.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(values.std((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)
    assert data.test.inputs["picture"].mean((0, 2, 3)).abs().max() > 1e-3


def test_text_and_picture_are_of_one_emoji(arrays, data):
    rows = split_rows(arrays, 0)
    pieces = pieces_of(arrays, rows, VOCABULARY)
    for name, split in data.splits.items():
        assert torch.equal(split.labels, torch.from_numpy(arrays["labels"][rows[name]]))
        numbers = pieces.numbers(arrays["names"][rows[name]].tolist())
        assert torch.equal(split.inputs["text"][:, : numbers.shape[1]], numbers)
        grey, seen = (torch.as_tensor(arrays["pictures"][rows[name]]).float(), split.inputs["picture"])
        assert torch.corrcoef(torch.stack([grey[7, 0].flatten(), seen[7, 0].flatten()]))[0, 1] > 0.999


def test_seeds_and_options_decide_the_data(data):
    assert load("emoji", vocabulary=VOCABULARY).fingerprint() == data.fingerprint()
    assert load("emoji", vocabulary=VOCABULARY, seed=1).fingerprint() != data.fingerprint()
    assert load("emoji", vocabulary=200).fingerprint() != data.fingerprint()


@pytest.mark.parametrize("vocabulary", [120, VOCABULARY, 5000])
def test_numbers_stay_below_the_vocabulary(vocabulary):
    text = torch.cat([split.inputs["text"] for split in load("emoji", vocabulary=vocabulary).splits.values()])
    assert text.min() == 0 and text.max() < vocabulary


def test_pieces_come_from_the_training_names_only(arrays):
    rows = split_rows(arrays, 0)
    pieces = pieces_of(arrays, rows, 5000)
    train, test = ({word for name in arrays["names"][rows[s]] for word in name.split()} for s in ("train", "test"))
    known = {piece.removeprefix("\u2581") for piece in pieces.all()}
    assert {"face", "with", "flag"} <= known
    only_test = {word for word in test - train if word.isalpha() and not any(word in other for other in train)}
    assert len(only_test) > 50 and not only_test & known


def test_padding_and_unknown_have_numbers_of_their_own():
    pieces = WordPieces(["the quick brown fox jumps over the lazy dog"] * 3, 100)
    numbers = pieces.numbers(["The fox", "the fox jumps over the lazy dog"])
    assert numbers.shape[1] % 8 == 0 and len(pieces) <= 100
    assert (numbers[0] == 0).any() and not (numbers == 1).any()
    assert (pieces.numbers(["fox 馬"]) == 1).sum() == 1
    assert pieces.numbers(["THE FOX"])[0].tolist() == pieces.numbers(["the fox"])[0].tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"vocabulary": 99}, "vocabulary must be at least 100"), ({"vocabulary": 400.0}, "vocabulary must be a whole"),
     ({"variants": "no"}, "variants must be True or False"), ({"seed": -1}, "seed"), ({"vocab": 400}, "'vocabulary'")],
)  # fmt: skip
def test_bad_options_are_named(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        load("emoji", **options)


def test_too_few_pieces_for_the_letters_is_a_clear_error():
    with pytest.raises(ValueError, match="no 100 word pieces"):
        WordPieces([chr(0x4E00 + n) for n in range(200)], 100)


@pytest.mark.parametrize("name", ["joint", "agm", "mcr", "aim", "ogm_ge"])
def test_two_steps_of_every_method(data, name):
    torch.manual_seed(0)
    encoders = {
        "picture": build_encoder("conv2d", data.shapes["picture"], width=8, depth=2),
        "text": build_encoder("transformer", data.shapes["text"], vocabulary=VOCABULARY, width=8, depth=1, heads=2),
    }
    method = METHODS[name](MultimodalModel(encoders, ConcatFusion({"picture": 8, "text": 8}, data.num_classes)))
    optimizer = torch.optim.SGD(method.parameters(), lr=0.01)
    before = encoders["text"].blocks[0].embed.weight.clone()
    method.begin_epoch(0, data)
    for start in (0, 32):
        logs = method.step(*data.train.rows(torch.arange(start, start + 32)), optimizer)
    assert all(torch.isfinite(value).all() for value in logs.values())
    assert (encoders["text"].blocks[0].embed.weight != before).any()
    assert method.predict({m: x[:5] for m, x in data.test.inputs.items()}).shape == (5, 9)
