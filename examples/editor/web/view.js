// From pixels of the map to CSS pixels of the canvas element and back, and which point is meant.
import { bounds, boundsOf, isVisible, pointAt } from "./model.js";

const MARGIN = 14; // CSS pixels around the map when it fits
const MAX_ZOOM = 40; // CSS pixels per pixel of the map
const LEAST_ZOOM = 0.3; // of the zoom at which the map fits: points may lie beside it
// A hand or face smaller than this on the screen cannot be picked point by point.
const DETAIL = { mouse: 56, touch: 90 };
const REACH = { mouse: 12, touch: 26 }; // CSS pixels
const BODY_FIRST = 7; // CSS pixels: a wrist wins over the root of its hand

export class View {
  constructor() {
    this.zoom = 1;
    this.left = this.top = 0;
    this.width = this.height = 1;
    this.fitted = true;
  }

  resize(width, height, state) {
    this.width = width;
    this.height = height;
    if (this.fitted) this.fit(state);
  }

  fitZoom(state) {
    const across = (this.width - 2 * MARGIN) / state.width;
    const down = (this.height - 2 * MARGIN) / state.height;
    return Math.max(0.005, Math.min(across, down));
  }

  fit(state) {
    this.zoom = this.fitZoom(state);
    this.left = (this.width - state.width * this.zoom) / 2;
    this.top = (this.height - state.height * this.zoom) / 2;
    this.fitted = true;
  }

  // Points are centres of pixels, so the map's corner is half a pixel before (0, 0).
  toScreen([x, y]) {
    return [this.left + (x + 0.5) * this.zoom, this.top + (y + 0.5) * this.zoom];
  }

  toMap([x, y]) {
    return [(x - this.left) / this.zoom - 0.5, (y - this.top) / this.zoom - 0.5];
  }

  zoomAt(factor, [x, y], state) {
    const fit = this.fitZoom(state);
    const zoom = Math.min(MAX_ZOOM, Math.max(fit * LEAST_ZOOM, this.zoom * factor));
    if ((zoom - fit) * (this.zoom - fit) < 0) return this.fit(state); // stop at the whole map
    const ratio = zoom / this.zoom;
    this.left = x - (x - this.left) * ratio;
    this.top = y - (y - this.top) * ratio;
    this.zoom = zoom;
    this.fitted = false;
  }

  pan(dx, dy, state) {
    this.left += dx;
    this.top += dy;
    const keep = 40; // CSS pixels of the map stay in sight
    this.left = Math.min(this.width - keep, Math.max(keep - state.width * this.zoom, this.left));
    this.top = Math.min(this.height - keep, Math.max(keep - state.height * this.zoom, this.top));
    this.fitted = false;
  }

  // Fill the view with a box of the map, if it is worth zooming.
  show([left, top, right, bottom], state) {
    const side = Math.max(right - left, bottom - top, 8) * 1.6;
    this.zoom = Math.min(MAX_ZOOM, Math.min(this.width, this.height) / side);
    this.left = this.width / 2 - ((left + right) / 2 + 0.5) * this.zoom;
    this.top = this.height / 2 - ((top + bottom) / 2 + 0.5) * this.zoom;
    this.fitted = false;
    if (this.zoom < this.fitZoom(state)) this.fit(state);
  }
}

// The point under a pointer: {person, point}, or null. The selected person wins close calls.
export function pick(tables, state, view, at, kind, selectedPerson) {
  const reach = REACH[kind];
  let best = null;
  state.people.forEach((person, index) => {
    const crowded = crowdedPoints(tables, person, view, kind);
    for (let i = 0; i <= tables.neck; i++) {
      if (crowded.has(i) || !isVisible(tables, person, i)) continue;
      const [x, y] = view.toScreen(pointAt(tables, person, i));
      const distance = Math.hypot(x - at[0], y - at[1]);
      const detail = i !== tables.neck && isDetail(tables, i);
      const cost = distance + (detail ? BODY_FIRST : 0) + (index === selectedPerson ? 0 : 2);
      if (distance <= reach && (!best || cost < best.cost)) best = { person: index, point: i, cost };
    }
  });
  return best && { person: best.person, point: best.point };
}

const isDetail = (tables, i) => Object.values(tables.parts).some((part) => part.includes(i));

function crowdedPoints(tables, person, view, kind) {
  const crowded = new Set();
  for (const [name, part] of Object.entries(tables.parts)) {
    const seen = part.filter((i) => isVisible(tables, person, i));
    const box = boundsOf(person, seen);
    if (!box || name === "feet" || seen.length < 4) continue;
    const size = Math.hypot(box[2] - box[0], box[3] - box[1]) * view.zoom;
    if (size < DETAIL[kind]) seen.forEach((i) => crowded.add(i));
  }
  return crowded;
}

// The person whose box is under the pointer; the smallest of several, the selected one first.
export function pickPerson(tables, state, view, at, selectedPerson) {
  const hits = state.people
    .map((person, index) => ({ index, box: screenBox(tables, person, view) }))
    .filter(({ box }) => box && at[0] >= box[0] && at[1] >= box[1] && at[0] <= box[2] && at[1] <= box[3]);
  if (hits.some(({ index }) => index === selectedPerson)) return selectedPerson;
  const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  return hits.length ? hits.reduce((a, b) => (area(b) < area(a) ? b : a)).index : null;
}

// Left, top, right, bottom in CSS pixels with some air; null for a person without visible points.
export function screenBox(tables, person, view) {
  const box = bounds(tables, person);
  if (!box) return null;
  const [left, top] = view.toScreen([box[0], box[1]]);
  const [right, bottom] = view.toScreen([box[2], box[3]]);
  return [left - 12, top - 12, right + 12, bottom + 12];
}

// Which corner of the selected person's box is under the pointer: 0 to 3, or -1.
export function pickCorner(tables, person, view, at, kind) {
  const box = screenBox(tables, person, view);
  return box ? corners(box).findIndex(([x, y]) => Math.hypot(x - at[0], y - at[1]) <= REACH[kind]) : -1;
}

export const corners = ([left, top, right, bottom]) => [
  [left, top],
  [right, top],
  [right, bottom],
  [left, bottom],
];
