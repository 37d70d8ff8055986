// What the bench asks the page itself, installed once as `window.bench`. Times are milliseconds; the web view rounds its
// clock to whole ones.
const frame = () => new Promise(requestAnimationFrame);
const grid = () => document.querySelector('[role="grid"]');
const about = () => document.querySelector("main header h1 + div")?.textContent ?? "";
const hero = () => document.querySelector("main .text-hero");

/** Drawn rows that can be seen: their place in the list and what stands in them; null while one is not there yet. */
function seen() {
  const box = grid();
  if (box === null || box.querySelector(".skeleton") !== null) return null;
  const { top, bottom } = box.getBoundingClientRect();
  const rows = [];
  for (const row of box.querySelectorAll('[role="rowgroup"] > [role="row"]')) {
    const at = row.getBoundingClientRect();
    if (at.top < bottom && at.bottom > top + at.height)
      rows.push({ index: Number(row.ariaRowIndex) - 2, texts: [...row.children].map((cell) => cell.textContent) });
  }
  // After a jump the rows of the old place lie out of sight until the new ones are drawn.
  return rows.length === 0 ? null : rows.sort((one, other) => one.index - other.index);
}

/** Whether there are so many people, and their rows from the first one on. */
const people = (text) => about().startsWith(`${text} `) && seen()?.[0].index === 0;

/** A box as large as the table and as high inside, with nothing in it; the screens are not drawn meanwhile. */
function empty() {
  const { top, left, width, height } = grid().getBoundingClientRect();
  const box = document.createElement("div");
  Object.assign(box.style, { position: "fixed", overflow: "auto" });
  for (const [side, pixels] of Object.entries({ top, left, width, height })) box.style[side] = `${pixels}px`;
  const inside = document.createElement("div");
  inside.style.height = `${grid().scrollHeight}px`;
  box.append(inside);
  document.body.append(box);
  document.querySelector("#root").style.display = "none";
  return box;
}

/** Ways to move a box on, once a frame. */
const MOVES = {
  /** A turn of the wheel, smoothed: 2,400 pixels a second at sixty frames. */
  steps: (box) => {
    box.scrollTop += 40;
  },
  /** Page Down held: thirty pages a second. */
  pages: (box, at) => {
    if (at % 2 === 1) return;
    if (box === grid()) box.dispatchEvent(new KeyboardEvent("keydown", { key: "PageDown", bubbles: true }));
    else box.scrollTop += box.clientHeight;
  },
  /** The thumb drawn down the whole list. */
  thumb: (box, at, count) => {
    box.scrollTop = (at / count) * box.scrollHeight;
  },
};

/** Moves a box for so many frames: what lies between two of them, and the work in each. */
async function moved(box, way, count) {
  const between = [];
  const work = [];
  const { port1, port2 } = new MessageChannel();
  let began = 0;
  let turns = 0;
  // The first message comes after the frame is drawn, the second after whatever the screens put off until then.
  port1.onmessage = () => {
    turns += 1;
    if (turns === 1) port2.postMessage(null);
    else work.push(performance.now() - began);
  };
  let last = await frame();
  for (let at = 0; at < count; at++) {
    began = performance.now();
    turns = 0;
    MOVES[way](box, at, count);
    port2.postMessage(null);
    const now = await frame();
    between.push(now - last);
    last = now;
  }
  port1.close();
  return { between, work };
}

/** Waits for a condition frame by frame; when it held, or an error after ten seconds. */
async function until(holds, what) {
  const end = performance.now() + 10_000;
  for (;;) {
    const found = holds();
    if (found) return { at: performance.now(), found };
    if (performance.now() > end) throw new Error(`${what} did not come: ${about()} ${hero()?.textContent ?? ""}`);
    await frame();
  }
}

/** Draws the thumb to a part of the list at once: milliseconds until all rows seen are there. */
async function jump(part) {
  const box = grid();
  const from = performance.now();
  box.scrollTop = part * (box.scrollHeight - box.clientHeight);
  await frame();
  await frame();
  return (await until(seen, "rows")).at - from;
}

/** The End key. */
async function end() {
  grid().dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  await frame();
  await frame();
  return (await until(seen, "rows")).found;
}

let waits = null;

/** Waits from the next key or press on. */
function after(event, holds, what) {
  waits = new Promise((resolve, reject) => {
    const begin = () => {
      const from = performance.now();
      until(holds, what).then(({ at, found }) => resolve({ ms: at - from, found }), reject);
    };
    addEventListener(event, begin, { capture: true, once: true });
  });
  waits.catch(() => undefined);
}

window.bench = {
  seen,
  people,
  jump,
  end,
  moved: (way, count) => moved(grid(), way, count),
  async floor(way, count) {
    const box = empty();
    await frame();
    try {
      return await moved(box, way, count);
    } finally {
      box.remove();
      document.querySelector("#root").style.display = "";
      await frame();
    }
  },
  /** The number of members, as it is to be read and no longer faint. */
  awaitCount: (text) =>
    after("keydown", () => hero()?.textContent === text && !hero().classList.contains("text-ink-3"), text),
  /** So many people and their rows, after a key or a press. */
  awaitFound: (text) => after("keydown", () => people(text), text),
  awaitPeople: (text) => after("pointerdown", () => people(text), text),
  shown: () => waits,
};
