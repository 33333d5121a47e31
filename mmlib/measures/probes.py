"""What a linear classifier can still read from one encoder, and how far that is from training the modality alone."""

from torch import Tensor

from mmlib import checks
from mmlib.data import Split
from mmlib.measures._predictions import accuracy_of, check_alone, check_fits, collect, true_labels
from mmlib.measures.registry import Trained, measure
from mmlib.methods import Unimodal
from mmlib.models import MultimodalModel

INVERSE_PENALTY = 1.0
MOST_ITERATIONS = 5000


def linear_probe(model: MultimodalModel, modality: str, train: Split, test: Split) -> float:
    """Test accuracy 0..1 of a multinomial logistic regression on the frozen features of the modality's encoder.

    Features are standardised by the train rows; L2 penalty |w|^2 / 2 against the summed cross-entropy of the train rows
    (scikit-learn's C = 1), lbfgs from zero weights: the same features always give the same number.
    The encoder runs in evaluation mode and is not changed. Source: Wang et al., CVPR 2020 ("What makes training
    multi-modal classification networks hard?"). Raises ValueError for an unknown modality, splits that do not fit the
    model, or train labels of fewer than two classes.
    """
    checks.one_of("modality", modality, model.modalities)
    x_train, x_test = (_features(model, modality, split) for split in (train, test))
    y_train, y_test = (true_labels(model, split).cpu() for split in (train, test))
    return probe_accuracy(x_train, y_train, x_test, y_test)


def probe_accuracy(x_train: Tensor, y_train: Tensor, x_test: Tensor, y_test: Tensor) -> float:
    """Accuracy 0..1 on the test rows [N, C] with labels [N] of the logistic regression of ``linear_probe``, fitted on
    the train rows. All on the CPU. Raises ValueError for train labels of fewer than two classes.
    """
    from sklearn.linear_model import LogisticRegression  # here: mmlib.measures imports where only PyTorch is
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if (y_train == y_train[0]).all():
        raise ValueError(f"a probe needs rows of two or more classes, all {len(y_train)} are of class {y_train[0]}.")
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=MOST_ITERATIONS))
    return float(probe.fit(x_train.numpy(), y_train.numpy()).score(x_test.numpy(), y_test.numpy()))


def monomodal_gap(model: MultimodalModel, unimodal: Unimodal, train: Split, test: Split) -> float:
    """Accuracy of the network trained on one modality alone minus linear_probe of that modality's encoder in ``model``.

    Both on the test split, in -1..1; above 0, joint training left the modality under-optimised (Wang et al., CVPR 2020;
    Wu et al., ICML 2022). unimodal: trained, on a network of its own; train: the rows the probe is fitted on.
    Raises TypeError or ValueError if the two networks and the splits do not fit each other.
    """
    check_alone(model, unimodal, train, test)
    alone = accuracy_of(collect(unimodal, unimodal, test), true_labels(unimodal.model, test))
    return alone - linear_probe(model, unimodal.modality, train, test)


def _features(model: MultimodalModel, modality: str, split: Split) -> Tensor:
    check_fits(model, split)
    return collect(model, lambda inputs: model.encoders[modality](inputs[modality]), split).cpu().double()


@measure("probe")
def _probe(t: Trained) -> dict[str, float]:
    return {m: linear_probe(t.method.model, m, t.data.train, t.held) for m in t.data.modalities}
