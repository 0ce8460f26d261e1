// "Xem thử" beside the form instead of in a new window: the PDF comes back and is shown without being kept anywhere.
import { Viewer } from "./viewer.js";

const form = document.querySelector("[data-draft]");
const button = form.querySelector("[data-preview]");
const place = document.querySelector("[data-preview-at]");
const template = document.querySelector("[data-preview-viewer]");

form.addEventListener("submit", async (event) => {
  if (event.submitter !== button) return;
  event.preventDefault();
  event.stopPropagation(); // not the sending that may happen only once
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  try {
    await show(await fetch(button.formAction, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } }));
  } catch (error) {
    console.error(error);
    say("Không xem thử được: không nối được với trạm. Nội dung đã nhập vẫn còn; thử lại sau.");
  } finally {
    button.removeAttribute("aria-disabled");
  }
  if (place.getBoundingClientRect().top > window.innerHeight / 2 || place.getBoundingClientRect().top < 0) place.scrollIntoView({ block: "start" });
});

async function show(answer) {
  if (answer.headers.get("Content-Type") !== "application/pdf") {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = page.querySelector(".problem");
    if (!told) return say("Phiên làm việc đã hết. Mở trang đăng nhập ở cửa sổ khác rồi xem thử lại; nội dung đã nhập vẫn còn.");
    return place.replaceChildren(told);
  }
  const bytes = await answer.arrayBuffer();
  const section = template.content.cloneNode(true).firstElementChild;
  for (const link of section.querySelectorAll("[download]")) link.remove(); // a draft's look, not a document
  place.replaceChildren(section);
  await new Viewer(section).open(new Uint8Array(bytes));
}

function say(words) {
  const told = document.createElement("p");
  told.className = "notice notice--bad problem";
  told.setAttribute("role", "alert");
  told.textContent = words;
  place.replaceChildren(told);
}
