"""A study and a problem as a user writes them, with one place after the other to be filled."""

from __future__ import annotations

STUDY = """
from levinthal import *

T = dict(question="Q?", source="S", chapter="toys", name="toy", preset="quick", about="About", claim="A1",
    says="It is so", cited="S1", effect="E", unit="share", control="C", why="W", factor="f", level="g",
    measured="m", measured_unit="nat", layer="layer", condition="", note="note", figure="fig", title="Title",
    caption="Caption", axis="x", series="s", panel="p", answer="A", term="share", meaning="M", protocol="",
    part="all", quote="", reason="R", raised="", evidence_raised="")
T.update({changes!r})

def measure(task, *, data=None, device="cpu"):
    if T["raised"]:
        raise ValueError(T["raised"])
    for seed in task.seeds:
        estimate = Estimate(0.5 + seed / 100, T["measured_unit"], trust=Trust.ORDINAL, reasons=(T["reason"],))
        yield Measurement(T["measured"], estimate, seed=seed, layer=T["layer"], condition=T["condition"])

def evidence(rows):
    if T["evidence_raised"]:
        raise ValueError(T["evidence_raised"])
    control = {{"": {{0: 0.0, 1: 0.1, 2: 0.0}}}}
    return Evidence({{T["part"]: {{0: 0.5, 1: 0.6, 2: 0.55}}}}, control, notes=(T["note"],))

def figures(rows):
    series = Series(T["series"], (0, 1), (0.5, 0.6), role="point")
    panel = Panel(Axis(T["axis"]), Axis("y", T["unit"]), (series,), T["panel"])
    yield Figure(T["figure"], T["title"], T["caption"], (panel,))

task = Task({{T["factor"]: T["level"]}}, (0, 1, 2))
study = Study(name=T["name"], chapter=T["chapter"], question=T["question"], source=T["source"], version=1,
    presets={{T["preset"]: Preset(T["about"], None, (task,))}}, measure=measure,
    claims=(Claim(T["claim"], T["says"], T["cited"], T["effect"], T["unit"], 0.1, T["control"], evidence,
        why_smallest=T["why"], quote=T["quote"]),),
    figures=figures, answer=lambda verdicts: T["answer"], terms={{T["term"]: T["meaning"]}},
    protocol=tuple(filter(None, [T["protocol"]])))
"""
PROBLEM = """
import torch
from torch import nn
import levinthal

TEXT, PLACE = {text!r}, {place!r}
inputs, labels = torch.randn(64, 8), torch.arange(64) % 4

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        name = TEXT.replace(".", "_") if PLACE in ("layer", "wide") else "first"
        self.add_module(name, nn.Linear(7 if PLACE == "wide" else 8, 4))
        with torch.no_grad():
            self._modules[next(iter(self._modules))].weight.mul_(1e4)
    def forward(self, x):
        if PLACE == "model":
            raise RuntimeError(TEXT)
        return next(iter(self.children()))(x)

Net.__name__ = Net.__qualname__ = TEXT if PLACE == "class" else "Net"

def loss(outputs, targets):
    if PLACE == "loss":
        raise ValueError(TEXT)
    if PLACE == "exit":
        raise SystemExit(TEXT)
    return nn.functional.cross_entropy(outputs, targets)

loss.__name__ = loss.__qualname__ = TEXT if PLACE == "loss name" else "loss"
if PLACE == "import":
    raise ImportError(TEXT)
if PLACE == "warning":
    import warnings; warnings.warn(TEXT)
problem = levinthal.Problem(model=Net, loss=loss, train=(inputs, labels), validation=(inputs, labels),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), 1.0), steps=20)
"""
