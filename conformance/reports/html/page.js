// Filters contracts, copies commands, opens what an address names. The page is whole without it.
"use strict";
(() => {
  const contracts = [...document.querySelectorAll("details.contract")];
  const sections = [...document.querySelectorAll("main > section")];
  const filters = document.querySelector("form.filters");
  const fields = filters.elements;

  const isShown = (contract, wanted) =>
    wanted.verdicts.has(contract.dataset.verdict) &&
    (!wanted.group || contract.dataset.group === wanted.group) &&
    (!wanted.level || contract.dataset.level === wanted.level) &&
    (!wanted.differs || contract.dataset.differs !== undefined) &&
    wanted.words.every((word) => contract.dataset.text.includes(word));

  const filter = () => {
    const wanted = {
      verdicts: new Set([...filters.querySelectorAll("[name=verdict]:checked")].map((box) => box.value)),
      group: fields.group.value,
      level: fields.level.value,
      differs: fields.differs?.checked,
      words: fields.text.value.toLowerCase().split(/\s+/).filter(Boolean),
    };
    let shown = 0;
    for (const contract of contracts) {
      contract.hidden = !isShown(contract, wanted);
      shown += !contract.hidden;
    }
    for (const section of sections) {
      const members = [...section.querySelectorAll("details.contract")];
      section.hidden = members.length > 0 && members.every((member) => member.hidden);
    }
    filters.querySelector("output").value = `${shown} of ${contracts.length} shown`;
  };

  const openNamed = () => {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (named?.matches("details.contract")) {
      if (named.hidden) filters.reset();
      named.open = true;
      named.scrollIntoView();
    }
  };

  filters.hidden = false;
  filters.addEventListener("input", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  // The fields have their first values again only after the event.
  filters.addEventListener("reset", () => queueMicrotask(filter));

  for (const button of document.querySelectorAll("[data-choose]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      fields[button.dataset.choose].value = button.dataset.value;
      filter();
      filters.scrollIntoView();
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(button.previousElementSibling);
        button.textContent = "Selected";
      }
    });
  }
  addEventListener("hashchange", openNamed);
  filter();
  openNamed();
})();
