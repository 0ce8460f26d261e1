// Boxes over the page for number, date, signature and seal: dragged, nudged with arrows, or typed in millimetres.
import { openAll } from "./viewer.js";

const MM = 72 / 25.4;
const [viewer] = await openAll();
const places = [...document.querySelectorAll("[data-place]")];
const number = (place, name) => Number(place.querySelector(`[data-num=${name}]`).value) || 0;
const put = (place, name, value) => { place.querySelector(`[data-num=${name}]`).value = (Math.round(value * 10) / 10).toString(); };
const fixed = (place) => place.querySelector("[data-num=left]").readOnly;

function boxOf(place) {
  const box = document.createElement("div");
  box.className = `box box--${place.dataset.place}`;
  box.tabIndex = 0;
  box.setAttribute("role", "button");
  box.setAttribute("aria-label", `${place.dataset.words}: dùng phím mũi tên để dời 1 mm, giữ Shift để dời 0,1 mm`);
  const label = document.createElement("span");
  label.textContent = place.dataset.words;
  box.append(label);
  box.addEventListener("focus", () => mark(place));
  if (!fixed(place)) { drag(place, box); nudge(place, box); }
  return box;
}

function mark(active) {
  for (const place of places) place.toggleAttribute("data-active", place === active);
}

function draw(place) {
  const sheet = viewer.sheetOf(number(place, "page"));
  place.box ??= boxOf(place);
  if (!sheet) { place.box.remove(); return; }
  const points = viewer.sizeOf(number(place, "page"));
  const share = (mm, whole) => `${(mm * MM * 100) / whole}%`;
  Object.assign(place.box.style, {
    left: share(number(place, "left"), points.width),
    top: share(number(place, "top"), points.height),
    width: share(number(place, "width"), points.width),
    height: share(number(place, "height"), points.height),
  });
  if (place.box.parentElement !== sheet) sheet.append(place.box);
}

function move(place, left, top) {
  const points = viewer.sizeOf(number(place, "page"));
  const most = (whole, own) => Math.max(0, whole / MM - own);
  put(place, "left", Math.min(Math.max(left, 0), most(points.width, number(place, "width"))));
  put(place, "top", Math.min(Math.max(top, 0), most(points.height, number(place, "height"))));
  draw(place);
}

function drag(place, box) {
  box.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    box.focus();
    box.setPointerCapture(event.pointerId);
    const start = { x: event.clientX, y: event.clientY, left: number(place, "left"), top: number(place, "top") };
    const perMm = (box.parentElement.clientWidth / viewer.sizeOf(number(place, "page")).width) * MM;
    const follow = (moved) => move(place, start.left + (moved.clientX - start.x) / perMm, start.top + (moved.clientY - start.y) / perMm);
    box.addEventListener("pointermove", follow);
    box.addEventListener("lostpointercapture", () => box.removeEventListener("pointermove", follow), { once: true });
  });
}

function nudge(place, box) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  box.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.1 : 1;
    move(place, number(place, "left") + way[0] * step, number(place, "top") + way[1] * step);
  });
}

for (const place of places) {
  place.addEventListener("input", () => draw(place));
  place.addEventListener("focusin", () => {
    mark(place);
    place.box?.scrollIntoView({ block: "nearest" });
  });
}
viewer.addEventListener("ready", () => places.forEach(draw));
viewer.addEventListener("layout", () => places.forEach(draw));
