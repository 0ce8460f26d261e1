// The document on the page: pdf.js draws the sheets that are in sight, with their text for search and screen readers.

const libraryOf = (section) => new URL(section.dataset.pdfLibrary, document.baseURI).href;
let library;

async function load(base) {
  library ??= import(`${base}pdf.mjs`);
  const pdfjs = await library;
  pdfjs.GlobalWorkerOptions.workerSrc = `${base}pdf.worker.mjs`;
  return pdfjs;
}

export class Viewer extends EventTarget {
  constructor(section) {
    super();
    this.section = section;
    this.sheets = section.querySelector("[data-sheets]");
    this.bar = section.querySelector("[data-bar]");
    this.zoom = 0; // 0: as wide as the frame
    this.pages = [];
  }

  // Opens what the section names, or bytes that are at hand already.
  async open(data) {
    const base = libraryOf(this.section);
    this.pdfjs = await load(base);
    const task = this.pdfjs.getDocument({
      ...(data ? { data } : { url: new URL(this.section.dataset.pdf, document.baseURI).href }),
      standardFontDataUrl: `${base}fonts/`,
      wasmUrl: `${base}wasm/`,
      useWasm: false, // the page's content policy forbids WebAssembly
      useWorkerFetch: true,
      enableXfa: false,
      isEvalSupported: false,
    });
    this.document = await task.promise;
    this.sheets.replaceChildren();
    this.seen = new IntersectionObserver((entries) => this.#inSight(entries), { root: this.sheets, rootMargin: "400px 0px" });
    for (let number = 1; number <= this.document.numPages; number += 1) {
      const page = await this.document.getPage(number);
      const sheet = document.createElement("div");
      sheet.className = "sheet";
      sheet.dataset.number = number;
      this.sheets.append(sheet);
      this.pages.push({ page, sheet, drawn: 0, task: null });
    }
    this.section.querySelector("[data-pages]").textContent = this.document.numPages;
    this.#buttons();
    this.bar.hidden = false;
    this.#layout();
    this.width = this.sheets.clientWidth;
    new ResizeObserver(() => {
      // A scroll bar that comes and goes must not start a dance of layouts.
      if (Math.abs(this.sheets.clientWidth - this.width) > 20) { this.width = this.sheets.clientWidth; this.#layout(); }
    }).observe(this.sheets);
    for (const { sheet } of this.pages) this.seen.observe(sheet);
    this.dispatchEvent(new Event("ready"));
  }

  scale(page) {
    const natural = page.getViewport({ scale: 1 });
    const style = getComputedStyle(this.sheets);
    const room = this.sheets.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return (room / natural.width) * (this.zoom || 1);
  }

  sheetOf(number) { return this.pages[number - 1]?.sheet; }

  sizeOf(number) {
    const { page } = this.pages[number - 1];
    const { width, height } = page.getViewport({ scale: 1 });
    return { width, height };
  }

  #layout() {
    for (const entry of this.pages) {
      const viewport = entry.page.getViewport({ scale: this.scale(entry.page) });
      entry.sheet.style.width = `${viewport.width}px`;
      entry.sheet.style.height = `${viewport.height}px`;
      entry.sheet.style.setProperty("--total-scale-factor", viewport.scale);
      entry.drawn = 0;
    }
    this.dispatchEvent(new Event("layout"));
    this.seen.disconnect();
    for (const { sheet } of this.pages) this.seen.observe(sheet);
  }

  #inSight(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#draw(this.pages[target.dataset.number - 1]);
    }
  }

  async #draw(entry) {
    const scale = this.scale(entry.page);
    if (entry.drawn === scale) return;
    entry.drawn = scale;
    entry.task?.cancel();
    const viewport = entry.page.getViewport({ scale });
    const density = Math.min(window.devicePixelRatio || 1, 2.5);
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(viewport.width * density);
    canvas.height = Math.floor(viewport.height * density);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Trang ${entry.sheet.dataset.number}`);
    entry.task = entry.page.render({ canvas, viewport, transform: [density, 0, 0, density, 0, 0] });
    try {
      await entry.task.promise;
    } catch (error) {
      if (error?.name === "RenderingCancelledException") return;
      throw error;
    }
    const text = document.createElement("div");
    text.className = "textLayer";
    const layer = new this.pdfjs.TextLayer({ textContentSource: entry.page.streamTextContent(), container: text, viewport });
    for (const old of entry.sheet.querySelectorAll("canvas, .textLayer")) old.remove();
    entry.sheet.prepend(canvas, text);
    await layer.render();
  }

  #buttons() {
    const field = this.bar.querySelector("[data-page]");
    const go = (number) => {
      const wanted = Math.min(Math.max(number, 1), this.pages.length);
      this.sheets.scrollTo({ top: this.pages[wanted - 1].sheet.offsetTop - this.sheets.offsetTop - 8 });
      field.value = wanted;
    };
    const zoom = (next) => { this.zoom = next; this.#layout(); };
    this.bar.addEventListener("click", (event) => {
      const tool = event.target.closest("button");
      if (tool?.dataset.step) go(Number(field.value) + Number(tool.dataset.step));
      if (tool?.dataset.zoom === "fit") zoom(0);
      if (tool?.dataset.zoom === "in") zoom(Math.min((this.zoom || 1) * 1.25, 4));
      if (tool?.dataset.zoom === "out") zoom(Math.max((this.zoom || 1) / 1.25, 0.4));
    });
    field.addEventListener("change", () => go(Number.parseInt(field.value, 10) || 1));
    this.sheets.addEventListener("scroll", () => {
      const middle = this.sheets.scrollTop + this.sheets.clientHeight / 3;
      const at = this.pages.findLast(({ sheet }) => sheet.offsetTop - this.sheets.offsetTop <= middle);
      if (at && document.activeElement !== field) field.value = at.sheet.dataset.number;
    }, { passive: true });
  }
}

export async function openAll() {
  const viewers = [];
  for (const section of document.querySelectorAll("[data-pdf]")) {
    const viewer = new Viewer(section);
    viewers.push(viewer);
    viewer.open().catch((error) => {
      console.error(error);
      const wait = section.querySelector("[data-wait]") ?? section.querySelector("[data-sheets]");
      wait.firstChild.textContent = "Không xem được văn bản trong trang này. ";
    });
  }
  return viewers;
}

if (!document.querySelector("[data-places]")) openAll();
