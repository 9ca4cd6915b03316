// Mouse, pen and touch on the canvas, told to `editor` as begin / drag / end of an edit.
import { pick, pickCorner, pickPerson } from "./view.js";

const SLOP = { mouse: 3, touch: 7 }; // CSS pixels before a press becomes a drag

export function listen(canvas, editor) {
  const pointers = new Map();
  let action = null;

  const kindOf = (event) => (event.pointerType === "touch" ? "touch" : "mouse");
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const at = place(event);
    pointers.set(event.pointerId, at);
    if (pointers.size === 2) {
      editor.cancelEdit();
      action = { type: "pinch", ...spread(pointers) };
    } else if (pointers.size === 1) {
      action = event.button === 1 ? { type: "pan" } : begin(editor, at, kindOf(event));
      Object.assign(action, { start: at, last: at, moved: false, slop: SLOP[kindOf(event)] });
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") editor.hover(at, kindOf(event));
      return;
    }
    pointers.set(event.pointerId, at);
    if (action?.type === "pinch") action = pinch(editor, action, pointers);
    else if (action) move(editor, action, at);
  });

  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === "pointercancel") editor.cancelEdit();
    else if (action && action.type !== "pinch") finish(editor, action);
    action = null;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => editor.hover(null));

  canvas.addEventListener("contextmenu", (event) => pointers.size && event.preventDefault());

  // A finger on a point, on a zoomed map, or two fingers work the map; one beside it scrolls the page.
  canvas.addEventListener(
    "touchstart",
    (event) => {
      const touch = event.changedTouches[0];
      const used = event.touches.length > 1 || !editor.view.fitted;
      if (used || begin(editor, place(touch), "touch", true).type !== "pan") event.preventDefault();
    },
    { passive: false },
  );
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (editor.view.fitted && event.deltaY > 0) return; // as small as it gets: scroll the page
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 20 : 1;
      editor.zoomAt(Math.exp(-event.deltaY * lines * 0.0016), place(event));
    },
    { passive: false },
  );
}

// What a press at this place starts; `ask` only looks.
function begin(editor, at, kind, ask = false) {
  const { tables, view, mode } = editor;
  const { state, selected } = editor;
  if (mode === "person") {
    const person = state.people[selected.person];
    const corner = person ? pickCorner(tables, person, view, at, kind) : -1;
    if (corner >= 0) return { type: "scale", corner };
    const index = pickPerson(tables, state, view, at, selected.person);
    if (index === null) return { type: "pan" };
    if (!ask) editor.select(index, null);
    return { type: "person" };
  }
  const hit = pick(tables, state, view, at, kind, selected.person);
  if (!hit) return { type: "pan", deselects: true };
  if (!ask) editor.select(hit.person, hit.point);
  return { type: "point" };
}

function move(editor, action, at) {
  const total = [at[0] - action.start[0], at[1] - action.start[1]];
  if (!action.moved && Math.hypot(...total) < action.slop) return;
  action.moved = true;
  if (action.type === "pan") editor.pan(at[0] - action.last[0], at[1] - action.last[1]);
  else editor.dragTo(action, total, at);
  action.last = at;
}

function finish(editor, action) {
  if (action.moved) editor.commitEdit();
  else if (action.deselects) editor.select(editor.selected.person, null);
}

function spread(pointers) {
  const [a, b] = [...pointers.values()];
  return {
    centre: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2],
    distance: Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1])),
  };
}

function pinch(editor, before, pointers) {
  if (pointers.size !== 2) return before;
  const now = spread(pointers);
  editor.zoomAt(now.distance / before.distance, now.centre);
  if (!editor.view.fitted) editor.pan(now.centre[0] - before.centre[0], now.centre[1] - before.centre[1]);
  return { type: "pinch", ...now };
}
