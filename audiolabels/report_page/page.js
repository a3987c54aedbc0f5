"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const element = (name, text, classes) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (classes) made.className = classes;
  return made;
};
const add = (parent, ...children) => { parent.append(...children); return parent; };
const option = (value, text) => { const made = element("option", text ?? value); made.value = value; return made; };
const percent = x => x === null ? "–" : (100 * x).toFixed(x < 0.1 ? 2 : 1) + "%";
const SHARES = new Set(["prior", "unknown"]);
const shown = (name, x) => x === null || x === undefined ? "–" : SHARES.has(name) ? percent(x)
  : Number.isInteger(x) ? x.toLocaleString("en") : x.toFixed(3);

// About
document.title = data.title + " · audiolabels";
$("title").textContent = data.title;
for (const [name, value] of data.facts) add($("facts"), element("dt", name), element("dd", value));
const sum = name => data.columns[name].reduce((a, b) => a + b, 0);
const counts = [data.rows.toLocaleString("en") + " " + data.row];
for (const name of ["given", "positive"]) if (data.columns[name])
  counts.push((sum(name) / Math.max(1, data.rows)).toFixed(2) + " classes " + name + " in each");
counts.push(percent(sum("unknown") / data.names.length) + " of all targets unknown");
$("counts").textContent = counts.join(" · ");

// Columns, with what follows from them
const columns = {...data.columns};
if (columns.given) columns.gain = columns.positive.map((n, i) => n - columns.given[i]);
const names = Object.keys(columns);

// Table
const order = {by: "positive", down: true};
const head = add(document.createElement("tr"));
for (const name of ["class", ...names]) {
  const button = element("button", name);
  button.type = "button";
  button.addEventListener("click", () => {
    order.down = order.by === name ? !order.down : name !== "class";
    order.by = name;
    fill();
  });
  const cell = add(element("th"), button);
  cell.scope = "col";
  cell.dataset.name = name;
  add(head, cell);
}
add($("table").tHead, head);
const lower = data.names.map(name => name.toLowerCase());
function fill() {
  const wanted = $("search").value.trim().toLowerCase();
  const value = i => order.by === "class" ? lower[i] : columns[order.by][i] ?? -Infinity;
  const rows = data.names.map((_, i) => i).filter(i => lower[i].includes(wanted) || data.ids[i].includes(wanted));
  const sign = order.down ? -1 : 1;
  rows.sort((a, b) => value(a) < value(b) ? -sign : value(a) > value(b) ? sign : a - b);
  const lines = rows.map(i => {
    const button = element("button", data.names[i]);
    button.type = "button";
    button.addEventListener("click", () => { choose(i); $("clips").scrollIntoView(); });
    const line = add(element("tr"), add(element("td"), button));
    for (const name of names) add(line, element("td", shown(name, columns[name][i])));
    return line;
  });
  $("table").tBodies[0].replaceChildren(...lines);
  $("shown").textContent = rows.length + " of " + data.names.length + " classes";
  for (const cell of head.cells) {
    if (cell.dataset.name === order.by) cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  }
}
$("search").addEventListener("input", fill);

// Clips
const sorted = data.names.map((_, i) => i).sort((a, b) => lower[a] < lower[b] ? -1 : 1);
add($("class"), ...sorted.map(i => option(i, data.names[i])));
add($("state"), ...Object.keys(data.examples).map(name => option(name)));
function play(clip) {
  if (clip.player) {
    const player = element("audio");
    player.controls = true;
    player.preload = "none";
    player.src = clip.player;
    return [player];
  }
  if (!clip.link) return [];
  const link = element("a", "listen");
  link.href = clip.link;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return [" ", link];
}
function describe(clip) {
  const parts = [element("strong", clip.id + (clip.onset === undefined ? "" : " at " + clip.onset + " s")), ...play(clip)];
  for (const state of ["given", "implied", "positive", "unknown"]) if (clip[state]) {
    const own = clip[state].map(i => data.names[i]);
    const text = own.slice(0, 12).join(" · ") + (own.length > 12 ? " and " + (own.length - 12) + " more" : "");
    parts.push(element("br"), state + ": ", element("span", text, state));
  }
  return parts;
}
function sample() {
  const found = data.examples[$("state").value][$("class").value];
  const items = found.map(i => add(element("li"), ...describe(data.clips[i])));
  $("examples").replaceChildren(...(items.length ? items : [element("li", "no such clip")]));
}
function choose(i) { $("class").value = i; sample(); }
$("class").addEventListener("change", sample);
$("state").addEventListener("change", sample);

// Findings
if (!data.findings.length) $("found").textContent = "Nothing was left out.";
for (const one of data.findings) {
  const text = one.count.toLocaleString("en") + " × " + one.kind + " (" + one.fate + "): " + one.reason;
  const list = element("ul");
  for (const example of one.examples) add(list, element("li", example));
  add($("found"), add(element("details"), element("summary", text), list));
}

// Comparison
function table(head, rows) {
  const made = element("table"), top = element("tr");
  for (const text of head) add(top, element("th", text));
  add(made.createTHead(), top);
  const body = made.createTBody();
  for (const row of rows) {
    const line = element("tr");
    for (const cell of row) add(line, element("td", cell));
    add(body, line);
  }
  return add(element("div", undefined, "wide"), made);
}
const show = id => { $(id).hidden = false; document.querySelector('nav a[href="#' + id + '"]').hidden = false; };
if (data.comparison) {
  const found = data.comparison, whole = x => x.toLocaleString("en");
  show("comparison");
  add($("compared"), element("p", "A: " + found.a + " · B: " + found.b + " · " + whole(found.clips) + " clips in both"),
    table(["pairs (clip, class)", "classes", "in A", "in B", "in both", "of A's", "of B's"],
      found.overlaps.map(([scope, ...rest]) => [scope, ...rest.slice(0, 4).map(whole), ...rest.slice(4).map(percent)])),
    element("h3", "Classes whose share changed most"),
    table(["class", "in A", "in B", "B / A"],
      found.priors.map(([name, a, b]) => [name, percent(a), percent(b), (b / a).toFixed(2)])));
}

// Review
const VERDICTS = {p: "present", a: "absent", u: "unsure", s: "skip"};
if (data.audit && data.audit.length) {
  show("review");
  const store = "audiolabels verdicts " + data.title;
  let verdicts = {}, place = 0;
  try { verdicts = JSON.parse(localStorage.getItem(store)) || {}; } catch { /* no storage: kept until the page is closed */ }
  const key = one => one.clip_id + "\t" + one.id;
  add($("kind"), option("", "all"), ...[...new Set(data.audit.map(one => one.kind))].map(kind => option(kind)));
  const list = () => data.audit.filter(one => !$("kind").value || one.kind === $("kind").value);
  function draw() {
    const all = list(), one = all[place = Math.max(0, Math.min(place, all.length - 1))];
    const done = all.filter(each => verdicts[key(each)]).length;
    $("progress").textContent = (place + 1) + " of " + all.length + ", " + done + " judged";
    const buttons = element("div", undefined, "verdicts");
    for (const [letter, verdict] of Object.entries(VERDICTS)) {
      const button = element("button", verdict + " (" + letter.toUpperCase() + ")");
      button.type = "button";
      if (verdicts[key(one)] === verdict) button.className = "chosen";
      button.addEventListener("click", () => judge(verdict));
      add(buttons, button);
    }
    $("suspicion").replaceChildren(element("h3", one.name + ": " + one.kind), element("p", one.evidence),
      add(element("p"), ...describe(data.clips[one.clip])), buttons);
  }
  function judge(verdict) {
    verdicts[key(list()[place])] = verdict;
    try { localStorage.setItem(store, JSON.stringify(verdicts)); } catch { /* as above */ }
    place += 1;
    draw();
  }
  $("kind").addEventListener("change", () => { place = 0; draw(); });
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const letter = event.key.toLowerCase();
    if (VERDICTS[letter]) judge(VERDICTS[letter]);
    else if (letter === "j" || letter === "k") { place += letter === "j" ? 1 : -1; draw(); }
  });
  $("download").addEventListener("click", () => {
    const quote = text => /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
    const lines = ["clip_id,id,verdict"];
    for (const one of data.audit) if (verdicts[key(one)])
      lines.push([one.clip_id, one.id, verdicts[key(one)]].map(quote).join(","));
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], {type: "text/csv"}));
    link.download = "verdicts.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  draw();
}

// Ontology
const LOGARITHMIC = new Set(["given", "positive", "gain", "found"]);
add($("colour"), ...names.map(name => option(name)));
$("colour").value = "positive";
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}
function drawTree() {
  const name = $("colour").value, values = columns[name];
  const raw = data.nodes.map(([, , column]) => column < 0 ? null : values[column]);
  const colour = raw.map(x => x === null ? null : LOGARITHMIC.has(name) ? Math.log10(1 + Math.max(0, x)) : x);
  // Classes without a number have the colour of the highest class below.
  for (const [i, [, parent]] of [...data.nodes.entries()].reverse())
    if (parent >= 0 && colour[i] !== null && raw[parent] === null) colour[parent] = Math.max(colour[parent] ?? -Infinity, colour[i]);
  const known = colour.filter(x => x !== null);
  const ticks = LOGARITHMIC.has(name) ? [0, 1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7].filter(x => Math.log10(1 + x) <= Math.max(...known, 0) + 0.3) : null;
  const trace = {
    type: $("shape").value, ids: data.nodes.map((_, i) => String(i)), labels: data.nodes.map(([label]) => label.replace(/[<>&]/g, c => ({"<": "‹", ">": "›", "&": "＆"})[c])),
    parents: data.nodes.map(([, parent]) => parent < 0 ? "" : String(parent)), count: "leaves",
    text: raw.map(x => shown(name, x)), hovertemplate: "%{label}<br>" + name + " %{text}<extra></extra>", textinfo: "label+text",
    marker: {colors: colour, colorscale: "Cividis", showscale: true, cmin: Math.min(0, ...known), cmax: Math.max(...known, 1e-9),
      colorbar: {thickness: 12, title: {text: name}, ...(ticks ? {tickvals: ticks.map(x => Math.log10(1 + x)), ticktext: ticks.map(x => x.toLocaleString("en"))} : {})}},
    root: {color: "#8883"}, maxdepth: 3, tiling: {orientation: "h"},
  };
  if (trace.type === "sunburst") delete trace.tiling;
  const ink = getComputedStyle(document.body).color;
  return Plotly.react("tree", [trace], {margin: {l: 0, r: 0, t: 8, b: 8}, paper_bgcolor: "transparent", font: {color: ink}}, {responsive: true, displayModeBar: false});
}
unpack($("plotly").textContent).then(code => {
  const script = document.createElement("script");
  script.textContent = code;
  document.head.append(script);
  return drawTree();
}).then(tree => {
  const clicked = event => { const column = data.nodes[Number(event.points[0].id)][2]; if (column >= 0) choose(column); };
  tree.on("plotly_icicleclick", clicked);
  tree.on("plotly_sunburstclick", clicked);
  $("colour").addEventListener("change", drawTree);
  $("shape").addEventListener("change", drawTree);
  document.body.dataset.ready = "true";
});

fill();
choose(sorted[0]);
})();
