// Why a file cannot be colored, before anything is decoded: one sentence that names the remedy.

const MOST_BYTES = 200e6;
const MOST_PIXELS = 64e6; // they and the result take 512 MB
// What is mistaken for a picture: how it begins, and what it is.
const FOREIGN = [
  ["ftypavi", "is an AVIF picture that this browser cannot read: save it as JPEG"],
  ["ftyphe", "is a HEIC picture, which this browser cannot read: export it as JPEG"],
  ["ftypmif", "is a HEIC or AVIF picture that this browser cannot read: export it as JPEG"],
  ["ftypmsf", "is a HEIC picture, which this browser cannot read: export it as JPEG"],
  ["ftyp", "is a video: save one frame of it as PNG"],
  ["ii*\0", "is a TIFF picture, which this browser cannot read: save it as PNG"],
  ["mm\0*", "is a TIFF picture, which this browser cannot read: save it as PNG"],
  ["\xff\x0a", "is a JPEG XL picture, which this browser cannot read: save it as JPEG"],
  ["\0\0\0\x0cjxl ", "is a JPEG XL picture, which this browser cannot read: save it as JPEG"],
  ["%pdf", "is a PDF document: export the page as PNG"],
  ["pk\x03\x04", "is an archive: unpack it and choose one photograph"],
  ["<", "is a drawing or a web page: save it as PNG"],
];

/** A sentence, or null for a picture that the browser can open. */
export async function refusal(file) {
  if (!file.size) return `${file.name} is empty (0 bytes): copy or download it again.`;
  if (file.size > MOST_BYTES) {
    const size = `${Math.round(file.size / 1e6)} MB, and ${MOST_BYTES / 1e6} is the most`;
    return `${file.name} has ${size}: save a smaller copy.`;
  }
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 64).arrayBuffer()));
  const start = (head.slice(4, 8) === "ftyp" ? head.slice(4) : head.trimStart()).toLowerCase();
  const known = FOREIGN.find(([sign]) => start.startsWith(sign));
  if (known?.[0] === "<") return `${file.name} ${known[1]}.`; // an SVG could be opened, and run
  const size = await measured(file);
  if (!size) {
    const unknown = "is damaged, no picture or far too large: save a smaller copy as JPEG or PNG";
    return `${file.name} ${known?.[1] ?? unknown}.`;
  }
  const pixels = size.width * size.height;
  if (pixels > MOST_PIXELS) {
    const [has, most] = [pixels, MOST_PIXELS].map((count) => Math.round(count / 1e6));
    return `${file.name} has ${has} million pixels, and ${most} is the most: save a smaller copy.`;
  }
  return null;
}

/** Width and height of a picture, from its head alone, or null. */
async function measured(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
