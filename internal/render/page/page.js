"use strict";
(() => {
  const search = document.getElementById("search");
  const domain = document.getElementById("domain");
  const kinds = [...document.querySelectorAll("button[data-kind]")];
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const chunks = [...document.querySelectorAll(".chunk")].map((element) => ({
    element,
    rows: [...element.querySelectorAll("tbody tr")].map((row) => ({ row, kind: row.dataset.kind, domain: row.dataset.domain, text: "" })),
  }));
  const total = chunks.reduce((sum, chunk) => sum + chunk.rows.length, 0);

  const filter = () => {
    const words = search.value.toLocaleLowerCase().normalize("NFC").split(/\s+/).filter(Boolean);
    const wanted = kinds.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.kind);
    let shown = 0;
    for (const chunk of chunks) {
      let here = 0;
      for (const one of chunk.rows) {
        let fits = (wanted.length === 0 || wanted.includes(one.kind)) && (domain.value === "" || one.domain === domain.value);
        if (fits && words.length > 0) {
          one.text ||= one.row.textContent.toLocaleLowerCase().normalize("NFC");
          fits = words.every((word) => one.text.includes(word));
        }
        if (one.row.hidden === fits) one.row.hidden = !fits;
        if (fits) here++;
      }
      chunk.element.hidden = here === 0;
      shown += here;
    }
    count.textContent = shown === total ? `${total} shown` : `${shown} of ${total} shown`;
    none.hidden = shown > 0;
  };

  let due = 0;
  search.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(filter, 80);
  });
  domain.addEventListener("change", filter);
  for (const button of kinds) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !["INPUT", "SELECT"].includes(document.activeElement.tagName)) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") {
      search.value = "";
      domain.value = "";
      for (const button of kinds) button.setAttribute("aria-pressed", "false");
      filter();
    }
  });
  document.getElementById("filters").hidden = false;
  filter(); // a browser may have kept what was typed before
})();
