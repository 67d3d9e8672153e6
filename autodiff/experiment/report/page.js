// @ts-check
"use strict";

/**
 * Some points: what the network takes of each, its place on the plane, and the number of its class.
 * @typedef {{inputs: string, places: string, labels: string}} EncodedPoints
 * @typedef {{inputs: Float32Array, places: Float32Array, labels: Uint8Array}} Points
 *
 * What a data set is: its classes with their colours and markers, its features with the scale that they had, and the plane on which
 * it is seen. The network takes origin + x * along[0] + y * along[1] for the place (x, y).
 * @typedef {{classes: string[], colors: string[], markers: number[][], features: string[], axes: string[], plane: string, extent: Extent,
 *   origin: number[], along: number[][], mean: number[], deviation: number[], training: EncodedPoints,
 *   heldOut: EncodedPoints | null}} DataSet
 *
 * What was measured at the epoch of a frame.
 * @typedef {{loss: number | null, accuracy: number, testLoss: number | null, testAccuracy: number | null}} Measured
 *
 * A run: its networks at some epochs as numbers, one frame after the other.
 * @typedef {{name: string, title: string, color: string, data: number, epochs: number[], measured: Measured[],
 *   layers: Layer[] | null, size: number, parameters: string, curve: (number[] | null)[], fallback: string, still: string,
 *   sentence: string}} Run
 *
 * @typedef {{runs: Run[], dataSets: DataSet[], curves: {epochs: number[], places: number[]} | null}} Page
 */

const report = /** @type {Page} */ (JSON.parse(/** @type {HTMLElement} */ (document.getElementById("data")).textContent ?? ""));

/** Milliseconds that a picture may take while it moves: it is computed on a coarser grid where it would take more. */
const BUDGET = 20;
/** Rows and columns of the grids that are computed, between which pixels are interpolated: moving, and at rest. */
const COARSEST = 28, FINEST = 120, RESTING = 320;
/** Pixels of a unit's picture, and milliseconds without a change after which all is drawn finely. */
const UNIT = 44, REST = 150;

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Make an element with text in it; text is never read as HTML.
 * @param {string} tag
 * @param {string} [text]
 * @param {Record<string, string>} [attributes]
 */
function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/**
 * @param {string} text in base64
 * @returns {ArrayBuffer}
 */
function decoded(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes.buffer;
}

/**
 * @param {EncodedPoints} points
 * @returns {Points}
 */
const pointsOf = (points) => ({
  inputs: new Float32Array(decoded(points.inputs)),
  places: new Float32Array(decoded(points.places)),
  labels: new Uint8Array(decoded(points.labels)),
});

/** @param {number | null} value */
const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(2)} %`);
/** @param {number | null} value */
const short = (value) => (value === null ? "–" : value.toPrecision(3));

const dataSets = report.dataSets.map((set) => ({
  ...set,
  channels: set.colors.map(channels),
  points: pointsOf(set.training),
  tested: set.heldOut && pointsOf(set.heldOut),
}));

/** All epochs of which some run has a network. */
const epochs = [...new Set(report.runs.flatMap((run) => run.epochs))].sort((a, b) => a - b);


/** A run's panel: its network at an epoch, drawn over the plane. */
class Panel {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.set = dataSets[run.data];
    this.numbers = run.parameters ? new Float32Array(decoded(run.parameters)) : null;
    this.frame = 0;
    this.coarse = (COARSEST + FINEST) / 2;
    this.element = element("figure", "", { class: "panel" });
    const title = element("figcaption");
    const name = element("strong", run.title);
    name.style.setProperty("--run", run.color);
    this.words = element("span", "", { class: "words" });
    title.append(name, this.words);
    this.canvas = /** @type {HTMLCanvasElement} */ (element("canvas", "", { tabindex: "0", role: "img" }));
    this.marks = /** @type {HTMLCanvasElement} */ (element("canvas", "", { "aria-hidden": "true" }));
    const stage = element("div", "", { class: "stage" });
    this.painter = new Painter(this.canvas, this.set.channels);
    this.element.append(title, stage);
    if (!this.evaluates) {
      if (run.fallback) stage.append(element("img", "", { src: run.fallback, alt: `${run.title}: its last decision boundary` }));
      stage.classList.add("still");
      this.element.append(element("p", run.layers ? "It kept no network." : run.still, { class: "caption" }));
      return;
    }
    stage.append(this.canvas, this.marks);
    this.save = /** @type {HTMLButtonElement} */ (element("button", "Save picture", { type: "button" }));
    this.save.addEventListener("click", () => this.download());
    this.element.append(this.save);
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      inspect(this, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("focus", () => select(this));
    this.canvas.addEventListener("pointerdown", () => select(this));
  }

  /** Whether the page can compute the network. */
  get evaluates() {
    return this.run.layers !== null && this.run.epochs.length > 0;
  }

  /** The numbers of the present frame. */
  get parameters() {
    const { size } = this.run;
    return /** @type {Float32Array} */ (this.numbers).subarray(this.frame * size, (this.frame + 1) * size);
  }

  /**
   * Return what the first layer takes for points of the plane: all features, one after the other.
   * @param {Float64Array} grid all x, then all y
   */
  inputs(grid) {
    const { origin, along } = this.set;
    const count = grid.length / 2;
    const x = new Float64Array(origin.length * count);
    for (let f = 0; f < origin.length; f++) {
      for (let p = 0; p < count; p++) x[f * count + p] = origin[f] + along[0][f] * grid[p] + along[1][f] * grid[count + p];
    }
    return x;
  }

  /**
   * @param {Float64Array} grid all x, then all y
   */
  probabilities(grid) {
    const layers = /** @type {Layer[]} */ (this.run.layers);
    return softmax(evaluate(layers, this.parameters, this.inputs(grid), grid.length / 2), grid.length / 2);
  }

  /** @param {number} epoch */
  show(epoch) {
    const { run } = this;
    this.frame = 0;
    while (this.frame + 1 < run.epochs.length && run.epochs[this.frame + 1] <= epoch) this.frame++;
    const at = run.measured[this.frame];
    if (!at) return;
    const tested = at.testAccuracy === null ? "" : `, held out ${percent(at.testAccuracy)}`;
    this.words.textContent = `loss ${short(at.loss)}, accuracy ${percent(at.accuracy)}${tested}`;
    this.canvas.setAttribute("aria-label",
      `${run.title}: decision boundary at epoch ${run.epochs[this.frame].toLocaleString("en")}; ${this.words.textContent}. ` +
      "Arrow keys move the point that is looked at.");
  }

  /** Give the canvases as many pixels as the screen has for them. */
  fit() {
    const side = Math.round(this.canvas.clientWidth * (window.devicePixelRatio || 1)) || 300;
    if (this.painter.side === side) return;
    for (const canvas of [this.canvas, this.marks]) canvas.width = canvas.height = side;
    this.painter.resize(side);
    this.drawMarks();
  }

  /** @param {boolean} moving whether the picture is soon replaced, so that a coarse grid will do */
  draw(moving) {
    if (!this.evaluates) return;
    const side = Math.min(moving ? this.coarse : RESTING, this.painter.side);
    this.painter.paint(this.probabilities(gridOf(this.set.extent, side, side)), side);
  }

  /** Draw the points: those of training filled, held-out ones hollow. */
  drawMarks() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.marks.getContext("2d"));
    const { width, height } = this.marks;
    context.clearRect(0, 0, width, height);
    const { extent, points, tested, colors, markers } = this.set;
    const radius = Math.max(2, width / 110);
    for (const [some, hollow] of /** @type {[Points | null, boolean][]} */ ([[tested, true], [points, false]])) {
      if (!some) continue;
      for (let i = 0; i < some.labels.length; i++) {
        const x = some.places[2 * i], y = some.places[2 * i + 1];
        const across = ((x - extent.left) / (extent.right - extent.left)) * width;
        const down = ((extent.top - y) / (extent.top - extent.bottom)) * height;
        mark(context, markers[some.labels[i]], across, down, hollow ? 0.75 * radius : radius);
        context.fillStyle = hollow ? "#FFFFFF" : colors[some.labels[i]];
        context.strokeStyle = hollow ? colors[some.labels[i]] : "#1A1A1A";
        context.lineWidth = Math.max(0.7, radius / (hollow ? 2.5 : 5));
        context.fill();
        context.stroke();
      }
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    });
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.1 : 0.01;
    inspect(this, looked.x + step * move[0], looked.y + step * move[1]);
  }

  /** Save the picture with its points as a PNG. */
  download() {
    const canvas = document.createElement("canvas");
    canvas.width = this.canvas.width;
    canvas.height = this.canvas.height;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(this.canvas, 0, 0);
    context.drawImage(this.marks, 0, 0);
    offer(`${this.run.name}-epoch-${this.run.epochs[this.frame]}.png`, canvas.toDataURL("image/png"));
  }
}

/**
 * Hand a file to the browser.
 * @param {string} name
 * @param {string} url
 */
function offer(name, url) {
  const link = /** @type {HTMLAnchorElement} */ (element("a", "", { href: url, download: name }));
  link.click();
}

const panels = report.runs.map((run) => new Panel(run));
let selected = panels.find((panel) => panel.evaluates) ?? panels[0];
let playing = 0;
let index = epochs.length - 1;
const looked = { x: 0.5, y: 0.5 };

// The scrubber

const slider = /** @type {HTMLInputElement} */ (byId("epoch"));
const speed = /** @type {HTMLSelectElement} */ (byId("speed"));
const play = /** @type {HTMLButtonElement} */ (byId("play"));
let resting = 0;

/**
 * Show all that the page knows of an epoch.
 * @param {number} next its number among the epochs that were kept
 * @param {boolean} moving
 */
function showEpoch(next, moving) {
  index = Math.min(Math.max(next, 0), epochs.length - 1);
  const epoch = epochs[index] ?? 0;
  slider.value = String(index);
  slider.setAttribute("aria-valuetext", `epoch ${epoch.toLocaleString("en")}`);
  byId("at").textContent = `epoch ${epoch.toLocaleString("en")}`;
  const started = performance.now();
  for (const panel of panels) {
    panel.show(epoch);
    panel.draw(moving);
  }
  const taken = performance.now() - started;
  if (moving) {
    const factor = Math.sqrt(BUDGET / Math.max(taken, 1));
    for (const panel of panels) {
      panel.coarse = Math.round(Math.min(Math.max(panel.coarse * Math.min(Math.max(factor, 0.8), 1.1), COARSEST), FINEST));
    }
  }
  byId("at").dataset.milliseconds = taken.toFixed(1);
  moveMarker(epoch);
  look();
  delete slider.dataset.settled;
  clearTimeout(resting);
  resting = window.setTimeout(() => {
    drawFinely(moving ? [...panels] : []);
  }, REST);
}

/**
 * Draw panels as finely as the screen can show, one at a time, so that the page goes on hearing; and then the units.
 * @param {Panel[]} rest
 */
function drawFinely(rest) {
  const panel = rest.shift();
  if (panel) {
    panel.draw(false);
    resting = window.setTimeout(() => drawFinely(rest), 0);
    return;
  }
  drawUnits();
  slider.dataset.settled = String(index);
}

/** @param {number} epoch */
function moveMarker(epoch) {
  const marker = document.getElementById("marker");
  if (!marker || !report.curves) return;
  let i = 0;
  while (i + 1 < report.curves.epochs.length && report.curves.epochs[i + 1] <= epoch) i++;
  marker.style.left = `${100 * report.curves.places[i]}%`;
}

slider.max = String(Math.max(epochs.length - 1, 0));
slider.addEventListener("input", () => showEpoch(Number(slider.value), true));
play.addEventListener("click", () => (playing ? stop() : start()));

/** Play from where it stands, or from the beginning if that is the end. */
function start() {
  if (index >= epochs.length - 1) index = -1;
  play.textContent = "Pause";
  let due = 0;
  const next = (/** @type {number} */ now) => {
    if (now >= due) {
      due = now + 1000 / Number(speed.value);
      showEpoch(index + 1, true);
      if (index >= epochs.length - 1) return stop();
    }
    playing = requestAnimationFrame(next);
  };
  playing = requestAnimationFrame(next);
}

/** Stop, and draw what stands as finely as the screen can show. */
function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.textContent = "Play";
  showEpoch(index, true);
}

// The point that is looked at

/**
 * @param {Panel} panel
 * @param {number} x across the panel, from 0 to 1
 * @param {number} y down
 */
function inspect(panel, x, y) {
  looked.x = Math.min(Math.max(x, 0), 1);
  looked.y = Math.min(Math.max(y, 0), 1);
  if (panel !== selected) select(panel);
  else look();
}

/** @param {Panel} panel */
function select(panel) {
  if (panel === selected) return;
  selected = panel;
  for (const one of panels) one.element.classList.toggle("selected", one === panel);
  fillLayers();
  look();
  drawUnits();
}

/** The run whose rows are shown, and what changes in them: a row a class, and a strip a hidden layer. */
let shown = /** @type {Panel | null} */ (null);
let rows = /** @type {{number: HTMLElement, bar: HTMLElement}[]} */ ([]);
let strips = /** @type {{words: HTMLElement, canvas: HTMLCanvasElement}[]} */ ([]);

/**
 * Make the rows of a run.
 * @param {Panel} panel
 */
function showRows(panel) {
  shown = panel;
  const list = panel.set.classes.map((name, k) => {
    const row = element("li"), number = element("span", "", { class: "number" }), bar = element("span", "", { class: "bar" });
    bar.style.background = panel.set.colors[k];
    row.append(markerOf(panel.set, k), element("span", name, { class: "name", title: name }), number, bar);
    return { row, number, bar };
  });
  rows = list;
  byId("probabilities").replaceChildren(...list.map(({ row }) => row));
  const figures = hiddenLayers(panel).map((_, i) => {
    const figure = element("figure"), words = element("figcaption");
    const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", "", {
      role: "img", "aria-label": `activations of the units of hidden layer ${i + 1} at this point`, width: "600", height: "48",
    }));
    figure.append(words, canvas);
    return { figure, words, canvas };
  });
  strips = figures;
  byId("strips").replaceChildren(...figures.map(({ figure }) => figure));
}

/** Tell what the selected network makes of the point that is looked at. */
function look() {
  const panel = selected;
  if (!panel || !panel.evaluates) return;
  const { extent, classes, axes, points } = panel.set;
  const x = extent.left + looked.x * (extent.right - extent.left);
  const y = extent.top + looked.y * (extent.bottom - extent.top);
  const probabilities = panel.probabilities(Float64Array.of(x, y));
  const named = [x, y].flatMap((value, axis) => (axes[axis] ? [`${axes[axis]} ${value.toPrecision(4)}`] : []));
  byId("where").textContent = `${panel.run.title} at ${named.join(", ")}`;
  if (shown !== panel) showRows(panel);
  for (const [k, { number, bar }] of rows.entries()) {
    number.textContent = percent(probabilities[k]);
    bar.style.width = `${(100 * probabilities[k]).toFixed(1)}%`;
  }
  let nearest = -1, least = Infinity;
  for (let i = 0; i < points.labels.length; i++) {
    const distance = (points.places[2 * i] - x) ** 2 + (points.places[2 * i + 1] - y) ** 2;
    if (distance < least) [nearest, least] = [i, distance];
  }
  byId("nearest").textContent = nearest < 0 ? "" :
    `The nearest training point is one of ${classes[points.labels[nearest]]}, ${Math.sqrt(least).toPrecision(3)} away.`;
  drawStrips(panel, Float64Array.of(x, y));
  drawCross();
}

/** Mark the point that is looked at in every panel. */
function drawCross() {
  for (const panel of panels) {
    panel.element.style.setProperty("--x", `${100 * looked.x}%`);
    panel.element.style.setProperty("--y", `${100 * looked.y}%`);
  }
}

/** The layers whose units can be looked at: what comes after each activation, or before the last layer. */
function hiddenLayers(/** @type {Panel} */ panel) {
  const layers = panel.run.layers ?? [];
  return layers.flatMap((layer, i) => (ACTIVATIONS[layer.kind] ? [i] : []));
}

/**
 * Draw the activations of all units for one point, a row of bars a layer.
 * @param {Panel} panel
 * @param {Float64Array} point
 */
function drawStrips(panel, point) {
  const layers = /** @type {Layer[]} */ (panel.run.layers);
  hiddenLayers(panel).forEach((last, i) => {
    const values = evaluate(layers.slice(0, last + 1), panel.parameters, panel.inputs(point), 1);
    const { words, canvas } = strips[i];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const { width, height } = canvas, middle = height / 2;
    let largest = 1e-12;
    for (const value of values) largest = Math.max(largest, Math.abs(value));
    const step = width / values.length;
    context.clearRect(0, 0, width, height);
    values.forEach((value, u) => {
      context.fillStyle = value >= 0 ? "#D55E00" : "#0072B2";
      const bar = (Math.abs(value) / largest) * (middle - 1);
      context.fillRect(u * step, value >= 0 ? middle - bar : middle, Math.max(1, step - 1), bar);
    });
    words.textContent = `hidden layer ${i + 1}: ${values.length} activations here, the largest ${largest.toPrecision(3)}`;
  });
}

// Hidden units

const layerChoice = /** @type {HTMLSelectElement} */ (byId("layer"));

/** Offer the hidden layers of the selected run. */
function fillLayers() {
  const chosen = layerChoice.value;
  const places = hiddenLayers(selected);
  layerChoice.replaceChildren(...places.map((place, i) => element("option", `hidden layer ${i + 1}`, { value: String(place) })));
  if (places.map(String).includes(chosen)) layerChoice.value = chosen;
  byId("unit-run").textContent = selected.run.title;
}

/** Draw each unit of the chosen layer over the plane, those that the next layer weighs most first. */
function drawUnits() {
  const panel = selected;
  const last = Number(layerChoice.value);
  if (!panel || !panel.evaluates || layerChoice.value === "") return;
  const layers = /** @type {Layer[]} */ (panel.run.layers);
  const grid = gridOf(panel.set.extent, UNIT, UNIT);
  const values = evaluate(layers.slice(0, last + 1), panel.parameters, panel.inputs(grid), UNIT * UNIT);
  const units = values.length / (UNIT * UNIT);
  const state = stateOfUnits(panel, last, units);
  const weights = outgoing(panel, last, units);
  const order = [...Array(units).keys()].sort((a, b) => weights[b] - weights[a]);
  byId("units").replaceChildren(...order.map((u) => {
    const figure = element("figure", "", { class: state[u] || "alive" });
    const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", "", {
      role: "img", "aria-label": `unit ${u + 1}, outgoing weights ${weights[u].toFixed(2)}${state[u] ? `, ${state[u]}` : ""}`,
    }));
    canvas.width = canvas.height = UNIT;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const image = context.createImageData(UNIT, UNIT);
    paintUnit(image, values.subarray(u * UNIT * UNIT, (u + 1) * UNIT * UNIT));
    context.putImageData(image, 0, 0);
    figure.append(canvas, element("figcaption", state[u] || weights[u].toFixed(2)));
    return figure;
  }));
  const dead = state.filter((one) => one === "dead").length;
  const saturated = state.filter((one) => one === "saturated").length;
  byId("unit-words").textContent = `${units} units at epoch ${panel.run.epochs[panel.frame].toLocaleString("en")}: ` +
    `${dead} dead (no training point activates them), ${saturated} saturated (at an end of their range for nearly every point).`;
}

/**
 * Return what the network takes of some points, one feature after the other.
 * @param {Points} points
 */
function byFeature(points) {
  const count = points.labels.length, features = points.inputs.length / count;
  const x = new Float64Array(points.inputs.length);
  for (let p = 0; p < count; p++) {
    for (let f = 0; f < features; f++) x[f * count + p] = points.inputs[p * features + f];
  }
  return x;
}

/**
 * Tell which units are dead or saturated on the training points.
 * @param {Panel} panel
 * @param {number} last the layer
 * @param {number} units
 * @returns {string[]} "dead", "saturated" or nothing
 */
function stateOfUnits(panel, last, units) {
  const layers = /** @type {Layer[]} */ (panel.run.layers);
  const count = panel.set.points.labels.length;
  const values = evaluate(layers.slice(0, last + 1), panel.parameters, byFeature(panel.set.points), count);
  const ends = /** @type {Record<string, number[]>} */ ({ sigmoid: [0.01, 0.99], tanh: [-0.99, 0.99], hardtanh: [-0.9999, 0.9999] });
  const [low, high] = ends[layers[last].kind] ?? [-Infinity, Infinity];
  return [...Array(units).keys()].map((u) => {
    const ofUnit = values.subarray(u * count, (u + 1) * count);
    if (layers[last].kind === "relu" && ofUnit.every((value) => value === 0)) return "dead";
    const atEnds = ofUnit.reduce((sum, value) => sum + Number(value < low || value > high), 0);
    return atEnds >= 0.99 * count ? "saturated" : "";
  });
}

/**
 * Return how much the next layer weighs each unit: the length of its outgoing weights.
 * @param {Panel} panel
 * @param {number} last
 * @param {number} units
 */
function outgoing(panel, last, units) {
  const next = /** @type {Layer[]} */ (panel.run.layers).slice(last + 1).find((layer) => layer.kind === "linear");
  const weights = new Float64Array(units);
  if (!next || next.inputs !== units) return weights;
  const outputs = /** @type {number} */ (next.outputs), weight = /** @type {number} */ (next.weight);
  for (let o = 0; o < outputs; o++) {
    for (let u = 0; u < units; u++) weights[u] += panel.parameters[weight + o * units + u] ** 2;
  }
  return weights.map(Math.sqrt);
}

layerChoice.addEventListener("change", drawUnits);

// Downloads

/** Save the training points with what the selected network makes of them, as CSV. */
function savePredictions() {
  const { set, run } = selected;
  const { points, mean, deviation, classes, features } = set;
  const count = points.labels.length, width = features.length;
  const layers = /** @type {Layer[]} */ (run.layers);
  const probabilities = softmax(evaluate(layers, selected.parameters, byFeature(points), count), count);
  const cell = (/** @type {string} */ text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [[...features, "class", ...classes.map((name) => `probability of ${name}`)].map(cell).join(",")];
  for (let p = 0; p < count; p++) {
    const inputs = [...points.inputs.subarray(p * width, (p + 1) * width)];
    const row = inputs.map((value, f) => String(value * deviation[f] + mean[f]));
    row.push(cell(classes[points.labels[p]]));
    for (let k = 0; k < classes.length; k++) row.push(String(probabilities[k * count + p]));
    lines.push(row.join(","));
  }
  const file = new Blob([lines.join("\n") + "\n"], { type: "text/csv" });
  const url = URL.createObjectURL(file);
  offer(`${run.name}-predictions.csv`, url);
  URL.revokeObjectURL(url);
}

byId("predictions").addEventListener("click", savePredictions);

// Captions

/**
 * Return a class's marker as a small picture.
 * @param {DataSet} set
 * @param {number} k the class
 */
function markerOf(set, k) {
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", "", { "aria-hidden": "true", class: "marker", width: "40", height: "40" }));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  mark(context, set.markers[k], 20, 20, 14);
  context.fillStyle = set.colors[k];
  context.strokeStyle = "#1A1A1A";
  context.lineWidth = 2;
  context.fill();
  context.stroke();
  return canvas;
}

/**
 * Return what the axes of a plane are.
 * @param {DataSet} set
 */
function planeOf({ axes, plane, features }) {
  if (!axes[1]) return `Across is ${axes[0]}; up has no meaning, but that each class has a row of its own.`;
  const of = plane ? ` This is the plane of ${plane} of ${features.length} features: ${features.join(", ")}.` : "";
  return `Across is ${axes[0]}, up is ${axes[1]}.${of}`;
}

/** Tell the classes and the axes of each data set, those that look the same once. */
function showLegends() {
  const legends = new Map();
  for (const { title, data } of report.runs) {
    const set = dataSets[data], key = JSON.stringify([set.classes, planeOf(set)]);
    legends.set(key, { set, titles: [...(legends.get(key)?.titles ?? []), title] });
  }
  byId("legends").append(...[...legends.values()].flatMap(({ set, titles }) => {
    const list = element("ul", "", { class: "legend", "aria-label": "classes" });
    list.append(...set.classes.map((/** @type {string} */ name, /** @type {number} */ k) => {
      const row = element("li");
      row.append(markerOf(set, k), element("span", name));
      return row;
    }));
    const words = element("p", (legends.size > 1 ? `${titles.join(", ")}: ` : "") + planeOf(set), { class: "caption" });
    return [list, words];
  }));
}

if (!selected?.evaluates) for (const part of document.querySelectorAll(".inside")) part.setAttribute("hidden", "");
showLegends();
byId("panels").append(...panels.map((panel) => panel.element));
byId("panels").dataset.runs = String(panels.length);
selected?.element.classList.add("selected");
if (selected?.evaluates) {
  fillLayers();
  showEpoch(epochs.length - 1, true);
  new ResizeObserver(() => {
    for (const panel of panels) if (panel.evaluates) panel.fit();
    showEpoch(index, true);
  }).observe(byId("panels"));
} else {
  for (const panel of panels) panel.show(Infinity);
  slider.dataset.settled = "";
}
