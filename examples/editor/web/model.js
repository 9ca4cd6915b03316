// People and what can be done to them. Every edit returns new objects, so a history is a list.
// `tables` come from Python (tables.py); `xy` is flat: x and y of point i are xy[2 * i], xy[2 * i + 1].

export const isVisible = (tables, person, i) =>
  i === tables.neck
    ? tables.shoulders.every((s) => isVisible(tables, person, s))
    : person.score[i] >= tables.visible && !person.hidden.includes(i);

// Files of other programs write points that nobody saw as zeros.
export const isPlaced = (person, i) =>
  person.score[i] > 0 || person.xy[2 * i] !== 0 || person.xy[2 * i + 1] !== 0;

export function pointAt(tables, person, i) {
  if (i !== tables.neck) return [person.xy[2 * i], person.xy[2 * i + 1]];
  const [a, b] = tables.shoulders;
  return [
    (person.xy[2 * a] + person.xy[2 * b]) / 2,
    (person.xy[2 * a + 1] + person.xy[2 * b + 1]) / 2,
  ];
}

export function visiblePoints(tables, person) {
  return person.score.map((_, i) => i).filter((i) => isVisible(tables, person, i));
}

// Left, top, right, bottom of these points; null without any.
export function boundsOf(person, points) {
  if (!points.length) return null;
  const xs = points.map((i) => person.xy[2 * i]);
  const ys = points.map((i) => person.xy[2 * i + 1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export const bounds = (tables, person) => boundsOf(person, visiblePoints(tables, person));

export function withPerson(state, index, person) {
  return { ...state, people: state.people.map((p, i) => (i === index ? person : p)) };
}

const clampTo = (far) => (v) => Math.min(far, Math.max(-far, v));

function mapPoints(tables, person, points, move) {
  const clamp = clampTo(tables.limits.far);
  const xy = person.xy.slice();
  for (const i of points) {
    const [x, y] = move(xy[2 * i], xy[2 * i + 1]);
    xy[2 * i] = clamp(x);
    xy[2 * i + 1] = clamp(y);
  }
  return { ...person, xy, box: null };
}

const allPoints = (person) => person.score.map((_, i) => i);
const placedPoints = (person) => allPoints(person).filter((i) => isPlaced(person, i));

// Move one point; a wrist takes its hand along, and so on, if `follow`.
export function movePoint(tables, person, i, dx, dy, follow) {
  const own = i === tables.neck ? tables.shoulders : [i];
  const points = follow ? new Set([...own, ...(tables.followers[i] ?? [])]) : new Set(own);
  const placed = [...points].filter((p) => isPlaced(person, p));
  return mapPoints(tables, person, placed, (x, y) => [x + dx, y + dy]);
}

export const movePerson = (tables, person, dx, dy) =>
  mapPoints(tables, person, placedPoints(person), (x, y) => [x + dx, y + dy]);

export const scalePerson = (tables, person, [cx, cy], factor) =>
  mapPoints(tables, person, placedPoints(person), (x, y) => [
    cx + (x - cx) * factor,
    cy + (y - cy) * factor,
  ]);

// Mirror about the person's own middle: left and right trade places and names.
export function mirrorPerson(tables, person) {
  const box = bounds(tables, person);
  if (!box) return person;
  const sum = box[0] + box[2];
  const xy = tables.flip.flatMap((from) =>
    isPlaced(person, from) ? [sum - person.xy[2 * from], person.xy[2 * from + 1]] : [0, 0],
  );
  return {
    ...person,
    xy,
    score: tables.flip.map((from) => person.score[from]),
    hidden: person.hidden.map((i) => tables.flip[i]),
    box: null,
  };
}

export function hidePoints(person, points) {
  return { ...person, hidden: [...new Set([...person.hidden, ...points])], box: null };
}

// As they were before they were hidden, seen or not.
export function unhidePoints(person, points) {
  return { ...person, hidden: person.hidden.filter((i) => !points.includes(i)), box: null };
}

// Show points; one that has no place yet gets it from the neutral figure.
export function showPoints(tables, person, points) {
  const wanted = new Set(points);
  const xy = person.xy.slice();
  for (const i of points) {
    if (isPlaced(person, i)) continue;
    [xy[2 * i], xy[2 * i + 1]] = likelyPlace(tables, person, i);
  }
  const score = person.score.map((s, i) => (wanted.has(i) && s < tables.visible ? 1 : s));
  return unhidePoints({ ...person, xy, score }, points);
}

export function completePerson(tables, person) {
  const missing = allPoints(person).filter((i) => !isVisible(tables, person, i));
  return showPoints(tables, person, missing);
}

// Where the neutral figure, as large as the person and hung up at the next visible joint, has it.
function likelyPlace(tables, person, i) {
  const { figure, parents } = tables;
  const seen = visiblePoints(tables, person);
  let anchor = parents[i];
  while (anchor !== undefined && !isVisible(tables, person, anchor)) anchor = parents[anchor];
  anchor ??= seen[0];
  if (anchor === undefined) return [10 + 200 * (0.3 + figure[i][0]), 10 + 200 * figure[i][1]];
  const [ax, ay] = pointAt(tables, person, anchor);
  const from = figurePoint(tables, anchor);
  const height = bodyHeight(tables, person, seen);
  return [
    ax + (figure[i][0] - from[0]) * height,
    ay + (figure[i][1] - from[1]) * height,
  ];
}

function figurePoint({ figure, neck, shoulders }, i) {
  if (i !== neck) return figure[i];
  const [a, b] = shoulders.map((s) => figure[s]);
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

// How tall the person would stand, from the middle one of its distances between visible body points.
function bodyHeight(tables, person, seen) {
  const body = tables.limbs.filter(([a, b]) => seen.includes(a) && seen.includes(b));
  const ratios = body.map(([a, b]) => {
    const [ax, ay] = pointAt(tables, person, a);
    const [bx, by] = pointAt(tables, person, b);
    const [fa, fb] = [figurePoint(tables, a), figurePoint(tables, b)];
    return Math.hypot(bx - ax, by - ay) / Math.hypot(fb[0] - fa[0], fb[1] - fa[1]);
  });
  const box = boundsOf(person, seen);
  const spare = Math.max(box[3] - box[1], box[2] - box[0], 20);
  return ratios.length ? ratios.sort((a, b) => a - b)[ratios.length >> 1] : spare;
}

// The neutral figure, upright in the canvas, a little aside for each person already there.
export function newPerson(tables, state) {
  const height = Math.min(state.height * 0.86, state.width * 1.6);
  const step = (state.people.length % 5) * height * 0.06;
  const [left, top] = [state.width / 2 + step, (state.height - height) / 2];
  return {
    xy: tables.figure.flatMap(([x, y]) => [left + x * height, top + y * height]),
    score: tables.figure.map(() => 1),
    hidden: [],
    box: null,
    box_score: 1,
    track_id: null,
  };
}

export function duplicatePerson(tables, state, person) {
  const box = bounds(tables, person) ?? [0, 0, 100, 100];
  return { ...movePerson(tables, person, (box[2] - box[0]) * 0.3 + 8, 8), track_id: null };
}

// A new canvas; with `scale` people and photo grow by the same factor in both directions.
export function resizeCanvas(tables, state, width, height, scale) {
  const factor = scale ? Math.min(width / state.width, height / state.height) : 1;
  return {
    ...state,
    width,
    height,
    photo: state.photo && state.photo.map((side) => side * factor),
    people: state.people.map((p) => scale ? scalePerson(tables, p, [0, 0], factor) : p),
  };
}

export class History {
  constructor(state) {
    this.states = [state];
    this.now = 0;
  }
  get state() {
    return this.states[this.now];
  }
  push(state) {
    this.states = [...this.states.slice(0, this.now + 1), state].slice(-200);
    this.now = this.states.length - 1;
  }
  go(step) {
    const wanted = Math.min(this.states.length - 1, Math.max(0, this.now + step));
    const moved = wanted !== this.now;
    this.now = wanted;
    return moved;
  }
}
