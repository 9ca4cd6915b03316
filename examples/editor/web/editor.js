// The pose editor: ties the page's buttons and the canvas to the people. Started by tab.py.
import { listen } from "./gestures.js";
import { bindKeys } from "./keys.js";
import * as model from "./model.js";
import { paint } from "./paint.js";
import { Panel } from "./panel.js";
import { View, pick, pickPerson, screenBox } from "./view.js";

class Editor {
  constructor(element, tables, text, changed) {
    this.tables = tables;
    this.changed = changed;
    this.canvas = element.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.view = new View();
    this.history = new model.History(JSON.parse(text));
    this.original = this.history.state;
    this.draft = null; // the state while something is dragged
    this.selected = { person: 0, point: null };
    this.hovered = null;
    this.mode = "point";
    this.follow = true;
    this.photo = null;
    this.dim = 0.45;
    this.panel = new Panel(element, this);
    listen(this.canvas, this);
    bindKeys(element, this);
    new ResizeObserver(() => this.resized()).observe(this.canvas);
    this.refresh();
  }

  get state() {
    return this.draft ?? this.history.state;
  }

  get person() {
    return this.state.people[this.selected.person];
  }

  // A state that Python sent: a photo was annotated, a file opened.
  open(text) {
    this.draft = null;
    const state = JSON.parse(text);
    if (this.history.states.length > 1) this.history.push(state);
    else this.history = new model.History(state); // nothing was edited: nothing to go back to
    this.original = this.history.state;
    this.selected = { person: 0, point: null };
    this.view.fit(this.state);
    this.refresh();
  }

  setPhoto(url) {
    this.photo = null;
    this.panel.hasPhoto(Boolean(url));
    this.refresh();
    if (!url) return;
    const image = new Image();
    image.onload = () => {
      this.photo = image;
      this.refresh();
    };
    image.src = url;
  }

  select(person, point) {
    this.selected = { person, point };
    this.refresh();
  }

  setMode(mode) {
    this.mode = mode;
    this.hovered = null;
    this.refresh();
  }

  hover(at, kind) {
    const { tables, state, view, selected } = this;
    const points = this.mode === "point" && at;
    this.hovered = points ? pick(tables, state, view, at, kind, selected.person) : null;
    const over = at && (this.mode === "point"
      ? this.hovered
      : pickPerson(tables, state, view, at, selected.person) !== null);
    this.canvas.classList.toggle("over", Boolean(over));
    this.canvas.classList.toggle("grab", Boolean(at && !over));
    this.repaint();
  }

  // ---- edits ----
  edit(state) {
    this.draft = null;
    this.history.push(state);
    const last = Math.max(0, state.people.length - 1);
    this.selected = { ...this.selected, person: Math.min(this.selected.person, last) };
    this.changed(JSON.stringify(state));
    this.refresh();
  }

  editPerson(change) {
    if (this.person) this.edit(model.withPerson(this.state, this.selected.person, change(this.person)));
  }

  // While dragging: `total` CSS pixels from where the drag began.
  dragTo(action, total, at) {
    const { tables, view, history, selected } = this;
    const before = history.state.people[selected.person];
    const [dx, dy] = total.map((v) => v / view.zoom);
    const change = {
      point: () => model.movePoint(tables, before, selected.point, dx, dy, this.follow),
      person: () => model.movePerson(tables, before, dx, dy),
      scale: () => scaled(tables, before, view, action, at),
    }[action.type];
    this.draft = model.withPerson(history.state, selected.person, change());
    this.hovered = null;
    this.repaint();
    this.panel.showPoint();
  }

  commitEdit() {
    if (this.draft) this.edit(this.draft);
  }

  cancelEdit() {
    this.draft = null;
    this.refresh();
  }

  nudge(dx, dy) {
    const { point } = this.selected;
    if (this.mode === "person") {
      this.editPerson((person) => model.movePerson(this.tables, person, dx, dy));
    } else if (point !== null) {
      this.editPerson((person) => model.movePoint(this.tables, person, point, dx, dy, this.follow));
    }
  }

  undo(step) {
    this.draft = null;
    if (!this.history.go(step)) return;
    const last = Math.max(0, this.state.people.length - 1);
    this.selected = { ...this.selected, person: Math.min(this.selected.person, last) };
    this.changed(JSON.stringify(this.state));
    this.refresh();
  }

  // ---- view ----
  zoomAt(factor, at = [this.view.width / 2, this.view.height / 2]) {
    this.view.zoomAt(factor, at, this.state);
    this.refresh();
  }

  pan(dx, dy) {
    this.view.pan(dx, dy, this.state);
    this.repaint();
  }

  zoomTo(points) {
    const seen = points.filter((i) => model.isVisible(this.tables, this.person, i));
    const box = model.boundsOf(this.person, seen);
    if (box) this.view.show(box, this.state);
    this.refresh();
  }

  fit() {
    this.view.fit(this.state);
    this.refresh();
  }

  resized() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !height) return; // its tab is not open
    this.ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.view.resize(width, height, this.state);
    this.panel.showZoom();
    this.paint(); // at once: setting the size cleared it
  }

  refresh() {
    this.canvas.style.aspectRatio = `${this.state.width} / ${this.state.height}`;
    if (this.view.fitted) this.view.fit(this.state);
    this.panel.show();
    this.repaint();
  }

  paint() {
    const { zoom, left, top } = this.view;
    this.canvas.dataset.view = [zoom, left, top].join(" "); // where the map lies, for scripts
    paint(this.context, this.ratio ?? 1, this);
  }

  repaint() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.paint();
    });
  }
}

// The corner that is dragged follows the pointer, the opposite one stays.
function scaled(tables, person, view, { corner, start }, at) {
  const [left, top, right, bottom] = screenBox(tables, person, view);
  const fixed = [[right, bottom], [left, bottom], [left, top], [right, top]][corner];
  const reach = ([x, y]) => Math.hypot(x - fixed[0], y - fixed[1]);
  const factor = Math.min(20, Math.max(0.05, reach(at) / Math.max(1, reach(start))));
  return model.scalePerson(tables, person, view.toMap(fixed), factor);
}

// `props.value` is the state as text; Python replaces it or reads it, `trigger("input")` tells it.
export function mount(element, tables, props, trigger, watch) {
  let sent = props.value;
  const editor = new Editor(element, tables, props.value, (text) => {
    sent = text;
    props.value = text;
    trigger("input");
  });
  editor.setPhoto(props.photo);
  watch("photo", () => editor.setPhoto(props.photo));
  watch("value", () => {
    if (props.value === sent) return;
    sent = props.value;
    editor.open(sent);
    trigger("input");
  });
  trigger("input");
}
