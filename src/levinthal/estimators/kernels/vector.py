# mypy: allow-untyped-calls
# ruff: noqa: ARG001 - an intrinsic receives types by name and values in a tuple
"""Ten explicit vector operations, as portable LLVM IR: what plain loops do not compile to.

Every array is handed over as the address of its first element. The vectors are 64 bytes wide; LLVM splits
them on machines whose registers are narrower, so these run wherever numba does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
BYTES = 64
WORDS = ir.VectorType(WORD, 8)
CODES = ir.VectorType(ir.IntType(16), 32)
WIDE = ir.VectorType(ir.IntType(32), 32)
REALS = ir.VectorType(ir.DoubleType(), 8)


def _load(builder: Any, address: Any, kind: Any, align: int = 8) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=align)


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=8)


def _call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    empty, lane = ir.Constant(kind, ir.Undefined), ir.IntType(32)
    one = builder.insert_element(empty, value, lane(0))
    return builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(lane, kind.count), [0] * kind.count))


def _loop(builder: Any, count: Any, step: int, start: Sequence[Any], body: Callable[..., Any]) -> list[Any]:
    """`for i in range(0, count, step)`, at least once: body(i, *carried) -> (carried, go on or None)."""
    entry = builder.block
    head, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(WORD)
    index.add_incoming(WORD(0), entry)
    carried = [builder.phi(value.type) for value in start]
    for phi, value in zip(carried, start, strict=True):
        phi.add_incoming(value, entry)
    results, go_on = body(index, *carried)
    following = builder.add(index, WORD(step))
    more = builder.icmp_unsigned("<", following, count)
    if go_on is not None:
        more = builder.and_(more, go_on)
    for phi, value in zip([index, *carried], [following, *results], strict=True):
        phi.add_incoming(value, builder.block)
    builder.cbranch(more, head, after)
    builder.position_at_end(after)
    return list(results)


@intrinsic
def intersect(_typing: Any, words: Any, bitmaps: Any, steps: Any, count: Any) -> Any:
    """AND into 8 words the bitmaps named by `count` int32 steps (a multiple of 4); returns 0 if none is left.

    A step s names bitmap s >> 1, complemented where s is odd. Stops early once no bit is left.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        words, bitmaps, steps, count = arguments

        def and_four(index: Any, kept: Any, _left: Any) -> Any:
            for unrolled in range(4):
                at = builder.shl(builder.add(index, WORD(unrolled)), WORD(2))
                step = builder.zext(_load(builder, builder.add(steps, at), ir.IntType(32), 4), WORD)
                flip = _splat(builder, builder.neg(builder.and_(step, WORD(1))), WORDS)
                where = builder.add(bitmaps, builder.shl(builder.lshr(step, WORD(1)), WORD(6)))
                kept = builder.and_(kept, builder.xor(_load(builder, where, WORDS), flip))
            left = _call(builder, "llvm.vector.reduce.or.v8i64", WORD, kept)
            return (kept, left), builder.icmp_unsigned("!=", left, WORD(0))

        start = (_load(builder, words, WORDS), WORD(0))
        kept, left = _loop(builder, count, 4, start, and_four)
        _store(builder, kept, words)
        return left

    return types.intp(types.intp, types.intp, types.intp, types.intp), generate


@intrinsic
def code_distance(_typing: Any, a: Any, b: Any, width: Any) -> Any:
    """Return max |a - b| over `width` uint16 codes, a multiple of 32."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        worst = _code_differences(builder, *arguments)
        return builder.zext(_call(builder, "llvm.vector.reduce.umax.v32i16", ir.IntType(16), worst), WORD)

    return types.intp(types.intp, types.intp, types.intp), generate


@intrinsic
def compare_codes(_typing: Any, a: Any, b: Any, width: Any, sure: Any, far: Any) -> Any:
    """Compare max |a - b| over `width` codes with sure < far: 0 if <= sure, >= 2**32 if > far, else between.

    `sure` may be -1, and is at most 65534.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        a, b, width, sure, far = arguments
        worst = _code_differences(builder, a, b, width)
        unsure = _splat(builder, builder.trunc(builder.add(sure, WORD(1)), ir.IntType(16)), CODES)
        beyond = _splat(builder, builder.trunc(far, ir.IntType(16)), CODES)
        open_ = builder.bitcast(builder.icmp_unsigned(">=", worst, unsure), ir.IntType(32))
        out = builder.bitcast(builder.icmp_unsigned(">", worst, beyond), ir.IntType(32))
        return builder.or_(builder.shl(builder.zext(out, WORD), WORD(32)), builder.zext(open_, WORD))

    return types.uint64(types.intp, types.intp, types.intp, types.intp, types.intp), generate


def _code_differences(builder: Any, a: Any, b: Any, width: Any) -> Any:
    """Return the largest |a - b| in each of 32 lanes."""

    def widen(index: Any, worst: Any) -> Any:
        at = builder.shl(index, WORD(1))
        one, other = (_load(builder, builder.add(row, at), CODES) for row in (a, b))
        high = _call(builder, "llvm.umax.v32i16", CODES, one, other)
        low = _call(builder, "llvm.umin.v32i16", CODES, one, other)
        return (_call(builder, "llvm.umax.v32i16", CODES, worst, builder.sub(high, low)),), None

    (worst,) = _loop(builder, width, 32, [ir.Constant(CODES, [0] * 32)], widen)
    return worst


@intrinsic
def code_distances(_typing: Any, row: Any, tile: Any, columns: Any, out: Any) -> Any:
    """Write to `out` max |row - point| over `columns` int16 codes of 15 bits, for each of 64 points.

    `row` holds every code twice, side by side; `tile` holds the codes of the 64 points by column.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        row, tile, columns, out = arguments

        def widen(index: Any, *worst: Any) -> Any:
            twice = _load(builder, builder.add(row, builder.shl(index, WORD(2))), ir.IntType(32), 4)
            one = builder.bitcast(_splat(builder, twice, ir.VectorType(ir.IntType(32), 16)), CODES)
            column = builder.add(tile, builder.shl(index, WORD(7)))
            results = []
            for lanes, so_far in enumerate(worst):
                other = _load(builder, builder.add(column, WORD(BYTES * lanes)), CODES)
                apart = _call(builder, "llvm.abs.v32i16", CODES, builder.sub(one, other), ir.IntType(1)(0))
                results.append(_call(builder, "llvm.umax.v32i16", CODES, so_far, apart))
            return results, None

        none = ir.Constant(CODES, [0] * 32)
        for lanes, worst in enumerate(_loop(builder, columns, 1, [none, none], widen)):
            _store(builder, worst, builder.add(out, WORD(BYTES * lanes)))
        return _context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp), generate


@intrinsic
def distance(_typing: Any, a: Any, b: Any, width: Any) -> Any:
    """Return max |a - b| over `width` float64 values, a multiple of 8. None of them may be NaN."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        a, b, width = arguments

        def widen(index: Any, worst: Any) -> Any:
            at = builder.shl(index, WORD(3))
            one, other = (_load(builder, builder.add(row, at), REALS) for row in (a, b))
            apart = _call(builder, "llvm.fabs.v8f64", REALS, builder.fsub(one, other))
            return (builder.select(builder.fcmp_ordered(">", apart, worst), apart, worst),), None

        (worst,) = _loop(builder, width, 8, [ir.Constant(REALS, [0.0] * 8)], widen)
        return _call(builder, "llvm.vector.reduce.fmax.v8f64", ir.DoubleType(), worst)

    return types.float64(types.intp, types.intp, types.intp), generate


@intrinsic
def below(_typing: Any, codes: Any, value: Any) -> Any:
    """Return the mask of those of 32 uint16 codes that are less than `value` (at most 65535)."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        codes, value = arguments
        edge = _splat(builder, builder.trunc(value, ir.IntType(16)), CODES)
        less = builder.icmp_unsigned("<", _load(builder, codes, CODES), edge)
        return builder.zext(builder.bitcast(less, ir.IntType(32)), WORD)

    return types.intp(types.intp, types.intp), generate


@intrinsic
def below_each(_typing: Any, codes: Any, edges: Any) -> Any:
    """Return the mask of those of 32 uint16 codes that are less than the edge in their own lane."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        codes, edges = (_load(builder, address, CODES) for address in arguments)
        less = builder.icmp_unsigned("<", codes, edges)
        return builder.zext(builder.bitcast(less, ir.IntType(32)), WORD)

    return types.intp(types.intp, types.intp), generate


@intrinsic
def tally(_typing: Any, codes: Any, sure: Any, far: Any, counts: Any) -> Any:
    """Add 1 to those of 32 uint16 counts whose code is less than its edge `sure`.

    Returns the mask of those whose code is not, but is less than its edge `far`.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        codes, sure, far, so_far = (_load(builder, address, CODES) for address in arguments)
        inside = builder.icmp_unsigned("<", codes, sure)
        _store(builder, builder.sub(so_far, builder.sext(inside, CODES)), arguments[3])
        unsure = builder.and_(builder.icmp_unsigned("<", codes, far), builder.not_(inside))
        return builder.zext(builder.bitcast(unsure, ir.IntType(32)), WORD)

    return types.intp(types.intp, types.intp, types.intp, types.intp), generate


@intrinsic
def rate_edges(_typing: Any, codes: Any, bulk: Any, reach: Any, scores: Any, width: Any) -> Any:
    """Score what the edges codes - reach and codes + reach would reject: how far inside the bulk each lies.

    For every 32 columns `bulk` holds 32 low ends, 32 high ends and 32 gains; `scores` receives the 32 scores
    (at most 255) of the lower edges, then those of the upper edges. Returns the highest score.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        codes, bulk, reach, scores, width = arguments
        apart = _splat(builder, builder.trunc(reach, ir.IntType(16)), CODES)
        shift, cap = ir.Constant(WIDE, [16] * 32), ir.Constant(CODES, [255] * 32)

        def rate(index: Any, best: Any) -> Any:
            code = _load(builder, builder.add(codes, builder.shl(index, WORD(1))), CODES)
            ends = builder.add(bulk, builder.mul(index, WORD(6)))
            low, high, gain = (_load(builder, builder.add(ends, WORD(BYTES * i)), CODES) for i in range(3))
            gain = builder.zext(gain, WIDE)
            lower = _call(builder, "llvm.usub.sat.v32i16", CODES, code, apart)
            upper = _call(builder, "llvm.uadd.sat.v32i16", CODES, code, apart)
            for side, (more, less) in enumerate(((lower, low), (high, upper))):
                inside = _call(builder, "llvm.usub.sat.v32i16", CODES, more, less)
                product = builder.lshr(builder.mul(builder.zext(inside, WIDE), gain), shift)
                score = _call(builder, "llvm.umin.v32i16", CODES, builder.trunc(product, CODES), cap)
                where = builder.add(builder.shl(index, WORD(2)), WORD(BYTES * side))
                _store(builder, score, builder.add(scores, where))
                best = _call(builder, "llvm.umax.v32i16", CODES, best, score)
            return (best,), None

        (best,) = _loop(builder, width, 32, [ir.Constant(CODES, [0] * 32)], rate)
        return builder.zext(_call(builder, "llvm.vector.reduce.umax.v32i16", ir.IntType(16), best), WORD)

    return types.intp(*[types.intp] * 5), generate


@intrinsic
def lowest_bit(_typing: Any, word: Any) -> Any:
    """Return the place of the lowest set bit of a word that has one."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.intp(types.uint64), generate


@intrinsic
def set_bits(_typing: Any, word: Any) -> Any:
    """Return the number of set bits of a word."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.intp(types.intp), generate
