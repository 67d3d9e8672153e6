// @ts-check
"use strict";

/** The share of its colour that a class has where the network knows nothing, and where it is sure. */
const WEAKEST = 0.06, STRONGEST = 0.64;
const INK = [26, 26, 26];

/** @typedef {{left: number, right: number, bottom: number, top: number}} Extent */

/**
 * @param {string} color as #RRGGBB
 * @returns {number[]}
 */
function channels(color) {
  return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
}

/**
 * Return the coordinates of the pixels of a picture, or of a coarser grid over it: all x, then all y.
 * @param {Extent} extent
 * @param {number} width
 * @param {number} height
 * @returns {Float64Array}
 */
function gridOf(extent, width, height) {
  const grid = new Float64Array(2 * width * height);
  for (let row = 0, i = 0; row < height; row++) {
    const y = extent.top + ((row + 0.5) / height) * (extent.bottom - extent.top);
    for (let column = 0; column < width; column++, i++) {
      grid[i] = extent.left + ((column + 0.5) / width) * (extent.right - extent.left);
      grid[width * height + i] = y;
    }
  }
  return grid;
}

/**
 * Return the values of a coarse grid at each pixel of a finer one, interpolated.
 * @param {Float64Array} values one class after the other
 * @param {number} classes
 * @param {number} coarse rows and columns of the grid
 * @param {number} width
 * @param {number} height
 */
function refined(values, classes, coarse, width, height) {
  const fine = new Float64Array(classes * width * height);
  const columns = new Int32Array(width), shares = new Float64Array(width);
  for (let x = 0; x < width; x++) {
    const place = Math.min(Math.max(((x + 0.5) / width) * coarse - 0.5, 0), coarse - 1.000001);
    columns[x] = Math.floor(place);
    shares[x] = place - columns[x];
  }
  for (let k = 0; k < classes; k++) {
    for (let y = 0; y < height; y++) {
      const place = Math.min(Math.max(((y + 0.5) / height) * coarse - 0.5, 0), coarse - 1.000001);
      const above = k * coarse * coarse + Math.floor(place) * coarse, below = above + coarse;
      const down = place - Math.floor(place);
      const row = (k * height + y) * width;
      for (let x = 0; x < width; x++) {
        const c = columns[x], across = shares[x];
        const upper = values[above + c] + across * (values[above + c + 1] - values[above + c]);
        const lower = values[below + c] + across * (values[below + c + 1] - values[below + c]);
        fine[row + x] = upper + down * (lower - upper);
      }
    }
  }
  return fine;
}

/**
 * Paint the likeliest class of each pixel, the stronger the surer, and a line where it changes.
 * @param {ImageData} image
 * @param {Float64Array} probabilities one class after the other
 * @param {number[][]} colors of the classes, as channels
 */
function paint(image, probabilities, colors) {
  const { width, height, data } = image;
  const size = width * height, classes = colors.length;
  const likeliest = new Uint8Array(size);
  for (let p = 0, i = 0; p < size; p++, i += 4) {
    let best = 0, most = probabilities[p];
    for (let k = 1; k < classes; k++) {
      const probability = probabilities[k * size + p];
      if (probability > most) {
        most = probability;
        best = k;
      }
    }
    likeliest[p] = best;
    const sure = Math.max(0, (most - 1 / classes) / (1 - 1 / classes));
    const share = WEAKEST + (STRONGEST - WEAKEST) * sure;
    const color = colors[best];
    data[i] = 255 + (color[0] - 255) * share;
    data[i + 1] = 255 + (color[1] - 255) * share;
    data[i + 2] = 255 + (color[2] - 255) * share;
    data[i + 3] = 255;
  }
  const ratio = Math.max(1, Math.round(width / 300));
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const p = y * width + x;
      if (likeliest[p] === likeliest[p + 1] && likeliest[p] === likeliest[p + width]) continue;
      for (let dy = 0; dy < ratio && y + dy < height; dy++) {
        for (let dx = 0; dx < ratio && x + dx < width; dx++) {
          data.set(INK, 4 * (p + dy * width + dx));
        }
      }
    }
  }
}

/** Markers of the classes, as the pictures have them. */
const SHAPES = ["circle", "square", "up", "diamond", "down", "plus", "cross"];

/**
 * Draw a class's marker around a place.
 * @param {CanvasRenderingContext2D} context
 * @param {number} kind the number of the class
 * @param {number} x
 * @param {number} y
 * @param {number} r half its size
 */
function mark(context, kind, x, y, r) {
  const shape = SHAPES[kind % SHAPES.length];
  /** @type {[number, number][]} */
  let corners = [];
  context.beginPath();
  if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") context.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  else if (shape === "up") corners = [[0, -1.1], [1, 0.8], [-1, 0.8]];
  else if (shape === "down") corners = [[0, 1.1], [1, -0.8], [-1, -0.8]];
  else if (shape === "diamond") corners = [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]];
  else {
    const a = 0.35, turn = shape === "cross" ? Math.PI / 4 : 0;
    const plus = [[-a, -1], [a, -1], [a, -a], [1, -a], [1, a], [a, a], [a, 1], [-a, 1], [-a, a], [-1, a], [-1, -a], [-a, -a]];
    corners = plus.map(([u, v]) => [u * Math.cos(turn) - v * Math.sin(turn), u * Math.sin(turn) + v * Math.cos(turn)]);
  }
  corners.forEach(([u, v], i) => (i ? context.lineTo(x + r * u, y + r * v) : context.moveTo(x + r * u, y + r * v)));
  context.closePath();
}

/**
 * Paint the activation of a unit over the plane: orange above 0, blue below, the stronger the farther.
 * @param {ImageData} image
 * @param {Float64Array} values of the unit, a pixel after the other
 */
function paintUnit(image, values) {
  let largest = 1e-12;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const { data } = image;
  for (let p = 0; p < values.length; p++) {
    const share = Math.abs(values[p]) / largest;
    const color = values[p] >= 0 ? [213, 94, 0] : [0, 114, 178];
    for (let c = 0; c < 3; c++) data[4 * p + c] = 255 + (color[c] - 255) * share;
    data[4 * p + 3] = 255;
  }
}
