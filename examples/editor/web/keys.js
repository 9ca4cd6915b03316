// The keyboard: works wherever the focus is within the editor, arrows on the canvas only.
const STEP = 1, LARGE_STEP = 10; // pixels of the map
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function bindKeys(element, editor) {
  element.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=number], select");
    const handled = shortcut(event, editor, typing) || (!typing && onCanvas(event, editor));
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function shortcut(event, editor, typing) {
  if (!(event.ctrlKey || event.metaKey) || typing) return false;
  const key = event.key.toLowerCase();
  if (key === "z") editor.undo(event.shiftKey ? 1 : -1);
  else if (key === "y") editor.undo(1);
  else return false;
  return true;
}

function onCanvas(event, editor) {
  if (event.target !== editor.canvas || event.ctrlKey || event.metaKey || event.altKey) return false;
  const arrow = ARROWS[event.key];
  const step = event.shiftKey ? LARGE_STEP : STEP;
  if (arrow) editor.nudge(arrow[0] * step, arrow[1] * step);
  else if (event.key === "." || event.key === ",") editor.panel.step(event.key === "." ? 1 : -1);
  else if (event.key === "+" || event.key === "=") editor.zoomAt(1.4);
  else if (event.key === "-") editor.zoomAt(1 / 1.4);
  else if (event.key === "0") editor.fit();
  else if (event.key === "Delete" || event.key === "Backspace") editor.panel.togglePoint();
  else if (event.key === "Escape") editor.select(editor.selected.person, null);
  else return false;
  return true;
}
