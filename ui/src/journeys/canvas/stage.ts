/**
 * The Canvas2D layer at work: keeps the scene, draws once a frame when something changed, and moves cards and arrows
 * to a new layout in 180 ms, in step with the DOM's own transition.
 */
import type { Place } from "../../api/gen/Place";
import type { StepId } from "../../api/gen/StepId";
import type { Look, Scene, View } from "./paint";
import { paint } from "./paint";
import type { Route, Stub } from "./routes";

export const RELAYOUT_MS = 180;

/** Makes arrows for cards at places: the stage asks again for every frame of a movement. */
export type Router = (places: ReadonlyMap<StepId, Place>) => { routes: Route[]; stubs: Stub[] };

export class Stage {
  view: View = { x: 0, y: 0, zoom: 1, width: 1, height: 1 };
  /** Cards are drawn here and not by the DOM. */
  cards = true;
  /** Time the last drawing took, in milliseconds. */
  cost = 0;
  #canvas: HTMLCanvasElement | null = null;
  #context: CanvasRenderingContext2D | null = null;
  #look: Look | null = null;
  #scene: Scene;
  #router: Router = () => ({ routes: [], stubs: [] });
  #target: ReadonlyMap<StepId, Place> = new Map();
  #from: ReadonlyMap<StepId, Place> = new Map();
  #started = 0;
  #moving = false;
  #frame = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get scene(): Scene {
    return this.#scene;
  }

  attach(canvas: HTMLCanvasElement): () => void {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    const resize = () => this.#resize();
    const observer = new ResizeObserver(resize);
    observer.observe(canvas);
    const density = globalThis.matchMedia?.(`(resolution: ${devicePixelRatio}dppx)`);
    density?.addEventListener("change", resize);
    // Text drawn before the bundled font is there would keep the system's widths.
    void document.fonts?.ready.then(resize);
    resize();
    return () => {
      observer.disconnect();
      density?.removeEventListener("change", resize);
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      this.#canvas = null;
      this.#context = null;
    };
  }

  #resize(): void {
    const canvas = this.#canvas;
    if (!canvas) return;
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = globalThis.devicePixelRatio || 1;
    const wide = Math.max(1, Math.round(width * ratio));
    const high = Math.max(1, Math.round(height * ratio));
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide;
      canvas.height = high;
    }
    this.view = { ...this.view, width, height };
    this.draw();
  }

  setLook(look: Look): void {
    this.#look = look;
    this.request();
  }

  setView(x: number, y: number, zoom: number): void {
    this.view = { ...this.view, x, y, zoom };
    this.request();
  }

  update(change: Partial<Scene>): void {
    this.#scene = { ...this.#scene, ...change };
    this.request();
  }

  /** Where the cards are to be; `smooth`: on their way there for 180 ms. */
  place(places: ReadonlyMap<StepId, Place>, router: Router, smooth: boolean): void {
    this.#router = router;
    this.#from = this.#scene.places;
    this.#target = places;
    this.#started = performance.now();
    this.#moving = smooth && this.#from.size > 0 && !stillness();
    if (!this.#moving) this.#scene = { ...this.#scene, places, ...router(places) };
    this.request();
  }

  request(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.draw());
  }

  draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (!this.#context || !this.#look) return;
    const begun = performance.now();
    if (this.#moving) this.#advance(begun);
    paint(this.#context, this.#scene, this.view, this.#look, this.cards);
    this.cost = performance.now() - begun;
    if (this.#moving) this.request();
  }

  #advance(now: number): void {
    const share = Math.min(1, (now - this.#started) / RELAYOUT_MS);
    const eased = calm(share);
    const places = new Map<StepId, Place>();
    for (const [id, to] of this.#target) {
      const from = this.#from.get(id) ?? to;
      places.set(id, { x: from.x + (to.x - from.x) * eased, y: from.y + (to.y - from.y) * eased });
    }
    if (share >= 1) this.#moving = false;
    const at = share >= 1 ? this.#target : places;
    this.#scene = { ...this.#scene, places: at, ...this.#router(at) };
  }
}

function stillness(): boolean {
  return globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
}

/** cubic-bezier(.2, 0, 0, 1): the curve of the design tokens, solved by bisection. */
export function calm(x: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  let low = 0;
  let high = 1;
  for (let n = 0; n < 20; n += 1) {
    const t = (low + high) / 2;
    if (3 * (1 - t) * (1 - t) * t * 0.2 + t * t * t < x) low = t;
    else high = t;
  }
  const t = (low + high) / 2;
  return 3 * (1 - t) * t * t + t * t * t;
}
