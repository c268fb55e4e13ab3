"""`levinthal bound`: how wrong can a model be, from rows that were held out."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from levinthal.cli.terminal import stdout
from levinthal.cli.whole_numbers import share, whole_number
from levinthal.cli.written_files import file_option
from levinthal.errors import InputError
from levinthal.user_files import user_path
from levinthal.written_files import writable
from levinthal.written_files.kinds import PAGE

if TYPE_CHECKING:
    from levinthal.bounds import ErrorBound

MOST_BITS = 300
File = Annotated[
    str,
    Parameter(
        help="A file with one row for each held-out example: CSV, TSV, JSONL, NPY or Parquet. Columns of "
        "usual names (loss; correct; prediction and label) are found."
    ),
]


def bound(
    file: File | None = None,
    /,
    *,
    errors: Annotated[
        int | None,
        Parameter(help="Without a file: how many held-out rows are wrong.", converter=whole_number),
    ] = None,
    samples: Annotated[
        int | None,
        Parameter(help="Without a file: how many held-out rows there are.", converter=whole_number),
    ] = None,
    losses: Annotated[str | None, Parameter(help="The column of losses in [0, 1].")] = None,
    correct: Annotated[str | None, Parameter(help="The column that is 1 where the answer is right.")] = None,
    predictions: Annotated[str | None, Parameter(help="The column of predicted classes.")] = None,
    labels: Annotated[str | None, Parameter(help="The column of true classes.")] = None,
    clusters: Annotated[
        str | None,
        Parameter(help="The column that says which rows belong together: the image of a crop, the document."),
    ] = None,
    weights: Annotated[
        str | None, Parameter(help="Is refused: no certificate here holds for weighted rows.")
    ] = None,
    models_tried: Annotated[
        int,
        Parameter(
            help="How many models were compared on these rows: every checkpoint, seed and setting that could "
            "have been chosen, fixed before the rows were seen.",
            converter=whole_number,
        ),
    ] = 1,
    bits_seen: Annotated[
        int,
        Parameter(
            help="Where models were made one after the other: how many bits the search has learnt from these "
            "rows. They count as 2 to that power of models.",
            converter=whole_number,
        ),
    ] = 0,
    delta: Annotated[
        float, Parameter(help="The chance that the limit does not hold.", converter=share)
    ] = 0.05,
    anytime: Annotated[
        bool,
        Parameter(
            help="The limit is read again and again while rows arrive: it holds at all times at once.",
            negative="",
        ),
    ] = False,
    within: Annotated[
        float | None,
        Parameter(
            help="Instead of a limit: how many rows put it so close to the measured error, 0.005 for half a "
            "point. At the measured rate, or at one half where nothing was measured.",
            converter=share,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(
            help="The HTML file to write, with every certificate and its interval.", converter=file_option
        ),
    ] = None,
    json: Annotated[bool, Parameter(help="Print the answer as JSON, not as text.", negative="")] = False,
) -> None:
    """Say how wrong a model can be: an upper limit of its true error, with confidence 1 - delta."""
    from levinthal.bounds import error_bound, samples_needed

    if bits_seen < 0 or bits_seen > MOST_BITS:
        raise InputError(f"--bits-seen is {bits_seen}: give a number from 0 to {MOST_BITS}")
    page = writable(output, PAGE) if output else None
    columns = {"losses": losses, "correct": correct, "predictions": predictions, "labels": labels}
    given, read = _given(file, errors, samples, columns, clusters, weights, is_asked=within is None)
    found = None
    if given:
        found = error_bound(
            **given, models_tried=models_tried, bits_seen=bits_seen, delta=delta, anytime=anytime
        )
    if within is not None:
        _require_rows_alone(output, anytime, clusters, found)
        rate = 0.5 if found is None else found.mean
        tried = models_tried * 2**bits_seen
        rows = samples_needed(within, error=rate, delta=delta, models_tried=tried)
        both = samples_needed(within, error=rate, delta=delta, models_tried=tried, both_sides=True)
        _print_rows(rows, both, within, rate, as_json=json)
        return
    assert found is not None
    if json:
        print(json_format.dumps(found.to_json() | {"read": read}, indent=2, allow_nan=False))
    else:
        stdout().print(f"{found}\n{f'Read: {read}.' if read else ''}".rstrip(), soft_wrap=True)
    if page:
        _write_page(found, page, read, announce=not json)


def _given(
    file: str | None,
    errors: int | None,
    samples: int | None,
    columns: dict[str, str | None],
    clusters: str | None,
    weights: str | None,
    *,
    is_asked: bool,
) -> tuple[dict[str, Any], str]:
    """What `error_bound` takes, and what was read of a file."""
    from levinthal.bounds.choosing import chosen
    from levinthal.bounds.outcomes import WEIGHTED
    from levinthal.bounds.tables import read_table

    if weights is not None:
        raise InputError(f"--weights: {WEIGHTED}")
    counts = {"errors": errors, "samples": samples}
    if file is None:
        if option := next(
            (name for name, value in (*columns.items(), ("clusters", clusters)) if value), None
        ):
            raise InputError(f"--{option} names a column, and no file is given: name the file first")
        if (errors is None) != (samples is None):
            missing = next(name for name, value in counts.items() if value is None)
            raise InputError(f"one of --errors and --samples was given: give --{missing} too")
        if errors is None and is_asked:
            raise InputError("nothing was measured: give a file, or --errors and --samples, or --within")
        return (counts if errors is not None else {}), ""
    if option := next((name for name, value in counts.items() if value is not None), None):
        raise InputError(f"--{option} was given beside {file}: give one or the other")
    found = chosen(read_table(user_path(file, InputError)), columns, clusters)
    return dict(found.arrays), found.read


def _require_rows_alone(
    output: Path | None, anytime: bool, clusters: str | None, found: ErrorBound | None
) -> None:
    """Refuse what a number of rows is not for."""
    why = "--within counts rows for the limit of an error rate"
    if output:
        raise InputError(f"{why}, and --output writes a page of a limit: give one of them")
    if anytime or clusters:
        raise InputError(f"{why}: leave out {'--anytime' if anytime else '--clusters'}")
    if found is not None and not found.what.startswith("error"):
        raise InputError(f"{why}, and the losses lie between 0 and 1: leave out the file")


def _print_rows(rows: int, both: int, within: float, rate: float, *, as_json: bool) -> None:
    """Print how many rows are needed."""
    from levinthal.bounds.wording import percent, units

    if as_json:
        said = {"samples_needed": rows, "both_sides": both, "within": within, "error": rate}
        print(json_format.dumps(said, indent=2, allow_nan=False))
        return
    points = f"{100 * within:.4g}"
    one, two = units(rows, "rows"), units(both, "rows")
    stdout().print(
        f"{one} {'puts' if rows == 1 else 'put'} the limit {points} points above a measured error of "
        f"{percent(rate)}; {two} {'puts' if both == 1 else 'put'} both ends of an interval within +-{points} "
        "points.",
        soft_wrap=True,
    )


def _write_page(found: ErrorBound, page: Path, read: str, *, announce: bool) -> None:
    from levinthal.bounds.page import write_page

    write_page(page, found, title="the model", provenance={"Read": read} if read else {})
    if announce:
        stdout().print(f"Page: {page}", soft_wrap=True)
