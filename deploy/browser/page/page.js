// The page: choosing a photograph, the slider, the settings, and what is said. The worker does the
// work. Nothing here sends anything: every request is for a file of this site.

import { refusal } from "./refusal.js";

const build = await (await fetch("build.json")).json(); // what deploy/browser/build.py wrote
const $ = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });

let file; // the photograph; the sample until a visitor chooses one
let readable; // the last one that could be decoded; others do not take its place
let shown; // the photograph whose color is on the page
let asked = 0; // jobs so far; answers to older ones are ignored

// --- Settings

function model() {
  return build.models.find(({ name }) => name === $("model").value);
}

function showSettings() {
  const { T, title, bytes } = model();
  $("sampling").hidden = T === null;
  $("model_means").textContent = `Its network: ${title} (${(bytes / 1e6).toFixed(1)} MB).`;
  $("T_said").value = Number($("T").value).toFixed(2);
  $("rebalance_said").value = `${Math.round(100 * $("rebalance").value)} %`;
}

// --- Work

/** Colorizes a chosen photograph or, after a change of the settings, the one that is there. */
async function colorize(chosen = file) {
  const id = ++asked;
  $("frame").setAttribute("aria-busy", "true");
  const wanted = chosen ?? (await sample());
  const why = await refusal(wanted);
  if (id !== asked) return; // something else was asked for meanwhile
  if (why) return finish(why, true);
  if (!chosen) shown = wanted;
  file = wanted;
  worker.postMessage({
    id,
    file,
    kind: file.type === "image/jpeg" ? "image/jpeg" : "image/png", // of the result
    model: model(),
    software: build.software,
    T: Number($("T").value),
    rebalance: Number($("rebalance").value),
  });
}

async function sample() {
  const picture = await (await fetch("sample.png")).blob();
  return new File([picture], `${build.sample}.png`, { type: "image/png" });
}

worker.onmessage = ({ data }) => {
  if (data.id !== asked) return;
  if (data.words) say(data.words);
  if (data.failed) file = readable;
  if (data.failed) finish(data.failed, true);
  if (data.gray) showGray(data);
  if (data.color) showColor(data);
};
worker.onerror = () => finish("The worker stopped: reload the page, or try a smaller photograph.", true);

function say(words, failed = false) {
  $("status").textContent = words;
  $("status").classList.toggle("failed", failed);
}

function finish(words, failed) {
  $("frame").removeAttribute("aria-busy");
  say(words, failed);
}

function showGray({ gray, width, height }) {
  $("frame").style.setProperty("--ratio", width / height);
  readable = file;
  replace($("gray"), gray);
  if (shown === file) return;
  $("color").hidden = true; // it is of another photograph
  $("gray").alt = `${file.name}, in black and white`;
  $("caption").textContent = "Drag across the picture, or use the arrow keys.";
}

function showColor({ color, note, width, height, seconds }) {
  const name = `${file.name.replace(/\.[^.]*$/, "")}_colorized`;
  replace($("color"), color);
  $("color").hidden = false;
  shown = file;
  $("download").href = $("color").src;
  $("download").download = `${name}.${color.type === "image/png" ? "png" : "jpg"}`;
  const took = `${width} × ${height} pixels in ${seconds.all.toFixed(1)} seconds`;
  finish([`In color: ${took}.`, note].filter(Boolean).join(" "));
  Object.assign($("status").dataset, seconds);
}

function replace(image, blob) {
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

// --- What a visitor does

function choose([chosen]) {
  if (chosen) colorize(chosen);
}

$("file").onchange = ({ target }) => {
  choose([...target.files]);
  target.value = ""; // the same file can be chosen again
};
$("split").oninput = ({ target }) => $("frame").style.setProperty("--split", `${target.value}%`);
for (const id of ["model", "T", "rebalance"]) {
  $(id).oninput = showSettings;
  $(id).onchange = () => colorize();
}
document.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
};
document.ondragleave = () => document.body.classList.remove("dropping");
document.ondrop = (event) => {
  event.preventDefault(); // the browser would leave the page to show the file
  document.body.classList.remove("dropping");
  choose([...event.dataTransfer.files]);
};

$("T").value = build.models.find(({ T }) => T !== null).T;
$("rebalance").value = 0;
showSettings();
say("You can also drop one here.");
document.documentElement.dataset.ready = "true";

if ("serviceWorker" in navigator) {
  await navigator.serviceWorker.register("sw.js");
  await navigator.serviceWorker.ready;
  $("offline").textContent = "It is ready for that now.";
}
