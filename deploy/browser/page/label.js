// The label of a colored picture, where the Python package writes and reads it: at the end of the
// EXIF ImageDescription and, in PNG, of the text "Description". What the photograph's EXIF says
// (author, date, place) is kept; orientation, thumbnail and how its pixels lay are not true any more.

const DESCRIPTION = 0x010e;
const SOFTWARE = 0x0131;
const EXIF_IFD = 0x8769;
const UNIQUE_ID = 0xa420;
const STORAGE = [
  [254, 266], [273, 281], [284, 284], [288, 293], [301, 301], [317, 350], [512, 532], [700, 700],
  [34675, 34675], [50700, 52599],
];
const NOT_TRUE = [[0xa001, 0xa003], [0xa005, 0xa005], [0xa500, 0xa500]]; // color space, size
const ASCII = 2;
const LONG = 4;
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]; // bytes of a value of each type
const MOST = 65533; // bytes that a JPEG segment has room for
const EMPTY = Uint8Array.of(0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0);
const EXIF = "Exif\0\0";
const PNG = [0x89, 0x50, 0x4e, 0x47];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function join(...parts) {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function big(number, size) {
  return Uint8Array.from({ length: size }, (_, k) => number >>> (8 * (size - 1 - k)));
}

export function isPng(bytes) {
  return PNG.every((byte, k) => bytes[k] === byte);
}

/**
 * The file of a colored picture (PNG or JPEG bytes) with its label.
 * source: bytes of the photograph's file. said: {label, software, stamp}.
 * Returns [bytes, note]; the note is a sentence where the photograph's EXIF had no room.
 */
export function labelled(picture, source, said) {
  const texts = isPng(source) ? pngTexts(source) : [];
  const given = texts.find(({ key }) => key === "Description");
  let exif = exifOf(source);
  let block;
  let note = "";
  try {
    block = relabelled(exif ?? EMPTY, said, given?.text);
  } catch {
    [block, exif] = [relabelled(EMPTY, said, given?.text), null]; // damaged EXIF says nothing
  }
  if (!isPng(picture)) {
    if (block.tiff.length > MOST - EXIF.length) {
      block = relabelled(EMPTY, said);
      note = "What the camera wrote into the photograph had no room beside the label.";
    }
    const body = join(encoder.encode(EXIF), block.tiff);
    const at = picture[3] === 0xe0 ? 4 + viewOf(picture).getUint16(4) : 2; // behind JFIF's segment
    const head = Uint8Array.of(0xff, 0xe1, ...big(body.length + 2, 2));
    return [join(picture.subarray(0, at), head, body, picture.subarray(at)), note];
  }
  const kept = texts.filter(({ key }) => !["Description", "Software"].includes(key));
  const chunks = [
    chunk("eXIf", block.tiff),
    chunk("iTXt", encoder.encode(`Description\0\0\0\0\0${decoder.decode(block.caption)}`)),
    chunk("iTXt", encoder.encode(`Software\0\0\0\0\0${said.software}`)),
    ...kept.map(({ whole }) => whole),
  ];
  const at = 8 + 25; // behind the signature and IHDR
  return [join(picture.subarray(0, at), ...chunks, picture.subarray(at)), note];
}

// --- EXIF: a small TIFF file. Its bytes stay where they are, so that all that points into them
// (maker notes too) stays right; new directories follow behind them.

function relabelled(old, { label, software, stamp }, described = "") {
  const little = old[0] === 0x49;
  const view = viewOf(old);
  if (view.getUint16(2, little) !== 42) throw new RangeError("no TIFF");
  const tags = directory(old, view.getUint32(4, little), little, STORAGE);
  const pointer = tags.get(EXIF_IFD);
  const inner = pointer
    ? directory(old, viewOf(pointer.value).getUint32(0, little), little, NOT_TRUE)
    : new Map();
  const caption = join(captionBefore(old, tags.get(DESCRIPTION), little, described), encoder.encode(label));

  let tiff = join(old, new Uint8Array(old.length % 2));
  const added = (bytes) => {
    const at = tiff.length;
    tiff = join(tiff, bytes, new Uint8Array(bytes.length % 2));
    return at;
  };
  const number = (value, size) => (little ? big(value, size).reverse() : big(value, size));
  const text = (bytes) => {
    const ended = join(bytes, Uint8Array.of(0));
    return { type: ASCII, count: ended.length, value: number(added(ended), 4) };
  };
  const written = (entries) => {
    const sorted = [...entries].sort(([first], [second]) => first - second);
    const lines = sorted.map(([tag, { type, count, value }]) =>
      join(number(tag, 2), number(type, 2), number(count, 4), value),
    );
    return added(join(number(sorted.length, 2), ...lines, new Uint8Array(4)));
  };
  tags.set(DESCRIPTION, text(caption));
  tags.set(SOFTWARE, text(encoder.encode(software)));
  if (stamp) inner.set(UNIQUE_ID, text(encoder.encode(stamp)));
  if (inner.size) tags.set(EXIF_IFD, { type: LONG, count: 1, value: number(written(inner), 4) });
  const start = written(tags);
  tiff.set(number(start, 4), 4);
  return { tiff, caption };
}

/** The entries of a directory, Map of tag to {type, count, value: 4 bytes}, without `dropped`. */
function directory(tiff, at, little, dropped) {
  const view = viewOf(tiff);
  const entries = new Map();
  for (let k = 0; k < view.getUint16(at, little); k++) {
    const line = at + 2 + 12 * k;
    const [tag, type] = [view.getUint16(line, little), view.getUint16(line + 2, little)];
    const count = view.getUint32(line + 4, little);
    const size = count * (SIZES[type] ?? 0);
    const inside = size <= 4 || view.getUint32(line + 8, little) + size <= tiff.length;
    const wanted = !dropped.some(([first, last]) => first <= tag && tag <= last);
    if (size && inside && wanted) {
      entries.set(tag, { type, count, value: tiff.slice(line + 8, line + 12) });
    }
  }
  return entries;
}

function captionBefore(tiff, entry, little, described) {
  let said = encoder.encode(described.trim());
  if (entry?.type === ASCII && entry.count > 4) {
    const at = viewOf(entry.value).getUint32(0, little);
    said = tiff.slice(at, at + entry.count);
  } else if (entry?.type === ASCII) said = entry.value.slice(0, entry.count);
  const blank = (byte) => byte === 0 || byte === 32;
  let [first, end] = [0, said.length];
  while (first < end && blank(said[first])) first++;
  while (end > first && blank(said[end - 1])) end--;
  return end > first ? join(said.slice(first, end), encoder.encode("; ")) : new Uint8Array();
}

/** The EXIF block of a JPEG or PNG file, or null. */
function exifOf(source) {
  if (isPng(source)) return chunks(source).find(({ type }) => type === "eXIf")?.data ?? null;
  if (source[0] !== 0xff || source[1] !== 0xd8) return null;
  const view = viewOf(source);
  for (let at = 2; at + 4 < source.length && source[at] === 0xff && source[at + 1] !== 0xda; ) {
    const end = at + 2 + view.getUint16(at + 2);
    const body = source.slice(at + 4, end);
    if (source[at + 1] === 0xe1 && decoder.decode(body.subarray(0, 6)) === EXIF) return body.slice(6);
    at = end;
  }
  return null;
}

// --- PNG

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function chunk(type, data) {
  const body = join(encoder.encode(type), data);
  let crc = ~0;
  for (const byte of body) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return join(big(data.length, 4), body, big(~crc, 4));
}

function chunks(png) {
  const found = [];
  const view = viewOf(png);
  for (let at = 8; at + 12 <= png.length; ) {
    const end = at + 12 + view.getUint32(at);
    const type = decoder.decode(png.subarray(at + 4, at + 8));
    found.push({ type, data: png.slice(at + 8, end - 4), whole: png.slice(at, end) });
    at = end;
  }
  return found;
}

/** The texts of a PNG file, [{key, text, whole}]; text is "" where it is packed. */
function pngTexts(png) {
  return chunks(png)
    .filter(({ type }) => ["tEXt", "zTXt", "iTXt"].includes(type))
    .map(({ type, data, whole }) => {
      const end = data.indexOf(0);
      const key = decoder.decode(data.subarray(0, end));
      if (type === "tEXt") return { key, text: latin1(data.subarray(end + 1)), whole };
      const plain = type === "iTXt" && data[end + 1] === 0;
      const start = data.indexOf(0, data.indexOf(0, end + 3) + 1) + 1; // behind two more texts
      return { key, text: plain ? decoder.decode(data.subarray(start)) : "", whole };
    });
}

function latin1(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
