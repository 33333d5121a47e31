"""av_digits as prepared by ``python -m data_prep av_digits``: its splits, its noise, and what its two knobs do."""

import numpy as np
import pytest
import torch

from mmlib.data import av_digits, load
from mmlib.data._av_digits_pairs import SPLITS, draw_pairs
from mmlib.data.av_digits import waveform
from mmlib.data.storage.prepared import read_prepared
from mmlib.data.transforms.sound import centred, log_mel, mixed, pink_noise
from mmlib.methods import Unimodal
from mmlib.models import build_model
from mmlib.runs.recipes import RECIPES
from mmlib.training import evaluate, fit

SMALL = (60, 30, 40)


@pytest.fixture(scope="module", autouse=True)
def read_once():
    """The file of 100 MB is read once for all tests of this module."""
    kept = read_prepared("av_digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(av_digits, "read_prepared", lambda name: kept)
        yield kept


@pytest.fixture(scope="module")
def data():
    return load("av_digits", samples=SMALL)


def test_it_has_its_shapes_names_and_sizes(data, read_once):
    assert data.shapes == {"image": (1, 16, 15), "audio": (1, 32, 33)}
    assert [len(split) for split in data.splits.values()] == list(SMALL)
    assert data.classes == tuple("0123456789")
    assert all(x.dtype == torch.float32 for x in data.train.inputs.values())
    assert len(read_once.arrays["ends"]) == 9800 and len(set(read_once.arrays["voices"].tolist())) == 70
    assert "synthesised" in read_once.manifest["speech"]["how"]


@pytest.mark.parametrize("seed", range(5))
def test_no_voice_no_word_and_no_picture_is_in_two_splits(read_once, seed):
    arrays = read_once.arrays
    pairs = draw_pairs(arrays, seed)
    voices = [set(arrays["voices"][pairs[split].utterances].tolist()) for split in SPLITS]
    images = [set(pairs[split].images.tolist()) for split in SPLITS]
    assert [len(v) for v in voices] == [42, 14, 14] and len(set.union(*voices)) == 70
    assert [len(i) for i in images] == [1200, 400, 400] and len(set.union(*images)) == 2000
    spoken = np.concatenate([pairs[split].utterances for split in SPLITS])
    assert len(set(spoken.tolist())) == len(spoken) == 9800


@pytest.mark.parametrize("split", SPLITS)
def test_word_and_picture_of_a_pair_are_of_its_label(read_once, data, split):
    arrays, pairs = read_once.arrays, draw_pairs(read_once.arrays, 0)[split]
    assert np.array_equal(arrays["digits"][pairs.utterances], arrays["image_digits"][pairs.images])
    count = len(data.splits[split])
    assert data.splits[split].labels.tolist() == arrays["digits"][pairs.utterances[:count]].tolist()


@pytest.mark.parametrize("snr", [None, 0.0])
def test_equal_seeds_give_equal_data(snr):
    first, same, other = (load("av_digits", seed=seed, snr=snr, samples=SMALL) for seed in (3, 3, 4))
    assert first.fingerprint() == same.fingerprint() != other.fingerprint()


def test_the_seed_draws_voices_and_pictures(read_once):
    first, other = (draw_pairs(read_once.arrays, seed)["test"] for seed in (3, 4))
    for drawn, again in zip(first, other, strict=True):
        assert set(drawn.tolist()) != set(again.tolist())


def test_more_samples_keep_the_first_pairs(read_once):
    few = draw_pairs(read_once.arrays, 0)["train"]
    data = load("av_digits", samples=(6, 2, 2))
    assert data.train.labels.tolist() == read_once.arrays["digits"][few.utterances[:6]].tolist()


def test_training_statistics_standardise_every_split():
    data = load("av_digits", snr=5.0, samples=SMALL)
    image, audio = data.train.inputs["image"], data.train.inputs["audio"]
    assert abs(image.mean()) < 1e-4 and abs(image.std(correction=0) - 1) < 1e-4
    torch.testing.assert_close(audio.mean((0, 3)), torch.zeros(1, 32), atol=1e-4, rtol=0)
    torch.testing.assert_close(audio.std((0, 3), correction=0), torch.ones(1, 32), atol=1e-4, rtol=0)
    assert data.test.inputs["audio"].mean((0, 3)).abs().max() > 1e-3


@pytest.mark.parametrize("snr", [None, 0.0])
@pytest.mark.parametrize("split", ["train", "test"])
def test_waveform_is_what_the_spectrogram_was_made_of(snr, split):
    data = load("av_digits", seed=2, snr=snr, samples=SMALL)
    heard = [waveform(split, row, seed=2, snr=snr) for row in range(3)]
    spectrograms = torch.from_numpy(log_mel(np.stack([sound for sound, _ in heard]), heard[0][1]))
    train = torch.from_numpy(log_mel(np.stack([waveform("train", row, 2, snr)[0] for row in range(60)]), 16_000))
    expected = (spectrograms - train.mean((0, 3), keepdim=True)) / train.std((0, 3), correction=0, keepdim=True)
    torch.testing.assert_close(data.splits[split].inputs["audio"][:3], expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("snr", [-10.0, 0.0, 12.5])
def test_the_noise_has_the_stated_strength_and_is_the_same_louder_or_softer(snr):
    clean, rate = waveform("test", 7)
    noise = waveform("test", 7, snr=snr)[0] - clean
    sounding = np.flatnonzero(clean)
    word = clean[sounding[0] : sounding[-1] + 1]
    assert rate == 16_000 and len(clean) == round(0.64 * rate)
    assert 10 * np.log10(np.mean(word**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.1)
    other = waveform("test", 7, snr=snr + 6)[0] - clean
    np.testing.assert_allclose(noise, other * 10 ** (6 / 20), atol=1e-4)


def test_every_pair_has_noise_of_its_own():
    def noise(split, row, seed):
        return waveform(split, row, seed, snr=0.0)[0] - waveform(split, row, seed)[0]

    drawn = [noise(*key) for key in [("train", 0, 0), ("train", 1, 0), ("test", 0, 0), ("train", 0, 1)]]
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.3


def test_pink_noise_has_equal_power_in_every_octave():
    power = (np.abs(np.fft.rfft(pink_noise([(0, i) for i in range(50)], 8192))) ** 2).mean(0)
    octaves = [power[2**i : 2 ** (i + 1)].sum() for i in range(4, 12)]
    np.testing.assert_allclose(octaves, np.mean(octaves), rtol=0.25)


def test_sounds_are_centred_with_power_one():
    [window] = centred([np.array([300, -300], dtype=np.int16)], 6)
    assert window.tolist() == [0, 0, 1, -1, 0, 0]
    np.testing.assert_allclose(mixed(window, np.ones(6), 20.0), window + 0.1, atol=1e-6)
    with pytest.raises(ValueError, match="9 samples does not fit.*6"):
        centred([np.ones(9)], 6)
    with pytest.raises(ValueError, match="without power"):
        centred([np.zeros(3)], 6)


def test_blur_keeps_whole_grey_levels_and_takes_detail_away(read_once):
    images = read_once.arrays["images"][:50]
    assert np.array_equal(av_digits.blurred(images, 0.0), images)
    blurred = av_digits.blurred(images, 3.0)
    assert set(np.unique(blurred)) <= set(range(7))
    assert np.abs(np.diff(blurred, axis=2)).mean() < 0.5 * np.abs(np.diff(images.astype(float), axis=2)).mean()


def alone(modality: str, **knobs: object) -> float:
    """Test accuracy of the recipe's network on one modality, as long as the quick profile trains it."""
    recipe = RECIPES["av_digits"]
    data = load("av_digits", seed=1, **knobs)
    torch.manual_seed(0)
    method = Unimodal(build_model(data.shapes, 10, recipe.encoder, **recipe.model), modality=modality)
    fit(method, data, epochs=recipe.epochs["quick"], device="cpu", **recipe.training)
    return evaluate(method, data.test)["accuracy"]


def test_high_snr_makes_sound_the_better_one_and_low_snr_the_picture():
    picture, clean, noisy = alone("image"), alone("audio", snr=30.0), alone("audio", snr=-10.0)
    assert clean > picture + 0.02
    assert picture > noisy + 0.1


def test_blur_lowers_what_the_picture_tells():
    assert alone("image", blur=0.0) > alone("image", blur=5.0) + 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"snr": "loud"}, "snr must be a number"), ({"snr": 100}, "snr must be .*from -60 to 60"),
        ({"snr": float("nan")}, "snr must be"), ({"blur": -1}, "blur must be .*from 0 to 10"),
        ({"blur": None}, "blur must be a number"), ({"samples": (5, 5)}, "samples must be three"),
        ({"samples": (5, 5, 0)}, "samples of test must be at least 2"), ({"seed": -1}, "seed"),
        ({"samples": (5, 1961, 5)}, "samples of valid must be at most 1960.*got 1961"),
        ({"noise": 3}, "unknown option of av_digits 'noise'.*seed, snr, blur, samples"),
    ],
)  # fmt: skip
def test_bad_options_are_named(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        load("av_digits", **options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("tests", 0), "Did you mean 'test'"), (("test", 1960), "row of test must be .*to 1959"), (("test", -1), "row"),
     (("test", 0, 0, "x"), "snr must be a number")],
)  # fmt: skip
def test_bad_arguments_of_waveform_are_named(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        waveform(*arguments)
