// The gallery's filters by chapter and by verdict, and figures that open at full size. No request, no library.
(() => {
  const cards = [...document.querySelectorAll(".gallery .study")];
  const chosen = { chapter: "", outcome: "" };
  const badges = { // the verdicts in their order
    "replicates": "●", "partially": "◐", "weaker-than-claimed": "▽", "does-not-replicate": "✕", "inconclusive": "○",
    "reported": "–",
  };
  const rank = (value) => Object.keys(badges).indexOf(value);
  const shown = document.createElement("p");

  const has = (card, kind) => !chosen[kind] || card.classList.contains(`${kind}-${chosen[kind]}`);

  const show = () => {
    for (const card of cards) card.hidden = !(has(card, "chapter") && has(card, "outcome"));
    shown.textContent = `${cards.filter((card) => !card.hidden).length} of ${cards.length} pages`;
  };

  const button = (kind, value, row) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = `${badges[value] ?? ""} ${value.replaceAll("-", " ") || "all"}`.trim();
    made.setAttribute("aria-pressed", String(!value));
    made.onclick = () => {
      chosen[kind] = value;
      for (const other of row.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === made));
      show();
    };
    return made;
  };

  const filter = (kind, label) => {
    const values = cards.flatMap((card) => [...card.classList])
      .filter((name) => name.startsWith(`${kind}-`)).map((name) => name.slice(kind.length + 1));
    const row = document.createElement("div");
    row.className = "filters";
    row.append(Object.assign(document.createElement("span"), { textContent: label }));
    const sorted = [...new Set(values)].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
    for (const value of ["", ...sorted]) row.append(button(kind, value, row));
    return row;
  };

  if (cards.length) {
    shown.className = "shown";
    shown.setAttribute("role", "status");
    document.querySelector(".gallery").before(filter("chapter", "chapter"), filter("outcome", "verdict"), shown);
    show();
  }

  for (const image of document.querySelectorAll("article p > img")) {
    const link = Object.assign(document.createElement("a"), { href: image.src, title: "open at full size" });
    image.replaceWith(link);
    link.append(image);
  }
})();
