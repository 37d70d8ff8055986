/** The Canvas2D layer: grid and arrows always, cards whenever the DOM would be too slow or too small to read. */
import type { Place } from "../../api/gen/Place";
import type { StepId } from "../../api/gen/StepId";
import { type Box, CARD } from "../drawing";
import { EDGE, type Family } from "../families";
import type { Landing, Route, Stub } from "./routes";
import { clipped, fitted, measure } from "./text";

export type Detail = "block" | "compact" | "full";

/** Screen = canvas * zoom + (x, y). */
export type View = { x: number; y: number; zoom: number; width: number; height: number };

/** Numbers of a step: live, or of a day of a simulation. */
export type Figures = { entered: number; waiting: number; left: Readonly<Record<string, number>> };

/** What a card says. */
export type Card = {
  id: StepId;
  kind: string;
  family: Family;
  icon: string;
  title: string;
  summary: string;
  ports: readonly string[];
  portNames: Readonly<Record<string, string>>;
  problem: "error" | "warning" | null;
  problems: number;
};

export type Look = {
  app: string;
  surface: string;
  line: string;
  lineStrong: string;
  ink1: string;
  ink2: string;
  ink3: string;
  accent: string;
  live: string;
  bad: string;
  warn: string;
  selected: string;
  dot: string;
  family: Readonly<Record<Family, string>>;
};

export type Scene = {
  cards: ReadonlyMap<StepId, Card>;
  places: ReadonlyMap<StepId, Place>;
  routes: readonly Route[];
  stubs: readonly Stub[];
  figures: ReadonlyMap<StepId, Figures>;
  /** Largest flow over one arrow, for the widths. */
  peak: number;
  /** Steps and arrows of one contact's way, lit; everything else steps back. */
  lit: { steps: ReadonlySet<StepId>; arrows: ReadonlySet<string> } | null;
  selection: ReadonlySet<StepId>;
  /** The step the keyboard is at. */
  cursor: StepId | null;
  hover: { route: string } | { stub: string } | null;
  landing: Landing | null;
  dragging: boolean;
  iconPaths: ReadonlyMap<string, Path2D>;
  format: (count: number) => string;
};

const FONT = '"Inter Variable", system-ui, sans-serif';

/** Which cards are drawn at a zoom. */
export function detailAt(zoom: number): Detail {
  return zoom < 0.25 ? "block" : zoom < 0.5 ? "compact" : "full";
}

/** The part of the canvas a view shows, with a margin in screen pixels. */
export function visibleBox(view: View, margin: number): Box {
  return {
    x: (-view.x - margin) / view.zoom,
    y: (-view.y - margin) / view.zoom,
    width: (view.width + 2 * margin) / view.zoom,
    height: (view.height + 2 * margin) / view.zoom,
  };
}

/** Steps whose card touches the box. */
export function stepsIn(places: ReadonlyMap<StepId, Place>, box: Box): StepId[] {
  const found: StepId[] = [];
  for (const [id, { x, y }] of places) {
    if (x > box.x + box.width || x + CARD.width < box.x) continue;
    if (y > box.y + box.height || y + CARD.height < box.y) continue;
    found.push(id);
  }
  return found;
}

/** Draws everything below the DOM. `cards`: whether the cards are drawn here. */
export function paint(context: CanvasRenderingContext2D, scene: Scene, view: View, look: Look, cards: boolean): void {
  const ratio = context.canvas.width / Math.max(1, view.width);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = look.app;
  context.fillRect(0, 0, view.width, view.height);
  grid(context, view, look, ratio);
  context.setTransform(ratio * view.zoom, 0, 0, ratio * view.zoom, ratio * view.x, ratio * view.y);
  const box = visibleBox(view, 40);
  arrows(context, scene, view, look, box);
  if (view.zoom >= 0.35) stubs(context, scene, look, box);
  if (cards) paintCards(context, scene, view, look, box);
  if (view.zoom >= 0.25) labels(context, scene, view, look, box);
  dropZone(context, scene, view, look, box);
}

let tile: { zoom: number; ratio: number; colour: string; pattern: CanvasPattern | null } | null = null;

function grid(context: CanvasRenderingContext2D, view: View, look: Look, ratio: number): void {
  let step = 24 * view.zoom;
  while (step < 14) step *= 2;
  if (!tile || tile.zoom !== step || tile.ratio !== ratio || tile.colour !== look.dot) {
    const size = Math.max(2, Math.round(step * ratio));
    const sheet = document.createElement("canvas");
    sheet.width = size;
    sheet.height = size;
    const pen = sheet.getContext("2d");
    if (pen) {
      pen.fillStyle = look.dot;
      pen.fillRect(0, 0, Math.max(1, Math.round(ratio)), Math.max(1, Math.round(ratio)));
    }
    tile = { zoom: step, ratio, colour: look.dot, pattern: context.createPattern(sheet, "repeat") };
  }
  if (!tile.pattern) return;
  const size = Math.max(2, Math.round(step * ratio));
  const scale = (step * ratio) / size;
  tile.pattern.setTransform(
    new DOMMatrix([
      scale / ratio,
      0,
      0,
      scale / ratio,
      ((view.x % step) + step) % step,
      ((view.y % step) + step) % step,
    ]),
  );
  context.fillStyle = tile.pattern;
  context.fillRect(0, 0, view.width, view.height);
}

function trace(context: CanvasRenderingContext2D, points: readonly Place[], round: boolean): void {
  const first = points[0];
  if (!first) return;
  context.moveTo(first.x, first.y);
  for (let n = 1; n < points.length; n += 1) {
    const at = points[n] as Place;
    const next = points[n + 1];
    const last = points[n - 1] as Place;
    if (!next || !round) {
      context.lineTo(at.x, at.y);
      continue;
    }
    const radius = Math.min(
      10,
      Math.hypot(at.x - last.x, at.y - last.y) / 2,
      Math.hypot(next.x - at.x, next.y - at.y) / 2,
    );
    context.arcTo(at.x, at.y, next.x, next.y, radius);
  }
}

function inside(route: Route, box: Box): boolean {
  return (
    route.right >= box.x && route.left <= box.x + box.width && route.bottom >= box.y && route.top <= box.y + box.height
  );
}

function flowOf(scene: Scene, route: Route): number {
  return scene.figures.get(route.from)?.left[route.port] ?? 0;
}

function arrows(context: CanvasRenderingContext2D, scene: Scene, view: View, look: Look, box: Box): void {
  // Thinner from afar, but never so thin that it is not seen.
  const fine = Math.max(1.25 / Math.min(1, Math.max(view.zoom, 0.3)), 0.8 / view.zoom);
  const buckets = new Map<string, { width: number; colour: string; alpha: number; routes: Route[] }>();
  const hovered = scene.hover && "route" in scene.hover ? scene.hover.route : null;
  for (const route of scene.routes) {
    if (!inside(route, box)) continue;
    const flow = flowOf(scene, route);
    const share = scene.peak > 0 ? Math.sqrt(flow / scene.peak) : 0;
    let width = fine + Math.round(share * 8) * 0.4;
    let colour = flow > 0 ? look.lineStrong : look.line;
    let alpha = 1;
    if (scene.lit) {
      if (scene.lit.arrows.has(route.key)) {
        colour = look.live;
        width = Math.max(width, fine + 1);
      } else alpha = 0.45;
    }
    if (route.key === hovered || route.key === scene.landing?.key) {
      colour = look.accent;
      width += 0.75;
    } else if (scene.selection.has(route.from) || scene.selection.has(route.to)) {
      if (!scene.lit) colour = look.selected;
    }
    const key = `${width.toFixed(2)} ${colour} ${alpha}`;
    const bucket = buckets.get(key);
    if (bucket) bucket.routes.push(route);
    else buckets.set(key, { width, colour, alpha, routes: [route] });
  }
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const { width, colour, alpha, routes } of buckets.values()) {
    context.globalAlpha = alpha;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const route of routes) trace(context, route.points, view.zoom >= 0.15);
    context.stroke();
    if (view.zoom < 0.3) continue;
    context.fillStyle = colour;
    context.beginPath();
    for (const route of routes) head(context, route, 3.25 + width * 0.5);
    context.fill();
  }
  context.globalAlpha = 1;
}

function head(context: CanvasRenderingContext2D, route: Route, size: number): void {
  const end = route.points[route.points.length - 1];
  const before = route.points[route.points.length - 2];
  if (!end || !before) return;
  const length = Math.hypot(end.x - before.x, end.y - before.y) || 1;
  const ux = (end.x - before.x) / length;
  const uy = (end.y - before.y) / length;
  const back = { x: end.x - ux * size * 1.5, y: end.y - uy * size * 1.5 };
  context.moveTo(end.x, end.y);
  context.lineTo(back.x - uy * size, back.y + ux * size);
  context.lineTo(back.x + uy * size, back.y - ux * size);
  context.closePath();
}

function stubs(context: CanvasRenderingContext2D, scene: Scene, look: Look, box: Box): void {
  const hovered = scene.hover && "stub" in scene.hover ? scene.hover.stub : null;
  for (const stub of scene.stubs) {
    if (stub.to.x < box.x || stub.to.x > box.x + box.width) continue;
    if (stub.to.y < box.y || stub.to.y > box.y + box.height) continue;
    const hot = stub.key === hovered || stub.key === scene.landing?.key;
    context.strokeStyle = hot ? look.accent : look.lineStrong;
    context.lineWidth = 1.25;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(stub.from.x, stub.from.y);
    context.lineTo(stub.to.x, stub.to.y);
    context.stroke();
    context.setLineDash([]);
    plus(context, stub.to, hot ? 10 : 8, hot, look);
  }
}

function plus(context: CanvasRenderingContext2D, at: Place, radius: number, hot: boolean, look: Look): void {
  context.beginPath();
  context.arc(at.x, at.y, radius, 0, Math.PI * 2);
  context.fillStyle = hot ? look.accent : look.surface;
  context.fill();
  context.strokeStyle = hot ? look.accent : look.lineStrong;
  context.lineWidth = 1.25;
  context.stroke();
  const arm = radius * 0.45;
  context.strokeStyle = hot ? look.surface : look.ink3;
  context.beginPath();
  context.moveTo(at.x - arm, at.y);
  context.lineTo(at.x + arm, at.y);
  context.moveTo(at.x, at.y - arm);
  context.lineTo(at.x, at.y + arm);
  context.stroke();
}

/** Names and numbers on arrows; from afar only the numbers, large enough to be read. */
function labels(context: CanvasRenderingContext2D, scene: Scene, view: View, look: Look, box: Box): void {
  const far = detailAt(view.zoom) !== "full";
  const high = far ? 28 : 16;
  context.textBaseline = "middle";
  context.textAlign = "center";
  context.font = `500 ${far ? 20 : 11}px ${FONT}`;
  const write = (card: Card | undefined, port: string, at: Place, level: boolean, dim: boolean): void => {
    if (!card || at.x < box.x || at.x > box.x + box.width || at.y < box.y || at.y > box.y + box.height) return;
    const name = card.ports.length > 1 && !far ? clipped(card.portNames[port] ?? port, 22) : "";
    const flow = scene.figures.get(card.id)?.left[port];
    const number = flow === undefined || flow === 0 || scene.dragging ? "" : scene.format(flow);
    if (name === "" && number === "") return;
    const wide = measure(context, name);
    const tail = measure(context, number);
    // Ports of one card stand close together: there name and number are two lines.
    const two = name !== "" && number !== "" && !level;
    const width = (two ? Math.max(wide, tail) : wide + tail + (name !== "" && number !== "" ? 5 : 0)) + 10;
    const left = at.x - width / 2;
    context.globalAlpha = dim ? 0.5 : 1;
    context.fillStyle = look.app;
    context.beginPath();
    context.roundRect(left, at.y - high / 2, width, two ? 29 : high, 4);
    context.fill();
    context.textAlign = two ? "center" : "left";
    context.fillStyle = look.ink2;
    context.fillText(name, two ? at.x : left + 5, at.y + 0.5);
    context.fillStyle = look.ink3;
    if (two) context.fillText(number, at.x, at.y + 13.5);
    else context.fillText(number, left + width - 5 - tail, at.y + 0.5);
    context.globalAlpha = 1;
  };
  for (const route of scene.routes) {
    const dim = scene.lit !== null && !scene.lit.arrows.has(route.key);
    write(scene.cards.get(route.from), route.port, route.label, route.level, dim);
  }
  for (const stub of far ? [] : scene.stubs) {
    const card = scene.cards.get(stub.step);
    if (!card || card.ports.length < 2) continue;
    const down = stub.to.y > stub.from.y;
    write(
      card,
      stub.port,
      { x: stub.to.x + (down ? 0 : 34), y: stub.to.y + (down ? 18 : 0) },
      false,
      scene.lit !== null,
    );
  }
  const hovered = scene.hover && "route" in scene.hover ? scene.hover.route : null;
  const route = hovered === null ? undefined : scene.routes.find((one) => one.key === hovered);
  if (route && !scene.dragging) plus(context, route.middle, 10, true, look);
}

function dropZone(context: CanvasRenderingContext2D, scene: Scene, view: View, look: Look, box: Box): void {
  if (!scene.dragging) return;
  for (const route of scene.routes) {
    if (!inside(route, box) || route.key === scene.landing?.key) continue;
    context.beginPath();
    context.arc(route.middle.x, route.middle.y, 4.5 / Math.min(1, view.zoom), 0, Math.PI * 2);
    context.fillStyle = look.surface;
    context.fill();
    context.strokeStyle = look.accent;
    context.lineWidth = 1.5 / Math.min(1, view.zoom);
    context.stroke();
  }
  if (!scene.landing) return;
  const near = 1 - Math.min(1, (scene.landing.distance * view.zoom) / 64);
  const radius = (8 + 24 * near) / Math.min(1, view.zoom);
  context.beginPath();
  context.arc(scene.landing.at.x, scene.landing.at.y, radius, 0, Math.PI * 2);
  context.globalAlpha = 0.16;
  context.fillStyle = look.accent;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = look.accent;
  context.lineWidth = 1.5 / Math.min(1, view.zoom);
  context.stroke();
  plus(context, scene.landing.at, 9 / Math.min(1, view.zoom), true, look);
}

/** Below this a card is a few pixels: all of a family are one path. */
const SWARM_ZOOM = 0.12;

function swarm(context: CanvasRenderingContext2D, scene: Scene, view: View, look: Look, box: Box): void {
  const line = 1 / view.zoom;
  const groups = new Map<string, Place[]>();
  const put = (key: string, at: Place) => {
    const group = groups.get(key);
    if (group) group.push(at);
    else groups.set(key, [at]);
  };
  const marked: Place[] = [];
  for (const id of stepsIn(scene.places, box)) {
    const at = scene.places.get(id);
    const card = scene.cards.get(id);
    if (!at || !card) continue;
    const hue = card.problem === "error" ? look.bad : look.family[card.family];
    put(`${scene.lit && !scene.lit.steps.has(id) ? 0.3 : 0.75} ${hue}`, at);
    if (scene.selection.has(id) || scene.cursor === id) marked.push(at);
  }
  for (const [key, group] of groups) {
    const space = key.indexOf(" ");
    context.globalAlpha = Number(key.slice(0, space));
    context.fillStyle = key.slice(space + 1);
    context.beginPath();
    for (const { x, y } of group) context.rect(x, y, CARD.width, CARD.height);
    context.fill();
  }
  context.globalAlpha = 1;
  context.strokeStyle = look.accent;
  context.lineWidth = 2 * line;
  for (const { x, y } of marked) {
    context.strokeRect(x - 2 * line, y - 2 * line, CARD.width + 4 * line, CARD.height + 4 * line);
  }
}

function paintCards(context: CanvasRenderingContext2D, scene: Scene, view: View, look: Look, box: Box): void {
  if (view.zoom < SWARM_ZOOM) {
    swarm(context, scene, view, look, box);
    return;
  }
  const detail = detailAt(view.zoom);
  const line = 1 / Math.min(1, view.zoom);
  for (const id of stepsIn(scene.places, box)) {
    const at = scene.places.get(id);
    const card = scene.cards.get(id);
    if (!at || !card) continue;
    context.globalAlpha = scene.lit && !scene.lit.steps.has(id) ? 0.45 : 1;
    const hue = look.family[card.family];
    context.beginPath();
    context.roundRect(at.x, at.y, CARD.width, CARD.height, 10);
    context.fillStyle = look.surface;
    context.fill();
    if (detail === "block") {
      context.globalAlpha *= 0.22;
      context.fillStyle = hue;
      context.fill();
      context.globalAlpha = scene.lit && !scene.lit.steps.has(id) ? 0.45 : 1;
    }
    context.strokeStyle = card.problem === "error" ? look.bad : detail === "block" ? hue : look.lineStrong;
    context.lineWidth = card.problem === "error" && detail !== "block" ? 2 * line : line;
    context.stroke();
    if (detail === "block") blockCard(context, scene, card, at, look, hue);
    else if (detail === "compact") compactCard(context, scene, card, at, look, hue);
    else fullCard(context, scene, card, at, look, hue);
    if (scene.selection.has(id) || scene.cursor === id) {
      context.strokeStyle = look.accent;
      context.lineWidth = 2 * line;
      context.globalAlpha = scene.selection.has(id) ? 1 : 0.55;
      context.beginPath();
      const gap = 3 * line;
      context.roundRect(at.x - gap, at.y - gap, CARD.width + 2 * gap, CARD.height + 2 * gap, 10 + gap);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

const edges = new Map<Family, Path2D>();

function edge(context: CanvasRenderingContext2D, family: Family, at: Place, hue: string): void {
  let path = edges.get(family);
  if (!path) {
    path = new Path2D(EDGE[family]);
    edges.set(family, path);
  }
  context.save();
  context.beginPath();
  context.roundRect(at.x, at.y, CARD.width, CARD.height, 10);
  context.clip();
  context.translate(at.x, at.y);
  context.fillStyle = hue;
  context.fill(path);
  context.restore();
}

function icon(
  context: CanvasRenderingContext2D,
  scene: Scene,
  name: string,
  at: Place,
  size: number,
  hue: string,
): void {
  const path = scene.iconPaths.get(name);
  if (!path) return;
  context.save();
  context.translate(at.x, at.y);
  context.scale(size / 24, size / 24);
  context.strokeStyle = hue;
  context.lineWidth = 2;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.stroke(path);
  context.restore();
}

function blockCard(
  context: CanvasRenderingContext2D,
  scene: Scene,
  card: Card,
  at: Place,
  look: Look,
  hue: string,
): void {
  context.fillStyle = hue;
  context.fillRect(at.x, at.y + 10, 10, CARD.height - 20);
  const figures = scene.figures.get(card.id);
  const count = figures ? figures.waiting || figures.entered : 0;
  if (count > 0) {
    context.font = `600 40px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = figures && figures.waiting > 0 ? look.live : look.ink2;
    context.fillText(scene.format(count), at.x + CARD.width / 2 + 5, at.y + CARD.height / 2 + 2);
  }
  if (card.problem !== null) {
    context.beginPath();
    context.arc(at.x + CARD.width - 18, at.y + 18, 12, 0, Math.PI * 2);
    context.fillStyle = card.problem === "error" ? look.bad : look.warn;
    context.fill();
  }
}

function compactCard(
  context: CanvasRenderingContext2D,
  scene: Scene,
  card: Card,
  at: Place,
  look: Look,
  hue: string,
): void {
  edge(context, card.family, at, hue);
  icon(context, scene, card.icon, { x: at.x + 18, y: at.y + (scene.figures.has(card.id) ? 14 : 28) }, 26, hue);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = look.ink1;
  context.font = `500 22px ${FONT}`;
  const figures = scene.figures.get(card.id);
  context.fillText(fitted(context, card.title, CARD.width - 66), at.x + 52, at.y + (figures ? 28 : CARD.height / 2));
  if (figures && figures.waiting > 0) {
    context.fillStyle = look.live;
    context.fillText(scene.format(figures.waiting), at.x + 52, at.y + 60);
  } else if (figures && figures.entered > 0) {
    context.fillStyle = look.ink3;
    context.fillText(scene.format(figures.entered), at.x + 52, at.y + 60);
  }
  badge(context, card, at, look, 12);
}

function fullCard(
  context: CanvasRenderingContext2D,
  scene: Scene,
  card: Card,
  at: Place,
  look: Look,
  hue: string,
): void {
  edge(context, card.family, at, hue);
  icon(context, scene, card.icon, { x: at.x + 16, y: at.y + 12 }, 16, hue);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = look.ink1;
  context.font = `500 13px ${FONT}`;
  context.fillText(fitted(context, card.title, CARD.width - 62), at.x + 40, at.y + 20.5);
  context.fillStyle = look.ink2;
  context.font = `400 12px ${FONT}`;
  context.fillText(fitted(context, card.summary, CARD.width - 32), at.x + 16, at.y + 42.5);
  const figures = scene.figures.get(card.id);
  if (figures) {
    context.font = `500 11px ${FONT}`;
    context.fillStyle = look.ink3;
    context.fillText(scene.format(figures.entered), at.x + 16, at.y + 65);
    if (figures.waiting > 0) {
      context.textAlign = "right";
      context.fillStyle = look.live;
      context.fillText(scene.format(figures.waiting), at.x + CARD.width - 14, at.y + 65);
    }
  }
  badge(context, card, at, look, 8);
}

function badge(context: CanvasRenderingContext2D, card: Card, at: Place, look: Look, radius: number): void {
  if (card.problem === null) return;
  context.beginPath();
  context.arc(at.x + CARD.width - 4, at.y + 4, radius, 0, Math.PI * 2);
  context.fillStyle = card.problem === "error" ? look.bad : look.warn;
  context.fill();
  context.font = `600 ${Math.round(radius * 1.3)}px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = look.surface;
  context.fillText(String(card.problems), at.x + CARD.width - 4, at.y + 4.5);
}
