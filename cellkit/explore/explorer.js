/* Moves an explorer.  Its views come from the page itself, or are asked of a kernel through a text
   field that nobody sees ("live"); everything else is the same.  No library, no network. */
function cellkitExplorer(root, spec) {
  if (root.classList.contains("moving")) return;
  const make = (tag, attributes = {}, ...inside) => {
    const node = tag === "svg" || SVG.has(tag)
      ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...inside.filter(one => one != null));
    return node;
  };
  const SVG = new Set(["path", "line", "text", "circle", "rect", "g"]);
  const COLOURS = ["#0072B2", "#C1121F", "#00875F", "#AA4499", "#EB6B00", "#3A9BD9"];
  const DARK = ["#56B4E9", "#FF8A80", "#4DD0A5", "#E6A3DB", "#FFB066", "#9AD4F5"];
  const DASHES = ["", "7 4", "2 3", "9 3 2 3", "", "7 4"];
  const live = Boolean(spec.live), views = spec.views, files = spec.files;
  let controls = live ? spec.first.controls : spec.controls;
  let shown = null, asked = 0, waiting = false, ahead = false, playing = 0;
  let timer = 0, last = 0, zoom = {by: 1, x: 0, y: 0}, real = false, plain = false, dead = false;
  const of = name => controls.find(one => one.name === name);
  const main = () => of(spec.main), ways = () => spec.ways && of(spec.ways);
  const start = Object.fromEntries(controls.map(one => [one.name, one.at]));
  const keyAt = changed => controls.map(one => changed[one.name] ?? one.at).join(",");
  const offered = one => one.offered || one.steps.map((_, k) => k);

  // ---- the page --------------------------------------------------------------------------------
  const sentence = make("p", {class: "sentence", role: "status", "aria-live": "polite"});
  const alertBox = make("div", {class: "alert", role: "alert", hidden: true});
  const note = make("p", {class: "note"}), lead = make("p", {class: "lead"}, spec.lead);
  const slider = make("input", {type: "range", id: root.id + "-main", min: 0,
    oninput: () => set(spec.main, +slider.value)});
  const sliderName = make("label", {for: slider.id}), sliderSays = make("output", {for: slider.id});
  const ticks = make("div", {class: "ticks", "aria-hidden": "true"});
  const pictures = make("div", {class: "pictures"}), keys = make("div", {class: "keys"});
  const tiles = make("fieldset", {class: "tiles"}), curve = make("div", {class: "curve"});
  const numbers = make("div", {class: "scroll", tabindex: 0, role: "group",
    "aria-label": "All numbers"});
  const more = make("div", {class: "more"}), below = make("div", {class: "below"}, tiles, curve);
  const chooser = make("span");
  const button = (words, act, toggle) => make("button", {type: "button", onclick: act,
    "aria-pressed": toggle ? "false" : null}, words);
  const play = button("Play", () => playing ? stop() : run());
  const pixels = button("Show the real pixels", () => {
    real = !real; pixels.setAttribute("aria-pressed", real); put(); }, true);
  const bare = button("Hide the colours", () => {
    plain = !plain; bare.setAttribute("aria-pressed", plain); put(); }, true);
  const closer = button("Closer", () => zoomTo(zoom.by >= 8 ? 1 : zoom.by * 2));
  const link = button(live ? "Copy the line of code" : "Copy link to this view", copy);
  const copied = make("span", {role: "status"});
  const file = make("input", {type: "file", hidden: true, accept: "image/*,.tif,.tiff",
    onchange: () => { if (file.files[0]) upload(file.files[0]); file.value = ""; }});
  const yours = live && spec.own ? button("Your own picture", () => file.click()) : null;
  const app = make("div", {class: "app"}, make(`h${spec.level}`, {class: "title"}, spec.title || "Explorer"), lead, sentence,
    alertBox, make("div", {class: "main"}, sliderName, slider, sliderSays, ticks), pictures, keys,
    below, make("div", {class: "tools"}, chooser, button("Start again", () => {
      stop(); zoomTo(1); setAll(start); }), play, closer, pixels, bare, yours, link, copied, file), note,
    make("details", {}, make("summary", {}, "Numbers and other settings"), more, numbers));
  app.addEventListener("keydown", event => { // the notebook has keys of its own
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); });
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.append(app);
  root.classList.add("moving");
  const theme = () => {
    const [r, g, b] = (getComputedStyle(root).color.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
    const dark = r + g + b > 384;
    let under = root, back = "";
    while (under && /^(|transparent|rgba\(.*, 0\))$/.test(back = getComputedStyle(under).backgroundColor))
      under = under.parentElement;
    root.style.setProperty("--back", under ? back : "Canvas");
    if (dark !== root.classList.contains("dark") || !theme.known) {
      theme.known = true; root.classList.toggle("dark", dark); drawCurve(); }
  };
  const figures = [];
  const figure = k => {
    while (figures.length <= k) {
      const view = make("div", {class: "view", tabindex: 0, role: "group", onkeydown: zoomKey,
        "aria-label": "Picture; plus and minus zoom, arrow keys move",
        onclick: zoomHere, onpointerdown: grab});
      const one = {view, says: make("figcaption"), canvas: make("canvas", {"aria-hidden": "true"}),
        img: make("img", {alt: ""})};
      view.append(one.img, one.canvas);
      one.box = make("figure", {}, one.says, view);
      figures.push(one);
    }
    return figures[k];
  };

  // ---- pictures --------------------------------------------------------------------------------
  const address = one => typeof one === "number" ? files[one] : one;
  async function image(source) {
    const found = new Image(); found.src = source; await found.decode(); return found;
  }
  const scratch = make("canvas"), pencil = scratch.getContext("2d", {willReadFrequently: true});
  function bytes(img) { // the first channel
    scratch.width = img.naturalWidth; scratch.height = img.naturalHeight;
    pencil.drawImage(img, 0, 0);
    const all = pencil.getImageData(0, 0, scratch.width, scratch.height).data;
    const found = new Uint8Array(all.length / 4);
    for (let i = 0; i < found.length; i++) found[i] = all[4 * i];
    return found;
  }
  const decoded = new Map(); // one picture may be part of many views
  const opened = source => {
    if (!decoded.has(source)) {
      decoded.set(source, image(source));
      if (decoded.size > 400) decoded.delete(decoded.keys().next().value);
    }
    return decoded.get(source);
  };
  async function prepare(view) {
    if (view.ready) return view;
    view.coming ??= Promise.all(view.pictures.map(async one => {
      const img = await opened(address(one.src));
      const ready = {img, w: img.naturalWidth, h: img.naturalHeight};
      if (one.small !== undefined) ready.small = address(one.small);
      if (one.code !== undefined) {
        ready.code = bytes(await opened(address(one.code))).map(value => Math.round(value / 85));
        ready.grey = bytes(img);
      }
      return ready;
    })).then(all => { view.ready = all; return view; });
    return view.coming;
  }
  const rgba = (r, g, b) => (255 << 24 | b << 16 | g << 8 | r) >>> 0;
  const hex = colour => [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));
  const inks = [null, ...spec.marks].map(mark => {
    const colour = mark ? hex(mark.colour) : [127.5, 127.5, 127.5], shades = new Uint32Array(256);
    for (let g = 0; g < 256; g++) { // the texture makes the full colour lighter and darker
      const t = Math.max(-0.4, Math.min(0.4, 0.75 * (g / 255 - 0.5)));
      const by = mark ? 1 + t : 1 + 2 * t;
      shades[g] = rgba(...colour.map(value => Math.max(0, Math.min(255, value * by))));
    }
    return {shades, slope: mark ? mark.slope : 0,
      stripe: mark && mark.stripes ? rgba(...hex(mark.stripes)) : 0};
  });
  const dense = () => Math.min(devicePixelRatio || 1, 2);
  function paint(canvas, ready, by, left, top, keep) {
    const wide = Math.max(1, Math.round(canvas.clientWidth * dense()));
    const high = Math.max(1, Math.round(wide * ready.h / ready.w));
    if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
    const context = canvas.getContext("2d");
    if (!ready.code) {
      context.drawImage(ready.img, left, top, ready.w / by, ready.h / by, 0, 0, wide, high); return; }
    const data = keep ? painted(ready, wide, high, by, left, top)
      : outcomes(ready, wide, high, by, left, top);
    context.putImageData(data, 0, 0);
  }
  const kept = new Map(); // the large pictures of the steps around this one
  function painted(ready, ...how) {
    let data = kept.get(ready);
    if (!data || data.how !== how.join()) { data = outcomes(ready, ...how); data.how = how.join(); }
    kept.delete(ready); kept.set(ready, data);
    if (kept.size > 24) kept.delete(kept.keys().next().value);
    return data;
  }
  function outcomes(ready, wide, high, by, left, top) { // stripes are as wide as the screen asks
    const data = new ImageData(wide, high), out = new Uint32Array(data.data.buffer);
    const {code, grey, w, h} = ready, near = new Int32Array(wide), first = new Int32Array(wide);
    const part = new Float32Array(wide), period = Math.max(5, Math.round(7 * dense()));
    for (let x = 0; x < wide; x++) {
      const at = left + (x + 0.5) / wide * w / by; near[x] = Math.min(w - 1, at);
      const low = Math.max(0, Math.min(w - 2, Math.floor(at - 0.5))); first[x] = low;
      part[x] = Math.max(0, Math.min(1, at - 0.5 - low));
    }
    for (let y = 0, p = 0; y < high; y++) {
      const at = top + (y + 0.5) / high * h / by, row = Math.min(h - 1, Math.floor(at)) * w;
      const low = Math.max(0, Math.min(h - 2, Math.floor(at - 0.5)));
      const down = Math.max(0, Math.min(1, at - 0.5 - low)), a = low * w, b = h > 1 ? a + w : a;
      for (let x = 0; x < wide; x++, p++) {
        const ink = inks[code[row + near[x]]];
        if (ink.slope) {
          const line = (y - ink.slope * x) % period;
          if ((line < 0 ? line + period : line) < period / 3) { out[p] = ink.stripe; continue; }
        }
        const i = first[x], f = part[x];
        const upper = grey[a + i] * (1 - f) + grey[a + i + 1] * f;
        const lower = grey[b + i] * (1 - f) + grey[b + i + 1] * f;
        out[p] = ink.shades[(upper * (1 - down) + lower * down) | 0];
      }
    }
    return data;
  }

  // ---- what stands there -----------------------------------------------------------------------
  function strong(node, words) {
    node.replaceChildren(...words.split(/(\d+\/\d+|\d+(?:[.,]\d+)*(?: %)?)/).map((part, k) =>
      k % 2 ? make("b", {}, part) : part));
  }
  function put() { // the view that is there, at this zoom
    if (!shown || !shown.ready) return;
    const list = shown.pictures;
    pictures.style.setProperty("--count", innerWidth < 641 ? Math.min(2, list.length) : list.length);
    root.style.setProperty("--shape", `${shown.ready[0].w}/${shown.ready[0].h}`);
    list.forEach((one, k) => {
      const place = figure(k), ready = shown.ready[k];
      const [title, about] = [one.title.split(": ")[0], one.title.split(": ").slice(1).join(": ")];
      if (place.title !== one.title) {
        place.title = one.title;
        place.says.replaceChildren(title + " ", make("small", {}, about));
        place.says.title = one.title;
      }
      const small = real && ready.small, wanted = small || ready.img.src;
      if (place.source !== wanted) { place.img.src = wanted; place.source = wanted; }
      place.img.alt = `${one.title}, ${main().label} ${main().steps[main().at]}.` +
        (one.code !== undefined || !list.some(other => other.code !== undefined)
          ? " " + shown.words : "");
      place.img.style.transform = `translate(${-zoom.x / ready.w * zoom.by * 100}%,` +
        `${-zoom.y / ready.h * zoom.by * 100}%) scale(${zoom.by})`;
      place.img.style.imageRendering = small || zoom.by > 2 ? "pixelated" : "auto";
      if (!place.box.isConnected) pictures.append(place.box);
      place.canvas.hidden = !ready.code || plain;
      if (ready.code && !plain) paint(place.canvas, ready, zoom.by, zoom.x, zoom.y, true);
    });
    while (pictures.children.length > list.length) pictures.lastChild.remove();
    pixels.hidden = !shown.ready.some(one => one.small);
    bare.hidden = !shown.ready.some(one => one.code);
    drawTiles();
  }
  function number(view, name) {
    const row = view && view.numbers.find(one => one[0] === name); return row ? row[2] : null;
  }
  function words(view) {
    const first = views[keyAt({[spec.main]: offered(main())[0]})], name = spec.curve[0];
    const was = number(first, name), is = number(view, name);
    const falls = spec.span && first !== view && was !== null && is !== null
      ? ` ${name} was ${was.toFixed(2)} with all pixels.` : "";
    strong(sentence, view.words + falls);
  }
  function show(view, partial) {
    if (partial) { // the first pictures of what is asked: the others are old
      shown = {...shown, pictures: [...view.pictures, ...shown.pictures.slice(view.pictures.length)],
        ready: [...view.ready, ...shown.ready.slice(view.ready.length)]};
      put(); figures.forEach((one, k) => one.view.classList.toggle("old",
        partial === "passed" || k >= view.pictures.length));
      tell("preview"); return;
    }
    shown = view; fresh(); put(); words(view); curveSoon();
    lead.style.visibility = keyAt({}) === controls.map(one => start[one.name]).join(",") ||
      main().at === offered(main())[0] ? "visible" : "hidden";
    numbers.replaceChildren(make("table", {},
      make("thead", {}, make("tr", {}, ...view.numbers.map(one => make("th", {scope: "col"}, one[0])))),
      make("tbody", {}, make("tr", {}, ...view.numbers.map(one => make("td", {}, one[1]))))));
    const marked = view.pictures.some(one => one.code !== undefined);
    if (keys.what !== view.legend + marked) {
      keys.what = view.legend + marked;
      keys.replaceChildren(...(marked ? [2, 0, 1].map(k => make("span", {}, swatch(spec.marks[k]),
        spec.marks[k].words)) : []), view.legend, make("span", {class: "hint"},
        "Click a picture: closer, all at once. Drag to move."));
    }
    for (const box of more.children) box.hidden = view.idle.includes(box.dataset.name);
    tell("view");
  }
  const tell = detail => root.dispatchEvent(new CustomEvent("cellkit-shown", {detail}));
  function pass(view) { // older than its slider, and newer than what stands there
    shown = view; put(); figures.forEach(one => one.view.classList.add("old")); tell("passed");
  }
  function swatch(mark) {
    const lines = mark.slope ? [-16, -8, 0, 8, 16, 24, 32, 40].map(x => make("line", {x1: x, x2: x + 16,
      y1: mark.slope > 0 ? 0 : 16, y2: mark.slope > 0 ? 16 : 0, stroke: mark.stripes,
      "stroke-width": 2.5})) : [];
    return make("svg", {viewBox: "0 0 34 16", "aria-hidden": "true"},
      make("rect", {width: 34, height: 16, fill: mark.colour}), ...lines);
  }
  function stale() {
    if (shown) figures.forEach(one => one.view.classList.add("old"));
    clearTimeout(timer);
    timer = setTimeout(() => { root.setAttribute("aria-busy", "true");
      note.textContent = "Computing …"; }, 250);
  }
  function fresh() {
    clearTimeout(timer); root.removeAttribute("aria-busy");
    figures.forEach(one => one.view.classList.remove("old"));
    alertBox.hidden = true; note.textContent = parcel ? READING : spec.note || "";
    if (pictures.hidden) pictures.hidden = below.hidden = false;
  }

  // ---- controls --------------------------------------------------------------------------------
  function drawControls() {
    const one = main(), there = one.steps;
    slider.max = there.length - 1; slider.value = one.at;
    slider.setAttribute("aria-valuetext", there[one.at]);
    slider.style.setProperty("--done", `${100 * one.at / Math.max(1, there.length - 1)}%`);
    sliderName.textContent = spec.main === "M" ? "M, the resolution" : one.label;
    if (innerWidth < 641 && spec.main === "M") sliderName.textContent = "M";
    sliderSays.textContent = there[one.at];
    const every = Math.ceil(there.length / 10), what = there.join();
    if (ticks.what !== what) {
      ticks.what = what;
      ticks.replaceChildren(...there.map((words, k) => k % every ? null : make("span",
        {style: `left:${100 * k / Math.max(1, there.length - 1)}%`}, words)).filter(Boolean));
    }
    const others = controls.filter(one => ![spec.main, spec.ways].includes(one.name));
    const shape = JSON.stringify(others.map(one => [one.name, one.steps.length, one.label]));
    if (more.what !== shape) {
      more.what = shape; more.replaceChildren(); chooser.replaceChildren();
      for (const one of others) {
        if (offered(one).length < 2) continue;
        const box = field(one);
        box.dataset.name = one.name;
        (one.kind === "choice" && one.name !== "resampler" ? chooser : more).append(box);
      }
    }
    for (const box of [...more.children, ...chooser.children]) box.renew();
  }
  function field({name}) {
    const one = () => of(name), id = `${root.id}-${name}`;
    const label = make("label", {for: id}, one().label), says = make("output");
    let input;
    if (one().kind === "choice") {
      input = make("select", {id, onchange: () => set(name, +input.value)},
        ...offered(one()).map(k => make("option", {value: k}, one().steps[k])));
    } else if (one().kind === "switch") {
      input = make("input", {id, type: "checkbox", onchange: () => set(name, +input.checked)});
    } else {
      input = make("input", {id, type: "range", min: 0, oninput: () => set(name, +input.value)});
    }
    const box = make("div", {}, label, " ", ...(one().kind === "slider" ? [says, input] : [input]));
    box.renew = () => {
      const {at, steps, kind} = one();
      if (kind === "switch") input.checked = Boolean(at); else {
        if (kind === "slider") {
          input.max = steps.length - 1; says.textContent = steps[at];
          input.setAttribute("aria-valuetext", steps[at]);
          input.style.setProperty("--done", `${100 * at / Math.max(1, steps.length - 1)}%`);
        }
        input.value = at;
      }
    };
    return box;
  }
  const set = (name, at) => { if (of(name).at !== at) setAll({[name]: at}); };
  function setAll(wanted) {
    if (parcel) return drawControls(); // one thing after the other
    if (dead) return;
    for (const [name, at] of Object.entries(wanted)) of(name).at = at;
    drawControls();
    const view = views[keyAt({})];
    if (view && view.ready) show(view); else { stale(); if (view) arrive(view); }
    if (live) ask(); else note.textContent = "";
    if (!live && !playing) remember();
    soon();
  }
  async function arrive(view) {
    const here = keyAt({});
    await prepare(view);
    if (here === keyAt({}) && shown !== view) show(view);
    soon();
  }
  function run() {
    if (main().at === main().steps.length - 1) set(spec.main, 0);
    play.textContent = "Stop";
    playing = setInterval(() => {
      if (shown !== views[keyAt({})]) return; // the kernel is not as far
      if (main().at === main().steps.length - 1) stop(); else set(spec.main, main().at + 1);
    }, 900);
  }
  function stop() { clearInterval(playing); playing = 0; play.textContent = "Play"; }

  // ---- side by side, and the curve -------------------------------------------------------------
  const cells = [];
  function drawTiles() {
    const one = ways();
    tiles.hidden = !one || offered(one).length < 2;
    below.hidden = tiles.hidden && curve.hidden;
    below.classList.toggle("alone", tiles.hidden || curve.hidden);
    if (tiles.hidden) return;
    const what = one.steps.join();
    if (tiles.what !== what) {
      tiles.what = what; cells.length = 0;
      tiles.replaceChildren(make("legend", {}, "Side by side at this step"));
      one.steps.forEach((words, k) => {
        const input = make("input", {type: "radio", name: root.id + "-way",
          onchange: () => set(spec.ways, k)});
        const says = make("b"), canvas = make("canvas", {"aria-hidden": "true"});
        const box = make("label", {class: "tile"}, make("span", {class: "top"}, input,
          make("span", {}, words), says), canvas);
        cells.push({input, says, canvas, box}); tiles.append(box);
      });
    }
    cells.forEach(({input, says, canvas, box}, k) => {
      const view = views[keyAt({[one.name]: k})];
      input.checked = one.at === k; box.classList.toggle("on", one.at === k);
      const value = number(view, spec.curve[0]);
      says.textContent = value === null ? "" : value.toFixed(2);
      canvas.classList.toggle("old", !(view && view.ready));
      if (!view || !view.ready) { if (view && !live) prepare(view).then(() => drawSoon()); return; }
      const at = Math.max(0, view.pictures.findIndex(one => one.code !== undefined));
      if (canvas.view !== view || canvas.by !== zoom.by + zoom.x + zoom.y) {
        canvas.view = view; canvas.by = zoom.by + zoom.x + zoom.y;
        const {ready} = view; later(() => paint(canvas, ready[at], zoom.by, zoom.x, zoom.y));
      }
    });
  }
  let drawing = 0;
  const drawSoon = () => { drawing ||= requestAnimationFrame(() => { drawing = 0; drawTiles(); }); };
  const later = act => requestAnimationFrame(() => setTimeout(act, 0)); // the large picture first
  function curveSoon() { // once, after the picture stands there
    curveSoon.waits ||= (later(() => { curveSoon.waits = false; drawCurve(); }), true);
  }
  function drawCurve() {
    const at = offered(main()), way = ways(), dark = root.classList.contains("dark");
    const colours = dark ? DARK : COLOURS, lines = [];
    const values = (changed, name) => at.map(k => number(views[keyAt({...changed, [spec.main]: k})], name));
    if (way) way.steps.forEach((words, k) => lines.push({words: `${spec.curve[0]}, ${words}`, k,
      values: values({[way.name]: k}, spec.curve[0]), wide: k === way.at}));
    spec.curve.slice(way ? 1 : 0).forEach((name, k) => lines.push({words: way ?
      `${name}${name === "pixels left" ? "" : ", the chosen one"}` : name,
      k: (way ? way.steps.length : 0) + k, values: values({}, name), grey: name === "pixels left"}));
    const known = lines.flatMap(one => one.values).filter(one => one !== null);
    curve.hidden = known.length < 1 || !spec.curve.length;
    if (curve.hidden) return;
    let [low, high] = spec.span || [Math.min(0, ...known), Math.max(...known)];
    if (high === low) high = low + 1;
    const W = 460, H = 250, X = k => 44 + k / Math.max(1, at.length - 1) * (W - 64);
    const Y = value => H - 34 - (value - low) / (high - low) * (H - 54), now = at.indexOf(main().at);
    const svg = make("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", onpointerdown: drag,
      "aria-label": `Curve of ${spec.curve.join(", ")} against ${main().label}`});
    for (let k = 0; k <= 4; k++) {
      const value = low + (high - low) * k / 4;
      svg.append(make("line", {x1: 44, x2: W - 20, y1: Y(value), y2: Y(value), stroke: "currentColor",
        "stroke-opacity": 0.18}), make("text", {x: 38, y: Y(value) + 4, "text-anchor": "end"},
        high <= 1.01 ? String(+value.toFixed(2)) : String(Math.round(value))));
    }
    at.forEach((k, i) => i % Math.ceil(at.length / 9) || svg.append(make("text",
      {x: X(i), y: H - 12, "text-anchor": "middle"}, main().steps[k])));
    svg.append(make("line", {x1: X(now), x2: X(now), y1: 14, y2: H - 34, stroke: "currentColor",
      "stroke-dasharray": "3 3"}));
    const list = make("ul");
    for (const one of lines) {
      const colour = one.grey ? "currentColor" : colours[one.k % 6], dash = DASHES[one.k % 6];
      const style = {fill: "none", stroke: colour, "stroke-width": one.wide ? 4 : 2,
        "stroke-dasharray": one.grey ? "1 4" : dash};
      let path = "", down = false;
      one.values.forEach((value, i) => { if (value === null) { down = false; return; }
        path += `${down ? "L" : "M"}${X(i).toFixed(1)} ${Y(value).toFixed(1)}`; down = true; });
      svg.append(make("path", {d: path, ...style}));
      const here = one.values[now];
      if (here !== null && here !== undefined) svg.append(make("circle", {cx: X(now), cy: Y(here),
        r: one.wide ? 7 : 4, fill: colour}));
      list.append(make("li", {}, make("svg", {viewBox: "0 0 36 10", "aria-hidden": "true"},
        make("path", {d: "M0 5L36 5", ...style})), `${one.words}${here === null || here === undefined
          ? "" : `: ${here <= 1.01 && high <= 1.01 ? here.toFixed(2) : Math.round(here)}`}`));
    }
    const heading = curve.firstChild || make(`h${spec.level + 1}`, {class: "sub"}, "The whole curve");
    if (drag.down && curve.children[1]) { // keep what the finger holds
      const kept = curve.children[1]; kept.replaceChildren(...svg.childNodes);
      curve.replaceChildren(heading, kept, list);
    } else curve.replaceChildren(heading, svg, list);
  }
  function drag(event) {
    const svg = event.currentTarget;
    const move = one => { const box = svg.getBoundingClientRect(), at = offered(main());
      const k = ((one.clientX - box.left) / box.width * 460 - 44) / 396 * (at.length - 1);
      set(spec.main, at[Math.max(0, Math.min(at.length - 1, Math.round(k)))]); };
    drag.down = true; svg.setPointerCapture(event.pointerId); move(event);
    svg.onpointermove = move;
    svg.onpointerup = svg.onpointercancel = () => { drag.down = false; svg.onpointermove = null; };
  }

  // ---- closer ----------------------------------------------------------------------------------
  function zoomTo(by, x, y) {
    if (!shown) return;
    const {w, h} = shown.ready[0];
    x ??= zoom.x + w / zoom.by / 2; y ??= zoom.y + h / zoom.by / 2;
    const keep = (value, size) => Math.max(0, Math.min(size - size / by, value));
    zoom = {by, x: keep(x - w / by / 2, w), y: keep(y - h / by / 2, h)};
    root.classList.toggle("near", by > 1);
    closer.textContent = by >= 8 ? "Whole picture" : "Closer";
    put();
  }
  function zoomHere(event) {
    if (zoomHere.moved || !shown) return;
    const box = event.currentTarget.getBoundingClientRect(), {w, h} = shown.ready[0];
    zoomTo(zoom.by >= 8 ? 1 : zoom.by * 2, zoom.x + (event.clientX - box.left) / box.width * w / zoom.by,
      zoom.y + (event.clientY - box.top) / box.height * h / zoom.by);
  }
  function zoomKey(event) {
    const {w, h} = shown.ready[0], step = 0.2 / zoom.by, half = 0.5 / zoom.by;
    const by = (x, y) => zoomTo(zoom.by, zoom.x + w * (half + x * step), zoom.y + h * (half + y * step));
    const act = {"+": () => zoomTo(Math.min(8, zoom.by * 2)), "=": () => zoomTo(Math.min(8, zoom.by * 2)),
      "-": () => zoomTo(Math.max(1, zoom.by / 2)), 0: () => zoomTo(1),
      z: () => zoomTo(zoom.by >= 8 ? 1 : zoom.by * 2), ArrowLeft: () => by(-1, 0),
      ArrowRight: () => by(1, 0), ArrowUp: () => by(0, -1), ArrowDown: () => by(0, 1)}[event.key];
    if (act && (zoom.by > 1 || !event.key.startsWith("Arrow"))) { event.preventDefault(); act(); }
  }
  function grab(event) {
    zoomHere.moved = false;
    if (zoom.by === 1) return;
    const view = event.currentTarget, box = view.getBoundingClientRect(), {w, h} = shown.ready[0];
    let x = event.clientX, y = event.clientY;
    view.setPointerCapture(event.pointerId);
    view.onpointermove = one => {
      if (Math.abs(one.clientX - x) + Math.abs(one.clientY - y) < 3 && !zoomHere.moved) return;
      zoomHere.moved = true;
      zoomTo(zoom.by, zoom.x + w / zoom.by * (0.5 - (one.clientX - x) / box.width),
        zoom.y + h / zoom.by * (0.5 - (one.clientY - y) / box.height));
      x = one.clientX; y = one.clientY;
    };
    view.onpointerup = view.onpointercancel = () => { view.onpointermove = null; };
  }

  // ---- this state, as a link or a line of code ---------------------------------------------------
  let line = live ? spec.first.line : "";
  const hash = () => "#" + controls.filter(one => offered(one).length > 1).map(one =>
    `${encodeURIComponent(one.name)}=${encodeURIComponent(one.steps[one.at])}`).join("&");
  function remember() {
    if (location.protocol !== "about:") try { history.replaceState(null, "", hash()); } catch { /* framed */ }
  }
  function recall() {
    const wanted = {};
    for (const [name, words] of new URLSearchParams(location.hash.slice(1))) {
      const at = of(name) ? of(name).steps.indexOf(words) : -1;
      if (at >= 0 && offered(of(name)).includes(at)) wanted[name] = at;
    }
    return wanted;
  }
  async function copy() {
    const words = live ? line : location.href.split("#")[0] + hash();
    try { await navigator.clipboard.writeText(words); copied.textContent = "Copied."; }
    catch { copied.textContent = words; }
    setTimeout(() => { copied.textContent = ""; }, 8000);
  }

  // ---- the kernel --------------------------------------------------------------------------------
  const bridge = () => document.querySelector("." + CSS.escape(spec.live));
  function send(message) {
    const field = bridge() && bridge().querySelector("textarea");
    if (!field) return false;
    field.value = JSON.stringify(message);
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
    return true;
  }
  function ask() {
    waiting = true; ahead = false; last = performance.now();
    send({n: ++asked, want: Object.fromEntries(controls.map(one => [one.name, one.at]))});
  }
  // The reader's own file goes in pieces: a server closes on messages of more than some megabytes.
  let parcel = null, newest = 0; // the question that pictures were shown of last
  const PIECE = 600000, READING = "Reading your picture …"; // bytes
  function upload(file) {
    stop(); parcel = {file, part: 0, parts: Math.max(1, Math.ceil(file.size / PIECE))};
    alertBox.hidden = true; root.setAttribute("aria-busy", "true");
    note.textContent = READING; piece();
  }
  async function piece() {
    const {file, part, parts} = parcel, reader = new FileReader();
    reader.onload = () => send({file: {part, parts, data: reader.result.split(",")[1] || ""}});
    reader.onerror = () => refuse("the browser cannot read this file.");
    reader.readAsDataURL(file.slice(part * PIECE, (part + 1) * PIECE));
  }
  function refuse(words) {
    parcel = null; fresh(); alertBox.hidden = false;
    alertBox.replaceChildren(make("b", {}, "Not your picture: "), words);
  }
  function hear(text) {
    let said; try { said = JSON.parse(text); } catch { return; }
    if (said.got !== undefined) { if (parcel) { parcel.part = said.got + 1; piece(); } return; }
    if (said.refused !== undefined) { refuse(said.refused); return; }
    if (said.ahead) { ahead = false; keep(said.key, said.view || {failed: true}); soon(); return; }
    if (said.preview) { if (shown) prepare(said.preview).then(view => {
      if (waiting && said.n > newest) { newest = said.n; show(view, said.n < asked ? "passed" : "now"); }
    }); return; }
    newest = Math.max(newest, said.n);
    if (said.n < asked) { // an older question's: what the hand has passed meanwhile
      if (said.view) { keep(said.key, said.view);
        prepare(views[said.key]).then(view => { if (waiting) pass(view); }); }
      return; }
    const images = all => all.find(one => one.name === "image")?.steps.length;
    if (images(said.controls) !== images(controls)) parcel = null; // the reader's own is there
    waiting = ahead = false; last = performance.now(); line = said.line; spec.note = said.note;
    controls = said.controls; drawControls();
    if (said.error !== undefined) {
      fresh(); pictures.hidden = below.hidden = true; alertBox.hidden = false; shown = null;
      alertBox.replaceChildren(make("b", {}, "Nothing to show: "), said.error); return; }
    keep(said.key, said.view);
    if (shown !== views[said.key]) arrive(views[said.key]); else { fresh(); soon(); }
  }
  function keep(key, view) {
    if (!views[key] || views[key].failed) views[key] = view;
    const all = Object.keys(views); if (all.length > 600) delete views[all[0]];
  }
  // While nothing is asked: the same step by other ways, the next steps, and then all the others.
  // A kernel is left alone for a moment after each question, lest the next one has to wait.
  function soon() {
    clearTimeout(soon.timer);
    soon.timer = setTimeout(look, live ? Math.max(0, last + 300 - performance.now()) : 0);
  }
  let visible = false;
  new IntersectionObserver(all => { visible = all.at(-1).isIntersecting; if (visible) soon(); })
    .observe(root);
  function look() {
    if (waiting || ahead || parcel || dead || !visible || document.hidden) return;
    const at = offered(main()), i = at.indexOf(main().at), all = [];
    const near = at.map((k, j) => [Math.abs(j - i), k]).sort((a, b) => a[0] - b[0]).map(one => one[1]);
    const other = ways() ? offered(ways()) : [];
    for (const k of other) all.push({[spec.ways]: k});
    for (const k of near) all.push({[spec.main]: k});
    for (const k of near) for (const way of other) all.push({[spec.main]: k, [spec.ways]: way});
    for (const k of near.slice(1, 5)) {
      const view = views[keyAt({[spec.main]: k})], n = view && view.ready ? view.ready.length : 0;
      for (let j = 0; j < n; j++) {
        const ready = view.ready[j], canvas = figures[j] && figures[j].canvas;
        if (!ready.code || !canvas || kept.has(ready)) continue;
        painted(ready, canvas.width, canvas.height, zoom.by, zoom.x, zoom.y); soon(); return;
      }
    }
    for (const changed of all) {
      const view = views[keyAt(changed)];
      if (view && !view.failed && !view.ready) {
        prepare(view).then(() => { drawSoon(); if (live) curveSoon(); soon(); }); return; }
      if (!view && live && spec.ahead) {
        ahead = send({n: asked, ahead: true, want: Object.fromEntries(controls.map(one =>
          [one.name, changed[one.name] ?? one.at]))});
        return;
      }
    }
  }
  function connect() {
    const found = bridge();
    if (!found || !found.querySelector("textarea")) return false;
    new MutationObserver(() => { const says = found.querySelector(".widget-html-content");
      if (says && says.textContent) hear(says.textContent); })
      .observe(found, {childList: true, subtree: true, characterData: true});
    const says = found.querySelector(".widget-html-content");
    if (says && says.textContent) hear(says.textContent);
    root.classList.add("ready"); soon();
    return true;
  }
  function quiet() { // a saved notebook: what was there last stays, and nothing pretends to move
    dead = true;
    for (const one of app.querySelectorAll("input,select,button")) one.disabled = true;
    note.textContent = "This is how it looked last. Run the cell, and the slider moves.";
    const area = root.closest(".jp-OutputArea");
    for (const one of area ? area.querySelectorAll(".jp-OutputArea-child") : []) {
      if (/^\s*(Error displaying widget|Loading widget)/.test(one.textContent)) one.hidden = true; }
  }

  drawControls();
  if (live) {
    if (spec.first.error !== undefined) hear(JSON.stringify(spec.first));
    else { keep(spec.first.key, spec.first.view); spec.note = spec.first.note;
      asked = spec.first.n; arrive(views[spec.first.key]); }
    if (!connect()) {
      const wait = new MutationObserver(() => { if (connect()) wait.disconnect(); });
      wait.observe(document.body, {childList: true, subtree: true});
      setTimeout(() => { wait.disconnect(); if (!root.classList.contains("ready")) quiet(); }, 15000);
    }
  } else {
    const follow = () => { const wanted = recall(); if (Object.keys(wanted).length) setAll(wanted); };
    follow(); addEventListener("hashchange", follow);
    arrive(views[keyAt({})]);
  }
  theme(); setInterval(theme, 1000); // some front ends change it by other means than these:
  for (const one of [document.documentElement, document.body])
    new MutationObserver(theme).observe(one, {attributes: true});
  new ResizeObserver(() => { drawControls(); put(); }).observe(root);
}
