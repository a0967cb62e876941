"""What S4, Ain Shams University, says of itself in two places."""

from typing import Any

from experiments.claims.judging import OWN, Found, claim, own_words


@claim(
    "S4/best",
    "This is the best accuracy achieved by the model",
    "section 4.2.1",
    "No trial of the first model may have more than the 82 % that are named.",
    rule=own_words,
    lesson="04",
    said={"best": 82.0, "trials": (54.73, 69.01, 84.73)},
)
def best(said: dict[str, Any]) -> Found:
    most = max(said["trials"])
    return Found(OWN, most <= said["best"], f"its third trial, in 4.2.2, has {most:g} %")


@claim(
    "S4/second",
    "Due to the high computational resources needed to train this model the size of dataset "
    "trained on this model was reduced from 10,000 to 3,000 image. So, the accuracy was not very "
    "good as the first model",
    "section 4.2.1",
    "At equal epochs, the second model must have less than the first.",
    rule=own_words,
    lesson="04",
    said={"first": {100: 54.73, 400: 69.01, 1000: 84.73}, "second": {100: 55.7}},
    note="What the percentages count is not known (S4/accuracy). The second model had a tenth of "
    "the epochs as well.",
)
def second(said: dict[str, Any]) -> Found:
    ((epochs, other),) = said["second"].items()
    first = said["first"][epochs]
    text = f"after {epochs} epochs {first:g} % the first, {other:g} % the second"
    return Found(OWN, other < first, text)


@claim(
    "S4/loss",
    "the cross-entropy loss function … MSE loss function was used to calculate the loss error in "
    "the output layer.",
    "section 6.1, and section 4.1.4",
    "The loss must be the same in both places.",
    rule=own_words,
    lesson="04",
    said={"section 6.1": "cross-entropy", "section 4.1.4": "squared error"},
)
def loss(said: dict[str, Any]) -> Found:
    text = "; ".join(f"{place}: {name}" for place, name in said.items())
    return Found(OWN, len(set(said.values())) == 1, text)


@claim(
    "S4/relu",
    "to squash the result in a certain range [0,1]",
    "section 4.1.4, on the ReLU",
    "The formula that the report prints below the sentence must give at most 1 for every v.",
    rule=own_words,
    lesson="04",
    said={"v": 2.0, "most": 1.0},
)
def relu(said: dict[str, Any]) -> Found:
    out = max(said["v"], 0.0)
    return Found(OWN, out <= said["most"], f"for v = {said['v']:g} it gives {out:g}")


@claim(
    "S4/sizes",
    "Reduction B: reduces the dimensions from 17*17 to 8*8 … Inception Res C: outputs dimensions "
    "17*17",
    "section 4.1.4",
    "The blocks after reduction B must have the size that it gives.",
    rule=own_words,
    lesson="04",
    said={"before": 17, "last": 17},
)
def sizes(said: dict[str, Any]) -> Found:
    after = (said["before"] - 3) // 2 + 1
    text = f"a reduction with stride 2 makes {after} × {after} of {said['before']}²"
    return Found(OWN, after == said["last"], text)


@claim(
    "S4/study",
    "of the generated images by means of a user study",
    "abstract",
    "A study that the abstract announces must have a result in the report.",
    rule=own_words,
    lesson="08",
    said={"results": ()},
    note="Section 4.2.1 says that users were asked, and not what they answered.",
)
def study(said: dict[str, Any]) -> Found:
    return Found(OWN, bool(said["results"]), f"results given: {len(said['results']) or 'none'}")
