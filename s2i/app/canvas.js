// A canvas to draw on.  The page asks window.s2iSketch() for the sketch, and sets the value to lay an image on it.
const canvas = element.querySelector("canvas");
const keyboardCursor = element.querySelector(".pen");
const context = canvas.getContext("2d", { willReadFrequently: true });
const side = canvas.width;
const PAPER = "#fff", INK = "#1c1917";
const ERASER_WIDTH = 5; // times the width of the pen
const UNDO_STEPS = 20;
let undoStack = [], isBlank = true, tool = "pen", lastPoint = null;
const keyboardPen = { x: side / 2, y: side / 2, isDown: false };

function clearPaper() {
  context.fillStyle = PAPER;
  context.fillRect(0, 0, side, side);
}

function remember() {
  undoStack.push([context.getImageData(0, 0, side, side), isBlank]);
  undoStack = undoStack.slice(-UNDO_STEPS);
}

function pointOf(event) {
  const box = canvas.getBoundingClientRect();
  return { x: ((event.clientX - box.left) * side) / box.width, y: ((event.clientY - box.top) * side) / box.height };
}

function drawLine(from, to) {
  const width = Number(element.querySelector("input").value);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = tool === "pen" ? INK : PAPER;
  context.lineWidth = tool === "pen" ? width : ERASER_WIDTH * width;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
  isBlank = false;
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  remember();
  lastPoint = pointOf(event);
  drawLine(lastPoint, lastPoint);
});
canvas.addEventListener("pointermove", (event) => {
  if (!lastPoint) return;
  for (const move of event.getCoalescedEvents?.() ?? [event]) {
    const point = pointOf(move);
    drawLine(lastPoint, point);
    lastPoint = point;
  }
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { lastPoint = null; });

canvas.addEventListener("keydown", (event) => {
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === " ") {
    keyboardPen.isDown = !keyboardPen.isDown;
    if (keyboardPen.isDown) remember();
  } else if (direction) {
    const from = { ...keyboardPen }, step = event.shiftKey ? 2 : 10;
    keyboardPen.x = Math.min(side, Math.max(0, keyboardPen.x + direction[0] * step));
    keyboardPen.y = Math.min(side, Math.max(0, keyboardPen.y + direction[1] * step));
    if (keyboardPen.isDown) drawLine(from, keyboardPen);
  } else return;
  event.preventDefault();
  keyboardCursor.hidden = false;
  keyboardCursor.dataset.down = keyboardPen.isDown;
  keyboardCursor.style.left = `${(100 * keyboardPen.x) / side}%`;
  keyboardCursor.style.top = `${(100 * keyboardPen.y) / side}%`;
});
canvas.addEventListener("blur", () => { keyboardCursor.hidden = true; keyboardPen.isDown = false; });

element.querySelector(".tools").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.tool) {
    tool = button.dataset.tool;
    for (const other of element.querySelectorAll("[data-tool]")) other.setAttribute("aria-pressed", other === button);
  } else if (button?.dataset.do === "clear") {
    remember();
    clearPaper();
    isBlank = true;
  } else if (button?.dataset.do === "undo" && undoStack.length) {
    const [image, wasBlank] = undoStack.pop();
    context.putImageData(image, 0, 0);
    isBlank = wasBlank;
  }
});

watch("value", () => {
  if (!props.value) return;
  const image = new Image();
  image.onload = () => {
    remember();
    clearPaper();
    context.drawImage(image, 0, 0, side, side);
    isBlank = false;
  };
  image.src = props.value;
});

clearPaper();
window.s2iSketch = () => (isBlank ? "" : canvas.toDataURL("image/png"));
