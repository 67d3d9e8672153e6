// @ts-check
"use strict";

/**
 * A layer as the page knows it. `weight`, `bias`, `mean` and `variance` are where its numbers begin in a frame; what
 * follows are the settings of activations, as configs name them.
 * @typedef {{kind: string, inputs?: number, outputs?: number, weight?: number, bias?: number, mean?: number,
 *   variance?: number, epsilon?: number, negative_slope?: number, alpha?: number, low?: number, high?: number,
 *   omega?: number, approximate?: "none" | "tanh"}} Layer
 */

/** Points that a layer computes at once, so that they stay in the cache. */
const POINTS_AT_ONCE = 256;

/**
 * The error function, to 1.2e-7 (Numerical Recipes in C, 2nd edition, section 6.2, erfcc).
 * @param {number} x
 * @returns {number}
 */
function errorFunction(x) {
  const z = Math.abs(x);
  const t = 1 / (1 + 0.5 * z);
  const tail = t * Math.exp(-z * z - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 +
    t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 +
    t * (-0.82215223 + t * 0.17087277)))))))));
  return x >= 0 ? 1 - tail : tail - 1;
}

/** @param {number} z */
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
/** @param {number} z */
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/**
 * Activations of one number, by kind.
 * @type {Record<string, (z: number, layer: Layer) => number>}
 */
const ACTIVATIONS = {
  relu: (z) => (z > 0 ? z : 0),
  sigmoid: (z) => sigmoid(z),
  tanh: (z) => Math.tanh(z),
  leaky_relu: (z, layer) => (z > 0 ? z : (layer.negative_slope ?? 0.01) * z),
  elu: (z, layer) => (z > 0 ? z : (layer.alpha ?? 1) * Math.expm1(z)),
  selu: (z) => 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * Math.expm1(z)),
  gelu: (z, layer) => layer.approximate === "tanh"
    ? 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z)))
    : 0.5 * z * (1 + errorFunction(z / Math.SQRT2)),
  silu: (z) => z * sigmoid(z),
  softplus: (z) => softplus(z),
  hardtanh: (z, layer) => Math.min(Math.max(z, layer.low ?? -1), layer.high ?? 1),
  mish: (z) => z * Math.tanh(softplus(z)),
  identity: (z) => z,
  sine: (z, layer) => Math.sin((layer.omega ?? 1) * z),
};

/**
 * Return a layer's values of some points, one unit after the other.
 * @param {Layer} layer
 * @param {Float32Array} numbers those of a frame
 * @param {Float64Array} x values of the layer before, one unit after the other
 * @param {number} count of points
 * @returns {Float64Array}
 */
function apply(layer, numbers, x, count) {
  if (layer.kind === "linear") return affine(layer, numbers, x, count);
  if (layer.kind === "layer_norm") return layerNorm(layer, numbers, x, count);
  if (layer.kind === "batch_norm") return batchNorm(layer, numbers, x, count);
  if (layer.kind === "relu") for (let i = 0; i < x.length; i++) x[i] = x[i] > 0 ? x[i] : 0;
  else if (layer.kind === "sigmoid") for (let i = 0; i < x.length; i++) x[i] = 1 / (1 + Math.exp(-x[i]));
  else if (layer.kind === "tanh") for (let i = 0; i < x.length; i++) x[i] = Math.tanh(x[i]);
  else { // a call for each number: the commonest three have none, which takes half the time
    const activation = ACTIVATIONS[layer.kind];
    for (let i = 0; i < x.length; i++) x[i] = activation(x[i], layer);
  }
  return x;
}

/**
 * @param {Layer} layer
 * @param {Float32Array} numbers
 * @param {Float64Array} x
 * @param {number} count
 */
function affine(layer, numbers, x, count) {
  const inputs = /** @type {number} */ (layer.inputs);
  const outputs = /** @type {number} */ (layer.outputs);
  const weight = /** @type {number} */ (layer.weight);
  const result = new Float64Array(outputs * count);
  for (let o = 0; o < outputs; o++) {
    const row = result.subarray(o * count, (o + 1) * count);
    const bias = layer.bias === undefined ? 0 : numbers[layer.bias + o];
    if (inputs === 2) { // most first layers: in one pass
      const a = numbers[weight + 2 * o], b = numbers[weight + 2 * o + 1];
      for (let p = 0; p < count; p++) row[p] = bias + a * x[p] + b * x[count + p];
      continue;
    }
    row.fill(bias);
    let i = 0;
    for (; i + 3 < inputs; i += 4) { // four at once: a row is read and written a quarter as often
      const w = weight + o * inputs + i, a = numbers[w], b = numbers[w + 1], c = numbers[w + 2], d = numbers[w + 3];
      const at = i * count, at2 = at + count, at3 = at2 + count, at4 = at3 + count;
      for (let p = 0; p < count; p++) row[p] += a * x[at + p] + b * x[at2 + p] + c * x[at3 + p] + d * x[at4 + p];
    }
    for (; i < inputs; i++) {
      const w = numbers[weight + o * inputs + i], at = i * count;
      for (let p = 0; p < count; p++) row[p] += w * x[at + p];
    }
  }
  return result;
}

/**
 * Bring the units of each point to mean 0 and variance 1 (Ba, Kiros & Hinton 2016).
 * @param {Layer} layer
 * @param {Float32Array} numbers
 * @param {Float64Array} x
 * @param {number} count
 */
function layerNorm(layer, numbers, x, count) {
  const units = x.length / count;
  for (let p = 0; p < count; p++) {
    let mean = 0;
    for (let u = 0; u < units; u++) mean += x[u * count + p];
    mean /= units;
    let variance = 0;
    for (let u = 0; u < units; u++) variance += (x[u * count + p] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / units + (layer.epsilon ?? 1e-5));
    for (let u = 0; u < units; u++) {
      const i = u * count + p;
      x[i] = scaled((x[i] - mean) * scale, layer, numbers, u);
    }
  }
  return x;
}

/**
 * Apply what batch normalisation has learned, by its running statistics (Ioffe & Szegedy 2015).
 * @param {Layer} layer
 * @param {Float32Array} numbers
 * @param {Float64Array} x
 * @param {number} count
 */
function batchNorm(layer, numbers, x, count) {
  const units = x.length / count;
  for (let u = 0; u < units; u++) {
    const mean = numbers[/** @type {number} */ (layer.mean) + u];
    const scale = 1 / Math.sqrt(numbers[/** @type {number} */ (layer.variance) + u] + (layer.epsilon ?? 1e-5));
    for (let i = u * count; i < (u + 1) * count; i++) x[i] = scaled((x[i] - mean) * scale, layer, numbers, u);
  }
  return x;
}

/**
 * @param {number} value
 * @param {Layer} layer
 * @param {Float32Array} numbers
 * @param {number} unit
 */
function scaled(value, layer, numbers, unit) {
  if (layer.weight === undefined || layer.bias === undefined) return value;
  return value * numbers[layer.weight + unit] + numbers[layer.bias + unit];
}

/**
 * Return the values of the last of some layers, one unit after the other.
 * @param {Layer[]} layers
 * @param {Float32Array} numbers those of a frame
 * @param {Float64Array} x features of the points, one feature after the other
 * @param {number} count of points
 * @returns {Float64Array}
 */
function evaluate(layers, numbers, x, count) {
  /** @type {Float64Array | null} */
  let whole = null;
  const features = x.length / count;
  for (let start = 0; start < count; start += POINTS_AT_ONCE) {
    const some = Math.min(POINTS_AT_ONCE, count - start);
    /** @type {Float64Array} */
    let values = new Float64Array(features * some);
    for (let f = 0; f < features; f++) values.set(x.subarray(f * count + start, f * count + start + some), f * some);
    for (const layer of layers) values = apply(layer, numbers, values, some);
    const units = values.length / some;
    whole ??= new Float64Array(units * count);
    for (let u = 0; u < units; u++) whole.set(values.subarray(u * some, (u + 1) * some), u * count + start);
  }
  return whole ?? new Float64Array(0);
}

/**
 * Turn logits into probabilities, in place.
 * @param {Float64Array} logits one class after the other
 * @param {number} count of points
 */
function softmax(logits, count) {
  const classes = logits.length / count;
  for (let p = 0; p < count; p++) {
    let most = -Infinity;
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[k * count + p]);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += logits[k * count + p] = Math.exp(logits[k * count + p] - most);
    for (let k = 0; k < classes; k++) logits[k * count + p] /= sum;
  }
  return logits;
}
