// sRGB and CIELAB, with the constants and the order of course_utils/color.py: its tests compare the
// two. D65, 2 degree observer. L in 0..100, a and b in CIELAB units, light in 0..1.

const XYZ_FROM_RGB = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
];
const WHITE = [0.95047, 1, 1.08883];
const FROM_LIGHT = XYZ_FROM_RGB.map((row, i) => row.map((value) => value / WHITE[i]));
const TO_LIGHT = inverse(FROM_LIGHT);
const DARKEST = -1e-5; // light that is as good as within sRGB: 8 bits hide the rest
const LIGHTEST = 1 + 1e-4;
const HALVINGS = 8; // of chroma, when the gamut is searched: to 0.4 in ab

const LIGHT_OF_BYTE = Float64Array.from({ length: 256 }, (_, byte) => {
  const v = byte / 255;
  return v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92;
});
const light = new Float64Array(3); // of the color that `holds` looked at last

function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ].map((row) => row.map((value) => value / determinant));
}

function encode(v) {
  return v > 0.0031308 ? 1.055 * v ** (1 / 2.4) - 0.055 : 12.92 * v;
}

function inverseResponse(f) {
  return f > 0.2068966 ? f * f * f : (f - 16 / 116) / 7.787;
}

/** Whether sRGB holds a color, but for what 8 bits hide. */
function holds(L, a, b) {
  const middle = (L + 16) / 116;
  const x = inverseResponse(middle + a / 500);
  const y = inverseResponse(middle);
  const z = inverseResponse(Math.max(0, middle - b / 200));
  let inside = true;
  for (let i = 0; i < 3; i++) {
    light[i] = TO_LIGHT[i][0] * x + TO_LIGHT[i][1] * y + TO_LIGHT[i][2] * z;
    inside &&= light[i] >= DARKEST && light[i] <= LIGHTEST;
  }
  return inside;
}

/** L, Float32Array (n), of sRGB bytes (4 n) with a fourth channel that is ignored. */
export function lightness(rgba) {
  const L = new Float32Array(rgba.length / 4);
  const [red, green, blue] = FROM_LIGHT[1];
  for (let i = 0, k = 0; i < L.length; i++, k += 4) {
    const y =
      red * LIGHT_OF_BYTE[rgba[k]] +
      green * LIGHT_OF_BYTE[rgba[k + 1]] +
      blue * LIGHT_OF_BYTE[rgba[k + 2]];
    L[i] = 116 * (y > 0.008856 ? Math.cbrt(y) : 7.787 * y + 16 / 116) - 16;
  }
  return L;
}

/**
 * Writes the sRGB bytes of L, a and b (n each) into rgba (4 n), clamped bytes.
 * L and the hue angle stay. Chroma shrinks where sRGB does not hold a color, so black is black.
 */
export function paint(L, a, b, rgba) {
  for (let i = 0, k = 0; i < L.length; i++, k += 4) {
    if (!holds(L[i], a[i], b[i])) {
      let low = 0;
      let high = 1;
      for (let n = 0; n < HALVINGS; n++) {
        const middle = (low + high) / 2;
        if (holds(L[i], middle * a[i], middle * b[i])) low = middle;
        else high = middle;
      }
      holds(L[i], low * a[i], low * b[i]);
    }
    for (let c = 0; c < 3; c++) rgba[k + c] = 255 * encode(light[c]); // rounds and clips by itself
    rgba[k + 3] = 255;
  }
}
