"use strict";
const levinthal = (() => {
  const colour = (palette, name, alpha) => {
    const hex = palette[name];
    if (hex === undefined) throw new Error(`no colour '${name}'`);
    if (!alpha) return hex;
    const [r, g, b] = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
    return `rgba(${r},${g},${b},${alpha})`;
  };

  // Figures name their colours; the theme at hand says what they are.
  const dyed = (value, palette) => {
    if (typeof value === "string")
      return value.includes("token:")
        ? value.replace(/token:([a-z0-9-]+)(?:\/([\d.]+))?/g, (_, name, alpha) => colour(palette, name, alpha))
        : value;
    if (Array.isArray(value)) return value.map(one => dyed(one, palette));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, dyed(one, palette)]));
    return value;
  };

  const fitting = (layouts, width) => {
    const widths = Object.keys(layouts).map(Number).sort((a, b) => b - a);
    return layouts[widths.find(one => one <= width) ?? widths[widths.length - 1]];
  };

  const painted = (drawing, width, palette) => ({
    data: dyed(drawing.data, palette),
    layout: { ...dyed(fitting(drawing.layouts, width), palette), width },
  });

  // A saved figure is for paper: light, at its full width.
  const saved = (drawing, palette) => {
    const { data, layout } = painted(drawing, 1040, palette);
    layout.paper_bgcolor = palette.paper;
    const options = { format: "svg", width: layout.width, height: layout.height, imageDataOnly: true };
    return Plotly.toImage({ data, layout }, options);
  };

  return { painted, saved };
})();
