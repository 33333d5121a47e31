"""One call of every measure, each with the same arguments."""

from mmlib.measures import (
    competition_of,
    depth_performance,
    depth_probes,
    depth_prototypes,
    gradient_share,
    linear_probe,
    masked_accuracy,
    monomodal_gap,
    response_accuracy,
    shapley_values,
    weak_channels,
)

# The network, a Unimodal method of modality "a", the splits for training and test, the modality that is looked at.
EVERY_MEASURE = {
    "masked_accuracy": lambda model, alone, train, test, m="a": masked_accuracy(model, test),
    "response_accuracy": lambda model, alone, train, test, m="a": response_accuracy(model, test),
    "shapley_values": lambda model, alone, train, test, m="a": shapley_values(model, test, majority=train.labels),
    "shapley_values of logits": lambda model, alone, train, test, m="a": shapley_values(model, test, of="logit"),
    "linear_probe": lambda model, alone, train, test, m="a": linear_probe(model, m, train, test),
    "monomodal_gap": lambda model, alone, train, test, m="a": monomodal_gap(model, alone, train, test),
    "competition_of": lambda model, alone, train, test, m="a": competition_of(model, alone, train, test),
    "depth_probes": lambda model, alone, train, test, m="a": depth_probes(model, m, train, test),
    "depth_prototypes": lambda model, alone, train, test, m="a": depth_prototypes(model, m, train, test),
    "depth_performance": lambda model, alone, train, test, m="a": depth_performance(model, m, train, test),
    "weak_channels": lambda model, alone, train, test, m="a": weak_channels(model, m, train, test),
    "gradient_share": lambda model, alone, train, test, m="a": gradient_share(model, test),
}
