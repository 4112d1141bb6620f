// The page's script: tabs, filters, and the details of an operation. The page names its hash, so no other one runs.
#include "report/html_parts.h"

namespace assay::report::html {

std::string_view script() {
  return R"js("use strict";
(() => {
const all = (what, root = document) => [...root.querySelectorAll(what)];
const make = (name, text, kind) => {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (kind) e.className = kind;
  return e;
};
document.documentElement.classList.add("js");

for (const list of all("[role=tablist]")) {
  const tabs = all("[role=tab]", list);
  const show = (tab, focus) => {
    for (const t of tabs) {
      t.setAttribute("aria-selected", t === tab);
      t.tabIndex = t === tab ? 0 : -1;
      document.getElementById(t.getAttribute("aria-controls")).hidden = t !== tab;
    }
    if (focus) tab.focus();
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", e => {
      const to = {ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1}[e.key];
      if (to === undefined) return;
      e.preventDefault();
      show(tabs[(to + tabs.length) % tabs.length], true);
    });
  });
  if (tabs.length) show(tabs[0]);
}

for (const box of all(".filters[data-of]")) {
  const root = box.closest(".ops") || box.closest("[role=tabpanel]");
  const rows = all("." + box.dataset.of + " tbody tr", root);
  const said = box.querySelector("output");
  const filter = () => {
    const text = box.querySelector("[data-text]").value.toLowerCase();
    const wanted = all("select[data-key]", box).filter(s => s.value);
    let shown = 0;
    for (const row of rows) {
      const keep = row.textContent.toLowerCase().includes(text) && wanted.every(s => row.dataset[s.dataset.key] === s.value);
      row.hidden = !keep;
      shown += keep;
    }
    said.textContent = shown + " of " + rows.length;
  };
  box.addEventListener("input", filter);
  filter();
}

for (const which of all("select.which")) {
  const blocks = all(".ops", which.closest("[role=tabpanel]"));
  const choose = () => blocks.forEach((block, i) => block.hidden = i !== which.selectedIndex);
  which.addEventListener("change", choose);
  choose();
}

const svgOf = name => document.createElementNS("http://www.w3.org/2000/svg", name);
const histogram = ([title, exact, bins]) => {
  const figure = make("figure");
  figure.append(make("figcaption", title + " error of samples, dB" + (exact ? "; " + exact + " without any" : "")));
  if (!bins.length) return figure;
  const low = bins[0][0], high = bins[bins.length - 1][0], most = Math.max(...bins.map(b => b[1]));
  const each = Math.min(14, 240 / (high - low + 1)), svg = svgOf("svg");
  svg.setAttribute("viewBox", "0 0 250 60");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title + ": from " + low + " to " + high + " dB");
  for (const [at, n] of bins) {
    const bar = svgOf("rect"), h = Math.max(2, 44 * Math.log2(1 + n) / Math.log2(1 + most)), tip = svgOf("title");
    bar.setAttribute("class", "bar");
    for (const [k, v] of [["x", (at - low) * each], ["y", 46 - h], ["width", Math.max(1, each - 1)], ["height", h]])
      bar.setAttribute(k, v);
    tip.textContent = at + " dB: " + n;
    bar.append(tip);
    svg.append(bar);
  }
  for (const [x, n, anchor] of [[0, low, "start"], [(high - low + 1) * each, high + 1, "end"]]) {
    const text = svgOf("text");
    text.setAttribute("x", Math.max(x, anchor === "end" ? 30 : 0));
    text.setAttribute("y", 58);
    text.setAttribute("text-anchor", anchor);
    text.textContent = n;
    svg.append(text);
  }
  figure.append(svg);
  return figure;
};

for (const block of all(".ops")) {
  const data = JSON.parse(block.querySelector("script").textContent), detail = block.querySelector(".detail");
  const nodes = all("g.n", block), by = block.querySelector("select.by");
  const show = i => {
    const op = data.ops[i], list = make("dl");
    data.labels.forEach((label, k) => list.append(make("dt", label), make("dd", op.v[k])));
    const charts = make("div", undefined, "charts");
    charts.append(...op.b.map(histogram));
    detail.replaceChildren(make("h4", op.t), list, charts);
    for (const n of nodes) n.classList.toggle("on", n.dataset.op === String(i));
  };
  const reach = (i, focus) => {
    nodes.forEach((n, k) => n.setAttribute("tabindex", k === i ? 0 : -1));
    if (focus) nodes[i].focus();
  };
  nodes.forEach((node, i) => {
    node.addEventListener("click", () => { reach(i); show(i); });
    node.addEventListener("keydown", e => {
      if (e.key === "Enter" || e.key === " ") { e.preventDefault(); show(i); return; }
      const to = {ArrowDown: i + 1, ArrowRight: i + 1, ArrowUp: i - 1, ArrowLeft: i - 1, Home: 0, End: nodes.length - 1}[e.key];
      if (to === undefined) return;
      e.preventDefault();
      reach(Math.max(0, Math.min(nodes.length - 1, to)), true);
    });
  });
  for (const button of all("button.op", block)) button.addEventListener("click", () => {
    const i = Number(button.dataset.op);
    if (nodes.length) reach(i);
    show(i);
    detail.scrollIntoView({block: "nearest"});
  });
  if (by) by.addEventListener("change", () => block.querySelector(".graph svg").dataset.by = by.value);
}
})();
)js";
}

}  // namespace assay::report::html
