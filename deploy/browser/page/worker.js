// Everything that takes long: reading, resizing, the network, painting, writing the file. It runs
// beside the page, which stays quick. What `Colorizer.colorize` of the Python package does, it does.

import * as ort from "./vendor/onnxruntime-web/dist/ort.wasm.min.mjs";
import { lightness, paint } from "./color.js";
import { labelled } from "./label.js";
import { alongColumns, alongRows, weights, workingSize } from "./resize.js";

ort.env.wasm.numThreads = 1; // more would need headers that many hosts cannot set

const BAND = 2 ** 19; // pixels at a time: a picture of floats would take four times the room
const SHOWN = 1600; // pixels of the longer side of the gray picture that the page shows
const RUNTIME = "vendor/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm.gz";
const sessions = new Map(); // network by file name
let latest; // the job that was asked for last; older ones stop

self.onmessage = async ({ data: job }) => {
  latest = job;
  const tell = (what) => self.postMessage({ id: job.id, ...what });
  try {
    await colorize(job, tell);
  } catch (error) {
    if (error instanceof Superseded) return;
    console.error(error);
    tell({ failed: error instanceof Sentence ? error.message : unforeseen(job.file, error) });
  }
};

class Superseded extends Error {}
class Sentence extends Error {} // what the visitor is told

function unforeseen(file, error) {
  const why = String(error?.message ?? error).slice(0, 200);
  return `${file.name} could not be colored (${why}): try a smaller copy, or another browser.`;
}

/** job: {id, file, kind, model, software, T, rebalance}. Tells {words}, {gray}, at the end {color, …}. */
async function colorize(job, tell) {
  const began = performance.now();
  tell({ words: "Reading the photograph …" });
  const canvas = await decoded(job.file);
  const { width, height } = canvas;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const [h, w] = workingSize(height, width, job.model.size);

  // L at the working size: rows as they come, columns when all are there. The canvas turns gray.
  const across = weights(width, w);
  const narrow = new Float32Array(height * w);
  for (const band of bands(width, height)) {
    await next(job);
    const pixels = context.getImageData(0, band.top, width, band.rows);
    const L = lightness(pixels.data);
    narrow.set(alongRows(L, width, across), band.top * w);
  }
  const small = alongColumns(narrow, w, weights(height, h));
  for (let i = 0; i < small.length; i++) small[i] = Math.min(100, Math.max(0, small[i]));
  tell({ gray: await grayCopy(canvas), width, height });

  const session = await network(job.model, tell);
  await next(job);
  tell({ words: "The network looks at the photograph …" });
  await next(job);
  const looked = performance.now();
  const ab = await abOf(session, small, h, w, job);
  const seconds = { network: (performance.now() - looked) / 1000 };

  // ab at full width, then band by band at full height, joined to the photograph's own L.
  const planes = [0, 1].map((k) =>
    alongRows(ab.subarray(k * h * w, (k + 1) * h * w), w, weights(w, width)),
  );
  const down = weights(h, height);
  for (const band of bands(width, height)) {
    tell({ words: `Adding color: ${Math.round((100 * band.top) / height)} % …` });
    await next(job);
    const pixels = context.getImageData(0, band.top, width, band.rows);
    const places = down.slice(band.top, band.top + band.rows);
    const [a, b] = planes.map((plane) => alongColumns(plane, width, places));
    paint(lightness(pixels.data), a, b, pixels.data);
    context.putImageData(pixels, 0, band.top);
  }

  tell({ words: "Writing the file …" });
  await next(job);
  const [color, note] = await written(canvas, job);
  await next(job);
  seconds.all = (performance.now() - began) / 1000;
  tell({ color, note, width, height, seconds });
}

/** Lets messages in; a job that is no longer wanted ends here. */
async function next(job) {
  await new Promise((resolve) => setTimeout(resolve));
  if (job !== latest) throw new Superseded();
}

function* bands(width, height) {
  const rows = Math.max(1, Math.floor(BAND / width));
  for (let top = 0; top < height; top += rows) yield { top, rows: Math.min(rows, height - top) };
}

/** The photograph upright and in sRGB on a canvas, over white where it is transparent. */
async function decoded(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Sentence(`${file.name} is damaged or cut short: copy or download it again.`);
  }
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  // A canvas that is too large for a browser stays transparent, without an error.
  if (context.getImageData(canvas.width - 1, canvas.height - 1, 1, 1).data[3] !== 255) {
    throw new Sentence(`${file.name} is too large for this browser: save a smaller copy.`);
  }
  return canvas;
}

/** What the network sees, as a picture to show. */
async function grayCopy(canvas) {
  const scale = Math.min(1, SHOWN / Math.max(canvas.width, canvas.height));
  const sides = [canvas.width, canvas.height].map((side) => Math.max(1, Math.round(side * scale)));
  const copy = new OffscreenCanvas(...sides);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0, ...sides);
  const pixels = context.getImageData(0, 0, ...sides);
  const none = new Float32Array(pixels.data.length / 4);
  paint(lightness(pixels.data), none, none, pixels.data);
  context.putImageData(pixels, 0, 0);
  return copy.convertToBlob({ type: "image/png" });
}

async function network(model, tell) {
  if (!sessions.has(model.file)) {
    const bytes = await fetched(model, tell);
    tell({ words: "Opening the colorizer …" });
    ort.env.wasm.wasmBinary ??= await unpacked(RUNTIME);
    sessions.clear(); // one network in memory is enough for a phone
    sessions.set(model.file, await ort.InferenceSession.create(bytes));
  }
  return sessions.get(model.file);
}

/** A file that is stored packed, a quarter of its size; some hosts unpack it on the way. */
async function unpacked(file) {
  const answer = await fetch(file);
  if (!answer.ok) throw new Sentence("The runtime could not be fetched: connect, and try again.");
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.buffer;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function fetched(model, tell) {
  const size = `${(model.bytes / 1e6).toFixed(1)} MB`;
  tell({ words: `Fetching the colorizer (${size}, once) …` });
  try {
    const answer = await fetch(model.file);
    if (!answer.ok) throw new Error(answer.status);
    return new Uint8Array(await answer.arrayBuffer());
  } catch {
    throw new Sentence(
      `The colorizer (${size}) could not be fetched: connect once, or choose one you used before.`,
    );
  }
}

/** ab, Float32Array (2, h, w), of L (h, w). */
async function abOf(session, L, h, w, { model, T, rebalance }) {
  const feeds = { L: new ort.Tensor("float32", L, [1, 1, h, w]) };
  const scalar = (value) => new ort.Tensor("float32", [value], []);
  if (model.T !== null) Object.assign(feeds, { T: scalar(T), rebalance: scalar(rebalance) });
  const { ab } = await session.run(feeds);
  if (!ab.data.every(Number.isFinite)) {
    throw new Sentence("The colorizer answers with no numbers here: choose another one.");
  }
  return ab.data;
}

async function written(canvas, { file, kind, model, software }) {
  // Quality 1 alone keeps the color of every pixel; less would blur the very thing that was made.
  const picture = await canvas.convertToBlob({ type: kind, quality: 1 });
  const source = new Uint8Array(await file.arrayBuffer());
  const stamp = await fingerprint(model, source);
  const said = { label: model.label, software, stamp };
  const [bytes, note] = labelled(new Uint8Array(await picture.arrayBuffer()), source, said);
  return [new Blob([bytes], { type: picture.type }), note];
}

/** 32 digits that name this model and this photograph, as `Colorizer.fingerprint`. */
async function fingerprint(model, source) {
  if (!self.crypto?.subtle) return null; // browsers have it on https and on this machine only
  const bytes = new Uint8Array(64 + source.length);
  bytes.set(new TextEncoder().encode(model.sha256));
  bytes.set(source, 64);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 32);
}
