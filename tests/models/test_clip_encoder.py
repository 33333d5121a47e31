"""ResNet-18 on clips: every frame as a picture, the mean over frames as features."""

import pytest
import torch

from mmlib.models import ClipResNet18, ResNet18, build_encoder, build_model


@pytest.fixture
def pair():
    """An encoder of pictures and one of clips, with the same weights, in evaluation mode."""
    torch.manual_seed(0)
    pictures, clips = ResNet18(3).eval(), ClipResNet18(3).eval()
    clips.load_state_dict({name.replace(".", "#", 2).replace("#", ".", 1).replace("#", ".block."): v
                           for name, v in pictures.state_dict().items()})  # fmt: skip
    return pictures, clips


def test_features_are_the_mean_over_the_frames_features(pair):
    pictures, clips = pair
    x = torch.randn(2, 3, 4, 32, 32)
    expected = torch.stack([pictures(x[:, :, t]) for t in range(4)]).mean(0)
    torch.testing.assert_close(clips(x), expected)


def test_every_block_keeps_the_channels_on_axis_1(pair):
    pictures, clips = pair
    x = torch.randn(2, 3, 4, 32, 32)
    for alone, h in zip(pictures.outputs(x[:, :, 1]), clips.outputs(x), strict=True):
        torch.testing.assert_close(h[:, :, 1], alone)


@pytest.mark.parametrize(("shape", "kind"), [((2, 16, 16), ResNet18), ((2, 5, 16, 16), ClipResNet18)])
def test_one_name_serves_pictures_and_clips(shape, kind):
    encoder = build_encoder("resnet18", shape)
    assert type(encoder) is kind and encoder(torch.zeros(2, *shape)).shape == (2, 512)


def test_an_option_of_a_clip_encoder_is_checked():
    with pytest.raises(ValueError, match="unknown option of encoder 'resnet18' 'width'"):
        build_encoder("resnet18", (3, 2, 16, 16), width=3)


def test_each_modality_may_have_its_own_encoder_and_options():
    shapes = {"clip": (3, 2, 16, 16), "words": (7, 5)}
    model = build_model(
        shapes, 3, {"clip": "resnet18", "words": "transformer"}, heads={"words": 2}, norm={"clip": "none"}
    )
    assert model({"clip": torch.zeros(2, 3, 2, 16, 16), "words": torch.zeros(2, 7, 5)}).shape == (2, 3)
    assert model.encoders["words"].width == 64, "an option that is not given is the encoder's default"
    assert not [m for m in model.encoders["clip"].modules() if isinstance(m, torch.nn.BatchNorm2d)]


def test_an_encoder_has_to_be_named_for_every_modality():
    with pytest.raises(ValueError, match="encoder must name one for 'b' too, it names .'a'."):
        build_model({"a": (4,), "b": (4,)}, 2, {"a": "mlp"})
    with pytest.raises(ValueError, match="unknown modality of depth 'c'"):
        build_model({"a": (4,), "b": (4,)}, 2, depth={"c": 2})
