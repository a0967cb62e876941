// Bilinear resizing, antialiased where it shrinks, as Pillow does it and the Python package uses it.

const LONGEST = 16; // working sizes that the longer side may have

/** Height and width at which a model of this size looks at a picture, as in colorizer/model.py. */
export function workingSize(height, width, size) {
  const scale = Math.min(
    size / Math.min(height, width),
    (LONGEST * size) / Math.max(height, width),
  );
  return [height, width].map((side) => Math.max(1, roundToEven(side * scale)));
}

function roundToEven(x) {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 ? up - 1 : up; // as Python rounds 2.5
}

/** For each of `to` places along a line of `from`: the first place that counts, and weights. */
export function weights(from, to) {
  const scale = from / to;
  const support = Math.max(1, scale);
  return Array.from({ length: to }, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const share = Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - center + 0.5) / support)),
    );
    const sum = share.reduce((total, value) => total + value, 0);
    return { first, share: Float64Array.from(share, (value) => value / sum) };
  });
}

/** Rows of a picture (Float32Array), `width` long, resized along the row. */
export function alongRows(picture, width, places) {
  const height = picture.length / width;
  const result = new Float32Array(height * places.length);
  for (let row = 0, out = 0; row < height; row++) {
    for (const { first, share } of places) {
      let sum = 0;
      for (let k = 0; k < share.length; k++) sum += share[k] * picture[row * width + first + k];
      result[out++] = sum;
    }
  }
  return result;
}

/** Rows of a picture, `width` long, mixed to the rows `places`. */
export function alongColumns(picture, width, places) {
  const result = new Float32Array(width * places.length);
  const sums = new Float64Array(width); // row by row: memory is read in its order
  places.forEach(({ first, share }, row) => {
    sums.fill(0);
    for (let k = 0; k < share.length; k++) {
      const start = (first + k) * width;
      for (let x = 0; x < width; x++) sums[x] += share[k] * picture[start + x];
    }
    result.set(sums, row * width);
  });
  return result;
}
