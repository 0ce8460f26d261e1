// Boxes over the page for number, date, signature and seal: dragged, nudged with arrows, or typed in millimetres.
import { openAll } from "./viewer.js";

const MM = 72 / 25.4;
const [viewer] = await openAll();
const places = [...document.querySelectorAll("[data-place]")];
const number = (place, name) => Number(place.querySelector(`[data-num=${name}]`).value) || 0;
const put = (place, name, value) => { place.querySelector(`[data-num=${name}]`).value = (Math.round(value * 10) / 10).toString(); };
const fixed = (place) => place.querySelector("[data-num=left]").readOnly;

const resizable = (place) => !place.querySelector("[data-num=width]").readOnly;
const LEAST = { width: 5, height: 3 }; // millimetres

function boxOf(place) {
  const box = document.createElement("div");
  box.className = `box box--${place.dataset.place}`;
  box.tabIndex = 0;
  box.setAttribute("role", "button");
  const resize = resizable(place) ? "; giữ Alt để đổi cỡ" : "";
  box.setAttribute("aria-label", `${place.dataset.words}: dùng phím mũi tên để dời 1 mm, giữ Shift để dời 0,1 mm${resize}; Page Up, Page Down để sang trang`);
  const label = document.createElement("span");
  label.textContent = place.dataset.words;
  box.append(label);
  box.addEventListener("focus", () => mark(place));
  if (!fixed(place)) { drag(place, box); nudge(place, box); }
  if (resizable(place)) { box.append(grip(place, box)); }
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

const perMm = (place, box) => (box.parentElement.clientWidth / viewer.sizeOf(number(place, "page")).width) * MM;

// The sheet under the finger or mouse: a box dragged over another page belongs to that page.
function changePage(place, event, grab) {
  const sheet = document.elementsFromPoint(event.clientX, event.clientY).find((element) => element.classList.contains("sheet"));
  if (!sheet || Number(sheet.dataset.number) === number(place, "page")) return false;
  put(place, "page", Number(sheet.dataset.number));
  draw(place);
  const edge = sheet.getBoundingClientRect();
  const scale = perMm(place, place.box);
  move(place, (event.clientX - edge.left) / scale - grab.x, (event.clientY - edge.top) / scale - grab.y);
  return true;
}

function pull(handle, place, box, begin) {
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    box.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    const follow = begin(event);
    const end = () => {
      handle.removeEventListener("pointermove", follow);
      handle.removeEventListener("pointerup", end);
      handle.removeEventListener("pointercancel", end);
    };
    handle.addEventListener("pointermove", follow);
    handle.addEventListener("pointerup", end);
    handle.addEventListener("pointercancel", end);
  });
}

function drag(place, box) {
  pull(box, place, box, (event) => {
    let start = { x: event.clientX, y: event.clientY, left: number(place, "left"), top: number(place, "top") };
    const edge = box.getBoundingClientRect();
    const grab = { x: (event.clientX - edge.left) / perMm(place, box), y: (event.clientY - edge.top) / perMm(place, box) };
    const pointer = event.pointerId;
    return (moved) => {
      if (changePage(place, moved, grab)) {
        box.setPointerCapture(pointer); // moving it in the page let go of it
        start = { x: moved.clientX, y: moved.clientY, left: number(place, "left"), top: number(place, "top") };
        return;
      }
      const scale = perMm(place, box);
      move(place, start.left + (moved.clientX - start.x) / scale, start.top + (moved.clientY - start.y) / scale);
    };
  });
}

function grip(place, box) {
  const corner = document.createElement("i");
  corner.className = "box__grip";
  pull(corner, place, box, (event) => {
    const start = { x: event.clientX, y: event.clientY, width: number(place, "width"), height: number(place, "height") };
    return (moved) => {
      const scale = perMm(place, box);
      size(place, start.width + (moved.clientX - start.x) / scale, start.height + (moved.clientY - start.y) / scale);
    };
  });
  return corner;
}

function size(place, width, height) {
  const points = viewer.sizeOf(number(place, "page"));
  put(place, "width", Math.min(Math.max(width, LEAST.width), points.width / MM - number(place, "left")));
  put(place, "height", Math.min(Math.max(height, LEAST.height), points.height / MM - number(place, "top")));
  draw(place);
}

function turn(place, by) {
  const wanted = number(place, "page") + by;
  if (!viewer.sheetOf(wanted)) return;
  put(place, "page", wanted);
  move(place, number(place, "left"), number(place, "top"));
  place.box.focus();
  place.box.scrollIntoView({ block: "center" });
}

function nudge(place, box) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  box.addEventListener("keydown", (event) => {
    if (event.key === "PageUp" || event.key === "PageDown") {
      event.preventDefault();
      turn(place, event.key === "PageUp" ? -1 : 1);
      return;
    }
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.1 : 1;
    if (event.altKey) {
      if (resizable(place)) size(place, number(place, "width") + way[0] * step, number(place, "height") + way[1] * step);
      return;
    }
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
