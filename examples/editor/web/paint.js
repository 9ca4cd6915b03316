// The preview: the same limbs, joints and colours as the package's map, drawn as shapes.
import { isPlaced, isVisible, pointAt } from "./model.js";
import { corners, screenBox } from "./view.js";

// On the screen nothing gets thinner than so many CSS pixels, and close up no wider than so many times
// its size in the map: one has to see what lies between.
const THINNEST = { stick: 1.6, joint: 2.4, fingertip: 1.3, line: 1, face: 1 };
const WIDEST = 1.7;

export function paint(context, ratio, scene) {
  const { view, state, photo, dim } = scene;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  const [left, top] = [view.left, view.top];
  const [width, height] = [state.width * view.zoom, state.height * view.zoom];
  context.fillStyle = "black";
  context.fillRect(left, top, width, height);
  if (photo && state.photo && dim > 0) {
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.globalAlpha = dim;
    context.drawImage(photo, left, top, state.photo[0] * view.zoom, state.photo[1] * view.zoom);
    context.restore();
  }
  context.strokeStyle = "rgba(128, 128, 128, 0.7)";
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
  state.people.forEach((person, index) => paintPerson(context, scene, person, index));
  paintMarks(context, scene);
}

function paintPerson(context, scene, person, index) {
  const { tables, view } = scene;
  const place = (i) => view.toScreen(pointAt(tables, person, i));
  const seen = (i) => isVisible(tables, person, i);
  const size = (name) => Math.max(THINNEST[name], tables.pen[name] * Math.min(WIDEST, view.zoom));
  context.globalAlpha = scene.selected.person === index ? 1 : 0.75;
  for (const [a, b, colour] of tables.limbs) {
    if (seen(a) && seen(b)) limb(context, place(a), place(b), size("stick"), colour);
  }
  for (const [i, colour] of tables.joints) if (seen(i)) dot(context, place(i), size("joint"), colour);
  context.lineWidth = size("line");
  for (const [a, b, colour] of tables.fingers) {
    if (seen(a) && seen(b)) line(context, place(a), place(b), colour);
  }
  for (const name of ["left hand", "right hand"]) {
    for (const i of tables.parts[name]) {
      if (seen(i)) dot(context, place(i), size("fingertip"), tables.fingertipColour);
    }
  }
  for (const i of tables.parts.face) if (seen(i)) dot(context, place(i), size("face"), tables.faceColour);
  context.globalAlpha = 1;
}

function limb(context, [ax, ay], [bx, by], halfWidth, colour) {
  context.fillStyle = colour;
  context.beginPath();
  const length = Math.hypot(bx - ax, by - ay) / 2;
  context.ellipse((ax + bx) / 2, (ay + by) / 2, length, halfWidth, Math.atan2(by - ay, bx - ax), 0, 2 * Math.PI);
  context.fill();
}

function line(context, a, b, colour) {
  context.strokeStyle = colour;
  context.beginPath();
  context.moveTo(...a);
  context.lineTo(...b);
  context.stroke();
}

function dot(context, [x, y], radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function ring(context, [x, y], radius, colour, width) {
  for (const [style, extra] of [["rgba(0, 0, 0, 0.8)", 2], [colour, 0]]) {
    context.strokeStyle = style;
    context.lineWidth = width + extra;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

function paintMarks(context, scene) {
  const { tables, view, state, selected, hovered, mode } = scene;
  const person = state.people[selected.person];
  if (mode === "person") {
    if (person) paintBox(context, screenBox(tables, person, view));
    return;
  }
  if (hovered) {
    const at = view.toScreen(pointAt(tables, state.people[hovered.person], hovered.point));
    ring(context, at, 8, "white", 1.5);
    label(context, view, at, tables.names[hovered.point]);
  }
  if (!person || selected.point === null) return;
  if (selected.point !== tables.neck && !isPlaced(person, selected.point)) return;
  const at = view.toScreen(pointAt(tables, person, selected.point));
  ring(context, at, 10, isVisible(tables, person, selected.point) ? "#ffd400" : "#9aa0a6", 2);
  if (!hovered) label(context, view, at, tables.names[selected.point]);
}

function paintBox(context, box) {
  if (!box) return;
  context.strokeStyle = "#ffd400";
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  context.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
  context.setLineDash([]);
  for (const [x, y] of corners(box)) {
    context.fillStyle = "#ffd400";
    context.fillRect(x - 5, y - 5, 10, 10);
    context.strokeStyle = "black";
    context.strokeRect(x - 5, y - 5, 10, 10);
  }
}

function label(context, view, [x, y], text) {
  context.font = "600 12px system-ui, sans-serif";
  const width = context.measureText(text).width + 12;
  const left = Math.min(view.width - width - 2, Math.max(2, x + 14));
  const top = Math.min(view.height - 24, Math.max(2, y - 32));
  context.fillStyle = "rgba(0, 0, 0, 0.8)";
  context.fillRect(left, top, width, 21);
  context.fillStyle = "white";
  context.fillText(text, left + 6, top + 15);
}
