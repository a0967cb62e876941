// What HTML alone cannot: the slider between before and after, progress, and dropped files.
// Every page also works without this file.
document.documentElement.classList.add("js");

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function add(parent, name, properties = {}) {
  return parent.appendChild(Object.assign(document.createElement(name), properties));
}

// Two pictures in [data-compare] lie on each other; the second one shows right of the cut.
function compare(box) {
  const slider = add(box, "input", { type: "range", min: 0, max: 100, step: 0.5, value: 50 });
  slider.setAttribute("aria-label", "Show more of the photograph before, or after");
  const told = () => {
    box.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${Math.round(slider.value)} percent before`);
  };
  slider.addEventListener("input", told);
  for (const [word, name] of [["⇔", "knob"], ["Before", "tag before"], ["After", "tag after"]]) {
    add(box, "span", { className: name, textContent: word, ariaHidden: "true" });
  }
  const [width, height] = ["width", "height"].map((name) => box.querySelector("img").getAttribute(name));
  box.style.setProperty("--ratio", width / height);
  box.style.setProperty("--wide", `${width}px`);
  told();
  box.classList.add("ready");
}

// While photographs in [data-watch] wait for color, ask how far they are. When one is done, take
// its new part of the page; what the visitor has chosen meanwhile stays chosen.
function watch(box) {
  const ids = box.dataset.watch.trim().split(/\s+/).filter(Boolean);
  if (!ids.length) return;
  const query = ids.map((id) => `id=${id}`).join("&");
  let before = 0;
  const look = async () => {
    const answer = await fetch(`/photos/states?${query}`).catch(() => null);
    if (answer?.redirected || answer?.status === 404) return location.reload();
    if (!answer?.ok) return setTimeout(look, 5000);
    const said = await answer.json().catch(() => null);
    if (!said) return; // the visitor leaves the page
    const { jobs, ahead } = said;
    for (const { id, status, progress } of jobs) {
      const bar = document.getElementById(`p-${id}`);
      if (bar) bar.value = progress;
      for (const word of all(`[data-job="${id}"]`)) word.textContent = status === "running" ? "Coloring" : "Waiting";
    }
    for (const line of all("[data-ahead]")) {
      line.textContent = ahead ? `Up to ${ahead} of other people come before your next one.` : "";
    }
    const ended = jobs.filter(({ status }) => status === "done" || status === "failed").length;
    if (ended !== before) await renew();
    before = ended;
    if (ended < jobs.length) setTimeout(look, ahead > 10 ? 4000 : 1000);
  };
  look();
}

async function renew() {
  const answer = await fetch(location.href).catch(() => null);
  const text = answer?.ok && (await answer.text().catch(() => null));
  if (!text) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const fresh of all("[data-live]", page)) {
    const old = document.getElementById(fresh.id);
    if (!old || old.dataset.live === fresh.dataset.live) continue;
    const chosen = old.querySelector("input[name=id]")?.checked;
    old.replaceWith(fresh);
    if (chosen) fresh.querySelector("input[name=id]").checked = true;
    all("[data-compare]", fresh).forEach(compare);
    all("[data-ask]", fresh).forEach(ask);
  }
}

function drop(form) {
  const [input] = all("input[type=file]", form);
  const [send] = all("[data-send]", form);
  const [line] = all("[data-chosen]", form);
  const told = () => {
    const files = all("input[type=file]", form).flatMap((one) => [...one.files]);
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const most = Number(form.dataset.most);
    const names = files.slice(0, 3).map((file) => file.name).join(", ");
    line.textContent = !files.length ? ""
      : bytes > most ? `These files have ${Math.ceil(bytes / 1e6)} MB. At most ${most / 1e6} MB go at once: choose fewer.`
      : `${names}${files.length > 3 ? ` and ${files.length - 3} more` : ""}`;
    send.hidden = !files.length || bytes > most;
    if (!send.hidden) send.focus();
  };
  form.addEventListener("change", (event) => event.target.type === "file" && told());
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; told(); }
  });
  form.addEventListener("submit", () => {
    send.textContent = "Uploading …";
    setTimeout(() => { send.disabled = true; });
  });
  told();
}

function ask(button) {
  button.addEventListener("click", (event) => confirm(button.dataset.ask) || event.preventDefault());
}

all("[data-compare]").forEach(compare);
all("[data-watch]").forEach(watch);
all("[data-drop]").forEach(drop);
all("[data-ask]").forEach(ask);
// Without it the pages work too; a visitor who leaves at once interrupts its installation.
navigator.serviceWorker?.register("/sw.js").catch(() => {});
