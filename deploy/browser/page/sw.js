// Keeps the page's files, so that it works without network after the first visit. It sends nothing
// but requests for those files. The build puts a hash of all files where BUILD stands below.

const KEEP = "color-from-gray BUILD";

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const { first } = await (await fetch("build.json", { cache: "no-cache" })).json();
      const requests = first.map((file) => new Request(file, { cache: "no-cache" }));
      await (await caches.open(KEEP)).addAll(requests);
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const ours = (await caches.keys()).filter((name) => name.startsWith("color-from-gray"));
      await Promise.all(ours.filter((name) => name !== KEEP).map((name) => caches.delete(name)));
      await self.clients.claim(); // a page that was open before keeps what it fetches, too
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(KEEP);
      const kept = await cache.match(request, { ignoreSearch: true });
      if (kept) return kept;
      const answer = await fetch(request);
      if (answer.status === 200) await cache.put(request, answer.clone());
      return answer;
    })(),
  );
});
