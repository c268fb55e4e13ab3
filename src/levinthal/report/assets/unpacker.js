"use strict";
// The page's large parts are gzip in base64. Inflating them here, not by DecompressionStream, works in every
// browser, and is done before the page counts as loaded: who prints it or takes a picture of it sees the figures.
const unpacked = (() => {
  const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const bases = (first, extras) => extras.map((_, i) => extras.slice(0, i).reduce((sum, n) => sum + (1 << n), first));
  const steps = (count, per) => Array.from({ length: count }, (_, i) => Math.max(0, Math.floor(i / per) - 1));
  const LENGTH_BITS = [...steps(28, 4), 0], DISTANCE_BITS = steps(30, 2);
  const LENGTHS = [...bases(3, LENGTH_BITS.slice(0, 28)), 258], DISTANCES = bases(1, DISTANCE_BITS);
  const damaged = () => { throw new Error("the page is damaged: a packed part does not unpack"); };
  const repeated = (value, count) => Array(count).fill(value);

  // Canonical Huffman code as a table: the next bits -> symbol and length of its code (RFC 1951, 3.2.2).
  const tree = lengths => {
    const most = Math.max(1, ...lengths), table = new Uint16Array(1 << most);
    for (let length = 1, code = 0; length <= most; length++, code <<= 1)
      lengths.forEach((own, symbol) => {
        if (own !== length) return;
        let turned = 0;
        for (let bit = 0; bit < length; bit++) turned |= (code >> bit & 1) << (length - 1 - bit);
        for (; turned < table.length; turned += 1 << length) table[turned] = symbol << 4 | length;
        code++;
      });
    return { most, table };
  };
  const FIXED = [
    tree([...repeated(8, 144), ...repeated(9, 112), ...repeated(7, 24), ...repeated(8, 8)]), tree(repeated(5, 30)),
  ];

  const reader = input => {
    let at = 10, bits = 0, held = 0; // a gzip header without a name has 10 bytes
    const fill = count => {
      for (; held < count; held += 8) {
        if (at >= input.length) damaged();
        bits |= input[at++] << held;
      }
    };
    const drop = count => { bits >>>= count; held -= count; };
    const take = count => { fill(count); const value = bits & (1 << count) - 1; drop(count); return value; };
    const symbol = ({ most, table }) => {
      fill(most);
      const entry = table[bits & (1 << most) - 1];
      drop(entry & 15);
      return entry >> 4;
    };
    const stored = () => {
      at -= held >> 3; bits = held = 0;
      const start = at + 4, count = input[at] | input[at + 1] << 8;
      at = start + count;
      return input.subarray(start, at);
    };
    return { take, symbol, stored };
  };

  const trees = ({ take, symbol }) => {
    const literals = take(5) + 257, distances = take(5) + 1, codes = take(4) + 4, short = repeated(0, 19), lengths = [];
    for (let i = 0; i < codes; i++) short[ORDER[i]] = take(3);
    const code = tree(short);
    while (lengths.length < literals + distances) {
      const next = symbol(code);
      if (next < 16) lengths.push(next);
      else if (next === 16) lengths.push(...repeated(lengths[lengths.length - 1], 3 + take(2)));
      else lengths.push(...repeated(0, next === 17 ? 3 + take(3) : 11 + take(7)));
    }
    return [tree(lengths.slice(0, literals)), tree(lengths.slice(literals))];
  };

  const inflated = input => {
    const size = new DataView(input.buffer).getUint32(input.length - 4, true), out = new Uint8Array(size);
    const source = reader(input);
    const { take, symbol } = source;
    let end = 0, last = 0;
    while (!last) {
      last = take(1);
      const kind = take(2);
      if (kind === 0) {
        const part = source.stored();
        out.set(part, end);
        end += part.length;
        continue;
      }
      const [literal, distance] = kind === 1 ? FIXED : trees(source);
      for (let next = symbol(literal); next !== 256; next = symbol(literal)) {
        if (end === size) damaged();
        if (next < 256) { out[end++] = next; continue; }
        const stop = end + LENGTHS[next - 257] + take(LENGTH_BITS[next - 257]), far = symbol(distance);
        const back = DISTANCES[far] + take(DISTANCE_BITS[far]);
        if (!(back <= end && stop <= size)) damaged();
        for (; end < stop; end++) out[end] = out[end - back];
      }
    }
    if (end !== size) damaged();
    return out;
  };

  return id => {
    const text = atob(document.getElementById(id).textContent), packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    return new TextDecoder().decode(inflated(packed));
  };
})();
