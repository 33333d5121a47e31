"""What every subset of the modalities tells about a synthetic label: the best accuracy possible, and the information.

All maps from the latents h_m to the inputs are invertible, so the posterior of the label is the same given either.
With L_m[d] the likelihood ratio of "m shows direction d" over "m shows nothing", the kinds of samples give
    p(h_S | y) ~ p_shared prod_S L_m[y] + sum_{m in S} p_unique,m L_m[y] + p_synergy Y_S[y] + the rest,
where Y_S is the mean of prod_S L_m[C + a_m] over the codes a that sum to y. If S holds every modality this is a
convolution over Z_C; otherwise the codes in S are independent and Y_S does not depend on y.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from mmlib.coalitions.subsets import subsets
from mmlib.data.synthetic.process import Process, draw_latents

SAMPLES = 40_000  # so the standard error of each accuracy is below 0.5 / sqrt(SAMPLES) = 0.0025


def bayes_accuracy(process: Process, generator: Generator) -> dict[tuple[str, ...], float]:
    """Accuracy (0..1) of the exact Bayes classifier for every non-empty subset of the modalities' names.

    It is the mean of the largest posterior probability over SAMPLES draws, which has the same expectation as the share
    of hits and a smaller error. All subsets see the same draws.
    """
    return {names: p.amax(1).mean().item() for names, p in _posteriors(process, generator)}


def mutual_information(process: Process, generator: Generator) -> dict[tuple[str, ...], float]:
    """I(Y; X_S) in bits, 0..log2 C, for every non-empty subset S of the modalities' names.

    It is log2 C, the entropy of the label, minus the mean entropy of its exact posterior over SAMPLES draws (Cover and
    Thomas, Elements of Information Theory, section 2.4). An entropy lies in 0..log2 C, so the standard error is below
    log2(C) / 2 / sqrt(SAMPLES) = 0.0025 log2 C. All subsets see the same draws, those of bayes_accuracy.
    """
    most = math.log2(process.classes)
    return {names: most - _entropy(p).mean().item() for names, p in _posteriors(process, generator)}


def _entropy(probabilities: Tensor) -> Tensor:
    """Entropy in bits [N] of the distributions [N, C]."""
    return torch.special.entr(probabilities).sum(1) / math.log(2)


def _posteriors(process: Process, generator: Generator) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    """(names in S, P(y | h_S) [SAMPLES, C]) for every non-empty subset S, of the same draws; one at a time, as all
    would take much memory."""
    indices = range(len(process.names))
    # Only the latents along the 2C directions matter, so the directions can be the axes of R^2C.
    axes = torch.eye(2 * process.classes, dtype=torch.float64)
    latents, _ = draw_latents(process, [axes] * len(indices), SAMPLES, generator)
    evidence = log_ratios(process, latents)
    for subset in subsets(indices):
        yield tuple(process.names[m] for m in subset), posterior(process, evidence, subset)


def log_ratios(process: Process, along: Sequence[Tensor]) -> Tensor:
    """log L, [M, N, 2C], from the latents along the directions, <h_m, e_d>, [N, 2C] for each modality:
    log L_m[d] = (signal_m <h_m, e_d> - signal_m^2 / 2) / noise_m^2."""
    knobs = zip(along, process.signal, process.noise, strict=True)
    return torch.stack([(signal * values - signal**2 / 2) / noise**2 for values, signal, noise in knobs])


def posterior(process: Process, evidence: Tensor, subset: tuple[int, ...]) -> Tensor:
    """P(y | h_S), [N, C], for the modalities whose numbers are in ``subset``; evidence: log L, [M, N, 2C]."""
    direct, codes = evidence[list(subset)].split(process.classes, dim=2)
    seen = torch.tensor([m in subset for m in range(len(process.names))])
    shared, unique, synergy, rest = process.shares.split([1, len(seen), 1, 1])
    silent = (rest + unique[~seen].sum()).log()
    likelihood = torch.logaddexp(shared.log() + direct.sum(0), silent)
    for share, ratios in zip(unique[seen], direct, strict=True):
        likelihood = torch.logaddexp(likelihood, share.log() + ratios)
    likelihood = torch.logaddexp(likelihood, synergy.log() + _mean_over_codes(codes, whole=bool(seen.all())))
    return likelihood.softmax(1)


def _mean_over_codes(codes: Tensor, whole: bool) -> Tensor:
    """log Y_S, [N, C] or [N, 1], from log L_m of the codes, [M, N, C]; whole: S holds every modality."""
    modalities, _, classes = codes.shape
    if not whole:
        return codes.logsumexp(2, keepdim=True).sum(0) - modalities * math.log(classes)
    height = codes.amax(2, keepdim=True)
    total, *factors = (codes - height).exp()
    for factor in factors:
        total = sum(total[:, a, None] * factor.roll(a, dims=1) for a in range(classes))
    return total.log() + height.sum(0) - (modalities - 1) * math.log(classes)
