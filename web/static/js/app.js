// Small comforts for every page. Without this file all forms and links still work.

// A form is sent once: the second click of an impatient hand finds the button resting.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  const file = form.querySelector("input[type=file]");
  const limit = Number(form.dataset.maxMb || 0);
  if (file?.files[0] && limit && file.files[0].size > limit * 1048576) {
    event.preventDefault();
    file.setCustomValidity(`Tệp lớn hơn ${limit} MB, hãy nén hoặc quét lại với độ phân giải thấp hơn.`);
    file.reportValidity();
    return;
  }
  form.dataset.sent = "1";
  const button = event.submitter ?? form.querySelector("button[type=submit]");
  if (!button) return;
  button.setAttribute("aria-disabled", "true");
  if (button.dataset.busy) { button.dataset.rest = button.textContent; button.textContent = button.dataset.busy; }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file]")) event.target.setCustomValidity("");
});

// Back from the browser's memory the page must not look as if it were still sending.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
      if (button.dataset.rest) button.textContent = button.dataset.rest;
    }
  }
});

for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.querySelector("button").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// The menu stands open beside the page on a desk, folded above it on a phone.
const menu = document.querySelector("[data-nav]");
if (menu) {
  const wide = window.matchMedia("(min-width: 900px)");
  const fit = () => { menu.open = wide.matches; };
  fit();
  wide.addEventListener("change", fit);
}

for (const area of document.querySelectorAll("[data-count]")) {
  const shown = area.closest(".field").querySelector("[data-count-shown]");
  const count = () => { shown.textContent = `Đã dùng ${area.value.normalize("NFC").length}.`; };
  area.addEventListener("input", count);
  count();
}

// A browser set to English shows month before day: the date is said again in words that cannot be mistaken.
for (const field of document.querySelectorAll("input[type=date]")) {
  const echo = document.createElement("p");
  echo.className = "field__hint";
  echo.setAttribute("aria-live", "polite");
  field.after(echo);
  const say = () => {
    const [year, month, day] = field.value.split("-").map(Number);
    echo.textContent = year ? new Intl.DateTimeFormat("vi-VN", { weekday: "long", day: "2-digit", month: "2-digit", year: "numeric" }).format(new Date(year, month - 1, day)) : "";
  };
  field.addEventListener("input", say);
  say();
}

const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/gi, "d").toLowerCase();

for (const picker of document.querySelectorAll("[data-picker]")) {
  const search = picker.querySelector("[data-picker-search]");
  const shown = picker.querySelector("[data-picker-count]");
  const items = [...picker.querySelectorAll(".picker__item")].map((item) => ({ item, text: folded(`${item.textContent} ${item.dataset.also ?? ""}`), box: item.querySelector("input") }));
  const count = () => {
    const chosen = items.filter(({ box }) => box.checked).length;
    shown.textContent = chosen ? `Đã chọn ${chosen}` : "Chưa chọn";
    items[0]?.box.setCustomValidity(chosen ? "" : "Chọn ít nhất một nơi nhận.");
  };
  search.addEventListener("input", () => {
    const wanted = folded(search.value.trim());
    for (const { item, text } of items) item.hidden = !text.includes(wanted);
  });
  const list = picker.querySelector(".picker__list");
  list.prepend(...items.filter(({ box }) => box.checked).map(({ item }) => item));
  search.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  picker.addEventListener("change", count);
  count();
}

// An area refreshes itself only while somebody can see it; its first filling is never held back.
document.addEventListener("htmx:beforeRequest", (event) => {
  const area = event.detail.elt;
  const trigger = area.getAttribute("hx-trigger") ?? "";
  if (document.hidden && trigger.includes("every") && (area.dataset.filled || !trigger.includes("load"))) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => { event.detail.elt.dataset.filled = "1"; });

// What somebody has unfolded stays open when its area refreshes.
let unfolded = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  unfolded = [...event.detail.target.querySelectorAll("details[open][id]")].map(({ id }) => id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  unfolded = [];
});

// What stopped a person is where the eye goes first.
document.querySelector("main .problem")?.scrollIntoView({ block: "center" });
