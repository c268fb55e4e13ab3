"""The text of a remedy, pasted into an ordinary training: each part where its comment says."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from typing import Any

import torch
from torch import nn

from levinthal.clinic.problem.batches import batches
from levinthal.vocabulary import Problem

FIRST_BATCHES = 16
PLACES = {
    "# once, before training; `batches` are its first 16 batches of (inputs, targets)": "data",
    "# a field of the Problem, or the setting of that name in your own training": "setting",
    "# after the model is built": "model",
    "# in place of the optimiser": "new optimizer",
    "# after the optimiser is built, before a scheduler is": "optimizer",
    "# at the start of every step": "step",
    "# on every batch, also of validation": "batch",
    "# in place of loss = loss_fn(outputs, targets)": "loss",
    "# between backward and step, in place of other clipping": "clip",
}


class Script:
    """A script of the user: one namespace, and the parts of the text for its places."""

    def __init__(self, problem: Problem, text: str) -> None:
        self.parts, place = dict[str, str](), ""
        for line in text.splitlines():
            place = PLACES.get(line, place)
            if line not in PLACES:
                self.parts[place] = self.parts.get(place, "") + line + "\n"
        assert set(self.parts) <= set(PLACES.values()), text
        self.names: dict[str, Any] = {field.name: getattr(problem, field.name) for field in fields(problem)}
        self.names |= {"torch": torch, "nn": nn, "loss_fn": problem.loss}

    def paste(self, place: str) -> bool:
        """Run the part for a place; whether there is one."""
        if place in self.parts:
            exec(self.parts[place], self.names)
        return place in self.parts


def pasted(problem: Problem, text: str, seed: int) -> nn.Module:
    """The network after an ordinary training with the text in its places."""
    script = Script(problem, text)
    names = script.names
    names["batches"] = list(itertools.islice(batches(problem, 0), FIRST_BATCHES))
    script.paste("data")
    script.paste("setting")
    torch.manual_seed(seed)
    names["model"] = problem.model()
    script.paste("model")
    if not script.paste("new optimizer"):
        names["optimizer"] = problem.optimizer(names["model"])
    script.paste("optimizer")
    scheduler = names["schedule"](names["optimizer"]) if names["schedule"] else None
    torch.manual_seed(seed + 1)
    data = replace(problem, train=names["train"], batch_size=names["batch_size"], shuffle=names["shuffle"])
    for inputs, targets in itertools.islice(batches(data, seed), names["steps"]):
        names |= {"inputs": inputs, "targets": targets}
        script.paste("batch")
        _step(script)
        if scheduler:
            scheduler.step()
    model: nn.Module = names["model"]
    return model


def _step(script: Script) -> None:
    names = script.names
    if names["step"]:
        script.paste("step")
        names["step"](names["model"], names["optimizer"], names["inputs"], names["targets"])
        return
    names["optimizer"].zero_grad()
    names["outputs"] = names["model"](names["inputs"])
    if not script.paste("loss"):
        names["loss"] = names["loss_fn"](names["outputs"], names["targets"])
    names["loss"].backward()
    if not script.paste("clip") and names["clip"] is not None:
        nn.utils.clip_grad_norm_(names["model"].parameters(), names["clip"])
    names["optimizer"].step()
