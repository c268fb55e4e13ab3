"""`watch`: an ordinary training loop under observation. It reads, never writes, never raises by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from levinthal.clinic.diagnosis import diagnose
from levinthal.clinic.listening import ENOUGH, Listener
from levinthal.clinic.patient import Patient
from levinthal.clinic.sample import History, Sample
from levinthal.clinic.told import told
from levinthal.clinic.validation import LossFn, Validation, as_source
from levinthal.errors import InputError, LevinthalError, require_one_of
from levinthal.vocabulary import Finding, Severity


class FindingError(LevinthalError):
    """`raise_if` found what it was told to look for."""


class Watch:
    """What `watch` gives: a context manager around a training loop.

    A sampled step begins with the first forward pass in training mode and ends with the optimiser's step.
    In every other step two integers are compared, and nothing else is done.
    """

    def __init__(self, patient: Patient, every: int, validation: Validation | None = None) -> None:
        self.patient, self.every = patient, every
        self.history = History(alike=patient.alike(1e-6), validation=validation)
        self.history.rows.marking = validation is not None
        self.trouble = ""
        """What went wrong inside the watch itself; it then stops listening, and the loop goes on."""
        self._step = 0
        self._sample: Sample | None = None
        self._weights: list[Tensor] = []
        self._before_clipping: Tensor | None = None
        self._before_backward: Tensor | None = None
        self._listener = Listener(patient.listened)
        self._listener.on_backward = self._guarded(self._note_stale)
        self._listener.on_gradients = self._guarded(self._note_gradients)
        self._listener.on_targets = self._guarded(self.history.rows.pair)
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Watch:
        model, first = self.patient.model, self.patient.optimizers[0]
        self._handles = [
            model.register_forward_pre_hook(self._forward_begins, with_kwargs=True),
            model.register_forward_hook(self._forward_is_over),
            first.register_step_pre_hook(self._step_begins),
            first.register_step_post_hook(self._step_is_over),
        ]
        if self.history.validation is not None:
            self.history.validation.read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._guarded(self._listener.end)()
        self._guarded(self._look)(True)

    def begin_step(self, *inputs: Any) -> None:
        """Begin a step before the model is called, for loops that call parts of it; `inputs` as the model's.

        Does nothing in a step that is not to be sampled, or that has begun.
        """
        if self._handles and self._sample is None and self._step % self.every == 0:
            self._guarded(self._begin)(inputs, {})

    def findings(self) -> list[Finding]:
        """What is wrong, causes before their symptoms, the most important first; empty for a healthy run."""
        if self._handles and self._sample is None:
            self._guarded(self._look)()
        return diagnose(self.patient, self.history)

    def __str__(self) -> str:
        """The findings for a terminal."""
        trouble = f"\nThe watch ended early: {self.trouble}" if self.trouble else ""
        held = self.history.validation.trouble if self.history.validation else ""
        return told(self.findings()) + trouble + (f"\nNothing was held out: {held}" if held else "")

    def _look(self, last: bool = False) -> None:
        """At the validation set, if there is one and it is time."""
        validation, calls = self.history.validation, [s.losses for s in self.history.samples[-1:]]
        if validation is not None and calls:
            kind = calls[0][0].kind if calls[0] else ""
            step = max(self._step - 1, 0)
            validation.look(self.patient.listened, step, self.history.rows, kind, last=last)

    def raise_if(self, severity: str = "critical") -> None:
        """Raise FindingError if there is a finding of this severity or worse.

        Raises InputError for an unknown severity.
        """
        order = [str(s) for s in Severity]
        worst = order.index(require_one_of("severity", severity, order))
        found = [f for f in self.findings() if order.index(str(f.severity)) <= worst]
        if found:
            raise FindingError("; ".join(f"{f.code} in {f.where}: {f.remedy}" for f in found))

    def _guarded(self, function: Callable[..., None]) -> Callable[..., None]:
        """The function, whose failure is noted and ends the listening instead of the user's training."""

        def call(*args: Any) -> None:
            if self.trouble:
                return
            try:
                with torch.no_grad(), torch._C.DisableTorchFunction():
                    function(*args)
            except Exception as error:
                self.trouble = f"{type(error).__name__}: {error}"
                self._sample = None
                self._listener.end()

        return call

    def _forward_begins(self, model: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        learning = torch.is_grad_enabled()
        if not learning:
            self.history.evaluated_in_train += model.training
        elif self._sample is None and self._step % self.every == 0:
            self._guarded(self._begin)(args, words)

    def _forward_is_over(self, *_: Any) -> None:
        if self._sample is not None:
            self._guarded(self._listener.forward_done)()

    def _step_begins(self, *_: Any) -> None:
        """The optimiser's own arithmetic is not listened to; what a closure does in it is."""
        if self._sample is not None and self._sample.loss is not None:
            self._guarded(self._listener.end)()

    def _step_is_over(self, *_: Any) -> None:
        self._step += 1
        if self._sample is not None:
            self._guarded(self._after_step)(self._sample)

    def _begin(self, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        self._sample = Sample(self._step, training=self.patient.model.training)
        self._weights = [p.detach().clone() for p in self.patient.parameters]
        first = next((a for a in (*args, *words.values()) if isinstance(a, Tensor) and a.dim()), None)
        if first is not None:
            self._sample.batch_size = len(first)
            self._sample.batch = batch_numbers(first) if first.is_floating_point() else None
        self.history.rows.offer(args, words)
        self._listener.begin(self._sample)

    def _note_stale(self) -> None:
        """The gradients that lie there as a backward pass begins."""
        self._before_backward = _norms([p.grad for p in self.patient.parameters]).nan_to_num(0.0)

    def _note_gradients(self) -> None:
        """The gradients as backward left them, which clipping may yet shrink; and those it added to."""
        self._before_clipping = _norms([p.grad for p in self.patient.parameters])
        before, sample = self._before_backward, self._sample
        if sample is None or before is None or self._step == 0:
            return
        left = torch.where(self._before_clipping.nan_to_num(0.0) != before, before, 0.0).norm()
        # of several passes (accumulation, a GAN) the least: a forgotten zero_grad leaves some in each
        sample.stale = left if sample.stale is None else torch.minimum(sample.stale, left)

    def _after_step(self, sample: Sample) -> None:
        self._listener.end()
        sample.rates = self.patient.rates()
        gradients = [p.grad for p in self.patient.parameters]
        named = zip(self.patient.names, gradients, strict=True)
        sample.without_gradient = tuple(name for name, gradient in named if gradient is None)
        sample.tensors = self._columns(gradients)
        self.history.add(sample)
        self.history.rows.keep()
        self._sample, self._weights = None, []
        self._before_clipping = self._before_backward = None
        self._look()

    def _columns(self, gradients: Sequence[Tensor | None]) -> Tensor:
        """(parameters, 5) as in TENSOR."""
        moved = torch._foreach_sub([p.detach() for p in self.patient.parameters], self._weights)
        live = torch.stack([_count(g) for g in gradients]).to(self._weights[0].device)
        same = 1 - torch.stack([torch.count_nonzero(m) for m in moved]) / live.clamp(min=1)
        norms = _norms(gradients)
        before = norms if self._before_clipping is None else self._before_clipping
        columns = (norms, _norms(self._weights), _norms(moved), same, before)
        return torch.stack([column.to(norms.device) for column in columns], 1)


def _norms(tensors: Sequence[Tensor | None]) -> Tensor:
    """(T,) Euclidean norms; nan for a tensor that is not there."""
    there = [_dense(tensor) for tensor in tensors if tensor is not None]
    if not there:
        return torch.full((len(tensors),), math.nan)
    known = iter(torch._foreach_norm(there))
    absent = torch.full((), math.nan, device=there[0].device)
    found = [absent if tensor is None else next(known) for tensor in tensors]
    return torch.stack([norm.to(absent.device, torch.float32) for norm in found])


def _count(gradient: Tensor | None) -> Tensor:
    """Entries that a gradient asks to move."""
    return torch.zeros((), dtype=torch.int64) if gradient is None else torch.count_nonzero(_dense(gradient))


def _dense(tensor: Tensor) -> Tensor:
    return tensor.coalesce().values() if tensor.is_sparse else tensor


def batch_numbers(inputs: Tensor) -> Tensor:
    """(5,) as in BATCH: finite or not of all values, the rest of some; the fingerprint weighs by place."""
    everything = inputs.detach().reshape(-1)
    broken = (~everything.sum(dtype=torch.float32).isfinite()).float()
    x = everything[:: max(1, len(everything) // ENOUGH)].float()
    low, high = torch.aminmax(x) if len(x) else (broken, broken)
    var, mean = torch.var_mean(x, correction=0)
    weights = torch.linspace(0.5, 1.5, len(x), device=x.device)
    return torch.stack((mean, var.sqrt(), torch.maximum(low.abs(), high.abs()), broken, x @ weights))


def watch(
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    loss_fn: LossFn | None = None,
    every: int = 10,
    validation: Any = None,
    frozen: Iterable[str] = (),
) -> Watch:
    """Watch an ordinary training loop: `with watch(model, optimizer) as w: ...`, then `w.findings()`.

    `every`: steps from one sampled step to the next. `frozen`: beginnings of the names of parameters that are
    meant to stay as they are.

    `validation`: a pair (inputs, targets) or an iterable of such pairs, a DataLoader say. Up to 2,048 rows of
    it (and 128 MiB) are read once, on entering; about ten times a run the model is put into evaluation mode
    and asked about them, and about rows it was trained on. `loss_fn(output, targets)` is the loss to ask by;
    left out, it is the loss function of torch's that the loop was seen to call.

    The run is bit-identical with and without, and no hook is left behind.

    Raises InputError for a model without parameters, no optimiser, `every` below 1, or validation that cannot
    be read twice.
    """
    optimizers = (optimizer,) if isinstance(optimizer, Optimizer) else tuple(optimizer)
    if every < 1:
        raise InputError(f"every={every}: give the number of steps between samples, 1 or more")
    if not optimizers:
        raise InputError("0 optimisers: pass the one, or the ones, that train the model")
    held = None if validation is None else Validation(as_source(validation), loss_fn)
    return Watch(Patient.of(model, optimizers, tuple(frozen)), every, held)
