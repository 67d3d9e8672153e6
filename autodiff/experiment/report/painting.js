// @ts-check
"use strict";

/** The share of its colour that a class has where the network knows nothing, and where it is sure. */
const WEAKEST = 0.06, STRONGEST = 0.64;
const SHADES = 256;
const INK = 0xff1a1a1a;

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
 * Return what a pixel looks like, as its four bytes: `SHADES` of each class, the stronger the surer.
 * @param {number[][]} colors of the classes, as channels
 */
function shadesOf(colors) {
  const bytes = new Uint8ClampedArray(4 * SHADES * colors.length);
  colors.forEach((color, k) => {
    for (let s = 0; s < SHADES; s++) {
      const share = WEAKEST + ((STRONGEST - WEAKEST) * s) / (SHADES - 1);
      const at = 4 * (k * SHADES + s);
      for (let c = 0; c < 3; c++) bytes[at + c] = 255 + (color[c] - 255) * share;
      bytes[at + 3] = 255;
    }
  });
  return new Uint32Array(bytes.buffer);
}

/** Paints boundaries into one canvas, with arrays that it keeps. */
class Painter {
  side = 0;
  image = new ImageData(1, 1);
  pixels = new Uint32Array(0);
  likeliest = new Uint8Array(0);
  columns = new Int32Array(0);
  shares = new Float64Array(0);

  /**
   * @param {HTMLCanvasElement} canvas a square
   * @param {number[][]} colors of the classes, as channels
   */
  constructor(canvas, colors) {
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.shades = shadesOf(colors);
    this.classes = colors.length;
  }

  /** @param {number} side in pixels */
  resize(side) {
    this.side = side;
    this.image = this.context.createImageData(side, side);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.likeliest = new Uint8Array(side * side);
    this.columns = new Int32Array(side);
    this.shares = new Float64Array(side);
  }

  /**
   * Paint the likeliest class of each pixel, the stronger the surer, and a line where it changes.
   * @param {Float64Array} probabilities on a grid over the picture, one class after the other
   * @param {number} grid its rows and columns; between them, the probabilities are interpolated
   */
  paint(probabilities, grid) {
    this.fill(probabilities, grid);
    this.outline();
    this.context.putImageData(this.image, 0, 0);
  }

  /**
   * @param {Float64Array} probabilities
   * @param {number} grid
   */
  fill(probabilities, grid) {
    const { side, classes, columns, shares, pixels, likeliest, shades } = this;
    const last = Math.max(grid - 1.000001, 0);
    for (let x = 0; x < side; x++) {
      const place = Math.min(Math.max(((x + 0.5) / side) * grid - 0.5, 0), last);
      columns[x] = Math.floor(place);
      shares[x] = place - columns[x];
    }
    const line = new Float64Array(classes * grid);
    const least = 1 / classes, scale = ((SHADES - 1) * classes) / Math.max(classes - 1, 1);
    for (let y = 0; y < side; y++) {
      const place = Math.min(Math.max(((y + 0.5) / side) * grid - 0.5, 0), last);
      const above = Math.floor(place) * grid, down = place - Math.floor(place);
      for (let k = 0; k < classes; k++) {
        for (let c = 0, i = k * grid * grid + above, o = k * grid; c < grid; c++, i++, o++) {
          line[o] = probabilities[i] + down * (probabilities[i + grid] - probabilities[i]);
        }
      }
      for (let x = 0, p = y * side; x < side; x++, p++) {
        const across = shares[x];
        let i = columns[x], best = 0, most = line[i] + across * (line[i + 1] - line[i]);
        for (let k = 1; k < classes; k++) {
          i += grid;
          const probability = line[i] + across * (line[i + 1] - line[i]);
          if (probability > most) {
            most = probability;
            best = k;
          }
        }
        likeliest[p] = best;
        pixels[p] = shades[best * SHADES + Math.max(0, ((most - least) * scale) | 0)];
      }
    }
  }

  /** Draw ink where the likeliest class changes. */
  outline() {
    const { side, pixels, likeliest } = this;
    const width = Math.max(1, Math.round(side / 300));
    for (let y = 0; y < side - 1; y++) {
      for (let x = 0, p = y * side; x < side - 1; x++, p++) {
        const here = likeliest[p];
        if (here === likeliest[p + 1] && here === likeliest[p + side]) continue;
        for (let dy = 0; dy < width && y + dy < side; dy++) {
          pixels.fill(INK, p + dy * side, p + dy * side + Math.min(width, side - x));
        }
      }
    }
  }
}

/**
 * Draw a class's marker around a place.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} corners of the marker: x, y, x, y from -1 to 1, up being positive
 * @param {number} x
 * @param {number} y
 * @param {number} r half its size
 */
function mark(context, corners, x, y, r) {
  context.beginPath();
  for (let i = 0; i < corners.length; i += 2) context.lineTo(x + r * corners[i], y - r * corners[i + 1]);
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
