import pytest
import torch

from mmlib.measures import error_groups

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
A = torch.tensor([0, 1, 2, 0, 1, 0, 1, 0])  # right in the first five rows
B = torch.tensor([0, 1, 2, 1, 0, 2, 1, 0])  # right in rows 1, 2, 3 and 6
DECIDED = torch.tensor([0, 1, 0, 0, 1, 0, 0, 0])  # right in rows 1, 2, 4, 5 and 7


def drawn(modalities, rows=200, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda: torch.randint(classes, (rows,), generator=generator)  # noqa: E731
    return draw(), {m: draw() for m in modalities}, draw()


def test_the_hand_made_example():
    share, accuracy = error_groups(DECIDED, {"a": A, "b": B}, LABELS)
    assert share == {"a+b": 3 / 8, "a": 2 / 8, "b": 1 / 8, "none": 2 / 8}
    assert accuracy == {"a+b": pytest.approx(2 / 3), "a": 1.0, "b": 0.0, "none": 0.5}


def test_groups_are_named_in_the_order_of_the_networks():
    swapped = error_groups(DECIDED, {"b": B, "a": A}, LABELS)
    assert list(swapped.share) == ["b+a", "b", "a", "none"]
    assert swapped.share["b+a"] == 3 / 8 and swapped.share["a"] == 2 / 8 and swapped.accuracy["a"] == 1.0


def test_an_empty_group_has_share_0_and_no_accuracy():
    groups = error_groups(DECIDED, {"a": A, "b": A}, LABELS)
    assert groups.share == {"a+b": 5 / 8, "a": 0.0, "b": 0.0, "none": 3 / 8}
    assert groups.accuracy == {"a+b": pytest.approx(4 / 5), "none": pytest.approx(1 / 3)}


@pytest.mark.parametrize("modalities", ["a", "ab", "abc", "abcdef"])
def test_the_groups_part_the_rows_and_their_accuracies_make_up_the_whole(modalities):
    predictions, alone, labels = drawn(modalities)
    share, accuracy = error_groups(predictions, alone, labels)
    assert len(share) == 2 ** len(modalities)
    assert sum(share.values()) == pytest.approx(1, abs=1e-12)
    assert set(accuracy) == {name for name, value in share.items() if value > 0}
    total = (predictions == labels).double().mean().item()
    assert sum(share[name] * value for name, value in accuracy.items()) == pytest.approx(total, abs=1e-12)


def test_three_modalities_row_by_row():
    predictions, alone, labels = drawn("abc")
    share, accuracy = error_groups(predictions, alone, labels)
    members = {name: [] for name in ("a+b+c", "a+b", "a+c", "b+c", "a", "b", "c", "none")}
    for i, label in enumerate(labels):
        members["+".join(m for m in "abc" if alone[m][i] == label) or "none"].append(bool(predictions[i] == label))
    assert list(share) == list(members)
    assert share == {name: pytest.approx(len(hits) / 200) for name, hits in members.items()}
    assert accuracy == {name: pytest.approx(sum(hits) / len(hits)) for name, hits in members.items()}


@pytest.mark.parametrize(
    ("predictions", "alone", "labels", "message"),
    [
        (DECIDED[:7], {"a": A}, LABELS, r"^predictions must be class numbers \[8\].*got shape \(7,\)"),
        (torch.zeros(8, 3), {"a": A}, LABELS, r"got shape \(8, 3\).*argmax"),
        (DECIDED, {"a": A, "b": B[:1]}, LABELS, r"^predictions of 'b' must be class numbers \[8\]"),
        (DECIDED, {"a": A == LABELS}, LABELS, "^predictions of 'a' must be .* of torch.bool"),
        (DECIDED, {"a": A}, LABELS[:, None], r"^labels must be .* got shape \(8, 1\)"),
        (DECIDED[:0], {"a": A[:0]}, LABELS[:0], r"^labels must be .* got shape \(0,\)"),
        (DECIDED, {"a": A}, LABELS.float(), "^labels must be class numbers .* of torch.float32"),
        (DECIDED, {}, LABELS, "^error groups need .* got none"),
        (DECIDED, {"a": A, "none": B}, LABELS, "two groups the same name"),
        (DECIDED, {"a": A, "b": B, "a+b": B}, LABELS, "two groups the same name"),
    ],
)
def test_wrong_use_is_named(predictions, alone, labels, message):
    with pytest.raises(ValueError, match=message):
        error_groups(predictions, alone, labels)
