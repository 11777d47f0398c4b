"use strict";
// A browser plays only some dozens of videos in one page: those in sight hold their data, the others let it go.
const load = (video) => {
  if (!video.src) video.src = "data:video/mp4;base64," + document.getElementById(video.dataset.clip).textContent;
};
const unload = (video) => {
  video.pause();
  video.removeAttribute("src");
  video.load();
};
const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) load(entry.target);
    else if (entry.target.src) unload(entry.target);
  }
}, { rootMargin: "300px" });
const videos = [...document.querySelectorAll("video[data-clip]")];
for (const video of videos) {
  sight.observe(video);
  video.addEventListener("play", () => load(video));
}

for (const button of document.querySelectorAll("button.all")) {
  button.addEventListener("click", () => {
    const row = [...button.closest("section").querySelectorAll("video[data-clip]")];
    const playing = row.some((video) => !video.paused);
    for (const video of row) {
      if (playing) { video.pause(); continue; }
      load(video);
      video.muted = true;
      video.currentTime = 0;
      video.play().catch(() => {});
    }
  });
}

// Votes stay in this page until they are saved as a file for `dramagen bench vote`.
const votes = new Map();
const save = document.getElementById("save");
for (const box of document.querySelectorAll(".votes")) {
  const buttons = [...box.querySelectorAll("button")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "true";
      for (const each of buttons) each.setAttribute("aria-pressed", "false");
      if (pressed) votes.delete(box.dataset.take);
      else {
        button.setAttribute("aria-pressed", "true");
        votes.set(box.dataset.take, { ...JSON.parse(box.dataset.take), accepted: button.className === "yes", reason: "" });
      }
      save.classList.toggle("some", votes.size > 0);
      save.textContent = save.dataset.words.replace("{}", votes.size);
    });
  }
}
save.addEventListener("click", () => {
  const text = JSON.stringify({ votes: [...votes.values()], pairs: [] }, null, 1);
  const link = document.createElement("a");
  link.href = "data:application/json;charset=utf-8," + encodeURIComponent(text);
  link.download = "votes.json";
  link.click();
});
