"use strict";
(() => {
  const { painted, saved } = levinthal;
  const root = document.documentElement;
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const palettes = read("palettes"), drawings = JSON.parse(unpacked("drawings"));
  const system = matchMedia("(prefers-color-scheme: dark)");
  const plots = [...document.querySelectorAll(".plot")];
  const still = { displayModeBar: false, responsive: false, showTips: false };
  let printing = false;

  const theme = () => printing ? "light" : root.dataset.theme || (system.matches ? "dark" : "light");

  const visible = trace => trace.y.some((y, i) => y !== null && trace.x[i] !== null);

  const paint = async box => {
    const width = printing ? 690 : Math.floor(box.clientWidth);
    const drawing = drawings[box.dataset.figure];
    const { data, layout } = painted(drawing, width, palettes[theme()]);
    await Plotly.react(box, data, layout, still);
    const traces = [...box.querySelectorAll("g.trace")];
    box.dataset.width = width;
    box.dataset.expected = data.filter(visible).length;
    box.dataset.drawn = traces.filter(trace => trace.querySelector("path[d]:not([d=''])")).length;
  };

  const paintAll = async () => {
    for (const box of plots) await paint(box);
    root.dataset.resources = performance.getEntriesByType("resource").length;
    root.dataset.painted = theme();
  };

  const save = (name, blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const saveFigure = async id =>
    save(`${id}.svg`, new Blob([await saved(drawings[id], palettes.light)], { type: "image/svg+xml" }));

  const saveRows = name => save(name.replace(/\.gz$/, ""), new Blob([unpacked("rows")], { type: "text/csv" }));

  // The policy of the page allows scripts inside it, and no other: plotly's is unpacked into it.
  const start = () => {
    if (!plots.length) return;
    const script = document.createElement("script");
    script.textContent = unpacked("plotly");
    document.head.append(script);
  };

  const button = document.getElementById("theme");
  const name = () => root.dataset.theme || "auto";
  const label = () => {
    button.querySelector("span").textContent = name();
    button.setAttribute("aria-label", `Theme: ${name() === "auto" ? "as the system" : name()}`);
  };
  button.addEventListener("click", () => {
    const next = { auto: "light", light: "dark", dark: "" }[name()];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    label();
    paintAll();
  });
  document.querySelectorAll("[data-save]").forEach(one =>
    one.addEventListener("click", () => saveFigure(one.dataset.save)));
  document.getElementById("csv")?.addEventListener("click", event => saveRows(event.target.dataset.name));

  system.addEventListener("change", paintAll);
  const resized = new ResizeObserver(entries => entries.forEach(({ target }) => {
    if (target.dataset.width && !printing && Math.floor(target.clientWidth) !== +target.dataset.width) paint(target);
  }));
  plots.forEach(box => resized.observe(box));
  addEventListener("beforeprint", () => { printing = true; paintAll(); });
  addEventListener("afterprint", () => { printing = false; paintAll(); });
  label();
  start();
  paintAll();
})();
