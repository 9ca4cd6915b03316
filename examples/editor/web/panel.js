// The buttons and fields around the canvas. Text from data is set as text, never as HTML.
import * as model from "./model.js";

export class Panel {
  constructor(element, editor) {
    this.editor = editor;
    this.find = (selector) => element.querySelector(selector);
    this.all = (selector) => [...element.querySelectorAll(selector)];
    this.actions = this.makeActions();
    for (const button of this.all("[data-do]")) {
      button.addEventListener("click", () => this.actions[button.dataset.do]());
    }
    for (const button of this.all("[data-mode]")) {
      button.addEventListener("click", () => editor.setMode(button.dataset.mode));
    }
    this.find(".follow").addEventListener("change", (e) => (editor.follow = e.target.checked));
    this.find(".dim").addEventListener("input", (e) => {
      editor.dim = e.target.value / 100;
      editor.repaint();
    });
    this.find(".point").addEventListener("change", (e) => {
      editor.select(editor.selected.person, e.target.value === "" ? null : Number(e.target.value));
    });
    for (const axis of [".x", ".y"]) this.find(axis).addEventListener("change", () => this.typed());
    this.fillPoints();
    this.fillParts();
  }

  makeActions() {
    const { editor } = this;
    const { tables } = editor;
    return {
      undo: () => editor.undo(-1),
      redo: () => editor.undo(1),
      in: () => editor.zoomAt(1.5),
      out: () => editor.zoomAt(1 / 1.5),
      fit: () => editor.fit(),
      add: () => this.append(model.newPerson(tables, editor.state)),
      duplicate: () => this.append(model.duplicatePerson(tables, editor.state, editor.person)),
      mirror: () => editor.editPerson((person) => model.mirrorPerson(tables, person)),
      complete: () => editor.editPerson((person) => model.completePerson(tables, person)),
      remove: () => this.keepPeople((_, index) => index !== editor.selected.person),
      clear: () => this.keepPeople(() => false),
      toggle: () => this.togglePoint(),
      resize: () => this.resize(),
      reset: () => editor.edit(editor.original),
    };
  }

  append(person) {
    const { state } = this.editor;
    if (state.people.length >= this.editor.tables.limits.people) return;
    this.editor.edit({ ...state, people: [...state.people, person] });
    this.editor.select(state.people.length, null);
  }

  keepPeople(keep) {
    const { editor } = this;
    const people = editor.state.people.filter(keep);
    editor.selected = { person: Math.max(0, editor.selected.person - 1), point: null };
    editor.edit({ ...editor.state, people });
  }

  resize() {
    const { limits } = this.editor.tables;
    const [width, height] = [this.find(".width"), this.find(".height")];
    const sides = [width, height].map((field) => Math.round(Number(field.value)));
    const bad = sides.some((s) => !(s >= limits.side[0] && s <= limits.side[1]));
    const pixels = sides[0] * sides[1] > limits.pixels;
    width.setCustomValidity(bad ? `From ${limits.side[0]} to ${limits.side[1]} pixels.` : pixels ? "Too many pixels." : "");
    if (!width.reportValidity()) return;
    const { editor } = this;
    editor.view.fitted = true;
    editor.edit(model.resizeCanvas(editor.tables, editor.state, ...sides, this.find(".scale").checked));
  }

  togglePoint() {
    const { editor } = this;
    const { point } = editor.selected;
    if (point === null || !editor.person) return;
    const points = point === editor.tables.neck ? editor.tables.shoulders : [point];
    this.setShown(points, !model.isVisible(editor.tables, editor.person, point));
  }

  setShown(points, shown) {
    const { tables } = this.editor;
    this.editor.editPerson((person) =>
      shown ? model.showPoints(tables, person, points) : model.hidePoints(person, points),
    );
  }

  // A part comes back as it was hidden; one that nobody saw comes as a whole.
  showPart(points, shown) {
    const { person, tables } = this.editor;
    const seen = points.some((i) => person.score[i] >= tables.visible);
    if (shown && seen) this.editor.editPerson((before) => model.unhidePoints(before, points));
    else this.setShown(points, shown);
  }

  typed() {
    const { editor } = this;
    const { point } = editor.selected;
    const wanted = [".x", ".y"].map((axis) => this.find(axis).valueAsNumber);
    if (point === null || !editor.person || !wanted.every(Number.isFinite)) return;
    const { tables, follow } = editor;
    editor.editPerson((person) => {
      const [x, y] = model.pointAt(tables, person, point);
      return model.movePoint(tables, person, point, wanted[0] - x, wanted[1] - y, follow);
    });
  }

  // Choose the next or previous visible point.
  step(by) {
    const { editor } = this;
    if (!editor.person) return;
    const seen = model.visiblePoints(editor.tables, editor.person);
    if (!seen.length) return;
    const now = seen.indexOf(editor.selected.point);
    const next = now < 0 ? (by > 0 ? 0 : seen.length - 1) : (now + by + seen.length) % seen.length;
    editor.select(editor.selected.person, seen[next]);
  }

  hasPhoto(has) {
    this.find(".photo").hidden = !has;
  }

  fillPoints() {
    const { names } = this.editor.tables;
    const choose = new Option("choose", "");
    this.options = names.map((name, i) => new Option(name, i));
    this.find(".point").replaceChildren(choose, ...this.options);
  }

  fillParts() {
    const { tables } = this.editor;
    this.parts = Object.entries(tables.parts).map(([name, points]) => {
      const box = Object.assign(document.createElement("input"), { type: "checkbox" });
      box.dataset.part = name;
      box.addEventListener("change", () => this.showPart(points, box.checked));
      const label = document.createElement("label");
      label.append(box, sentence(name));
      this.find(".parts").append(label);
      return { box, points };
    });
    for (const [name, points] of Object.entries(tables.parts)) {
      if (name === "feet") continue;
      const button = makeButton(sentence(name), () => this.editor.zoomTo(points));
      button.dataset.zoomto = name;
      this.find(".zoomto").append(button);
    }
  }

  // ---- what the fields show ----
  show() {
    const { editor } = this;
    const { state, person, selected, history } = editor;
    this.find("[data-do=undo]").disabled = history.now === 0;
    this.find("[data-do=redo]").disabled = history.now === history.states.length - 1;
    this.find("[data-do=add]").disabled = state.people.length >= editor.tables.limits.people;
    this.showZoom();
    this.all("[data-mode]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.mode === editor.mode));
    this.all("[data-needs=person]").forEach((b) => (b.disabled = !person));
    this.all("[data-needs=point], .x, .y").forEach((b) => (b.disabled = !person || selected.point === null));
    this.all(".point, .parts input, .zoomto button").forEach((b) => (b.disabled = !person));
    this.find(".width").value = state.width;
    this.find(".height").value = state.height;
    this.showPeople();
    this.showParts();
    this.showPoint();
  }

  showZoom() {
    this.find(".zoom").textContent = `${Math.round(this.editor.view.zoom * 100)}%`;
  }

  showPeople() {
    const { editor } = this;
    const { people } = editor.state;
    const buttons = people.map((_, index) => {
      const button = makeButton(people.length > 3 ? `${index + 1}` : `Person ${index + 1}`, () => editor.select(index, null));
      button.setAttribute("aria-label", `Person ${index + 1}`);
      button.setAttribute("aria-pressed", index === editor.selected.person);
      return button;
    });
    const holder = this.find(".people");
    const focused = [...holder.children].indexOf(document.activeElement);
    holder.replaceChildren(...buttons);
    if (focused >= 0) buttons[Math.min(focused, buttons.length - 1)]?.focus();
  }

  showParts() {
    const { tables, person } = this.editor;
    for (const { box, points } of this.parts) {
      const seen = person ? points.filter((i) => model.isVisible(tables, person, i)).length : 0;
      box.checked = seen > 0;
      box.indeterminate = seen > 0 && seen < points.length;
    }
    this.options.forEach((option, i) => {
      const shown = !person || model.isVisible(tables, person, i);
      option.textContent = tables.names[i] + (shown ? "" : " (hidden)");
    });
  }

  showPoint() {
    const { tables, person, selected } = this.editor;
    const point = person ? selected.point : null;
    this.find(".point").value = point ?? "";
    const at = point === null ? null : model.pointAt(tables, person, point).map((v) => Math.round(v * 10) / 10);
    [this.find(".x").value, this.find(".y").value] = at ?? ["", ""];
    const shown = point === null || model.isVisible(tables, person, point);
    this.find("[data-do=toggle]").textContent = shown ? "Hide point" : "Show point";
    const who = person ? `Person ${selected.person + 1}` : "Nobody here yet: add a person or open a file.";
    const what = at && `${tables.names[point]}${shown ? "" : " (hidden)"} · ${at.join(", ")}`;
    const hint = this.editor.mode === "person" ? "drag to move, corners to scale" : "drag a point; zoom in for fingers";
    this.find(".status").textContent = person ? `${who} · ${what ?? hint}` : who;
  }
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1);

function makeButton(text, click) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", click);
  return button;
}
