// Strokes on paper.  The page asks window.s2iSketch() for them, and sets the value to lay an image on the paper.
const canvas = element.querySelector("canvas");
const cursor = element.querySelector(".pen");
const ink = canvas.getContext("2d", { willReadFrequently: true });
const side = canvas.width;
let past = [], touched = false, tool = "pen", last = null;
const key = { x: side / 2, y: side / 2, down: false };

function blank() {
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, side, side);
}

function remember() {
  past.push([ink.getImageData(0, 0, side, side), touched]);
  past = past.slice(-20);
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return { x: ((event.clientX - box.left) * side) / box.width, y: ((event.clientY - box.top) * side) / box.height };
}

function line(from, to) {
  const width = Number(element.querySelector("input").value);
  ink.lineCap = ink.lineJoin = "round";
  ink.strokeStyle = tool === "pen" ? "#1c1917" : "#fff";
  ink.lineWidth = tool === "pen" ? width : 5 * width;
  ink.beginPath();
  ink.moveTo(from.x, from.y);
  ink.lineTo(to.x, to.y);
  ink.stroke();
  touched = true;
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  remember();
  last = place(event);
  line(last, last);
});
canvas.addEventListener("pointermove", (event) => {
  if (!last) return;
  for (const one of event.getCoalescedEvents?.() ?? [event]) {
    const next = place(one);
    line(last, next);
    last = next;
  }
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });

canvas.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === " ") {
    key.down = !key.down;
    if (key.down) remember();
  } else if (way) {
    const from = { ...key }, step = event.shiftKey ? 2 : 10;
    key.x = Math.min(side, Math.max(0, key.x + way[0] * step));
    key.y = Math.min(side, Math.max(0, key.y + way[1] * step));
    if (key.down) line(from, key);
  } else return;
  event.preventDefault();
  cursor.hidden = false;
  cursor.dataset.down = key.down;
  cursor.style.left = `${(100 * key.x) / side}%`;
  cursor.style.top = `${(100 * key.y) / side}%`;
});
canvas.addEventListener("blur", () => { cursor.hidden = true; key.down = false; });

element.querySelector(".tools").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.tool) {
    tool = button.dataset.tool;
    for (const one of element.querySelectorAll("[data-tool]")) one.setAttribute("aria-pressed", one === button);
  } else if (button?.dataset.do === "clear") {
    remember();
    blank();
    touched = false;
  } else if (button?.dataset.do === "undo" && past.length) {
    const [image, was] = past.pop();
    ink.putImageData(image, 0, 0);
    touched = was;
  }
});

watch("value", () => {
  if (!props.value) return;
  const image = new Image();
  image.onload = () => {
    remember();
    blank();
    ink.drawImage(image, 0, 0, side, side);
    touched = true;
  };
  image.src = props.value;
});

blank();
window.s2iSketch = () => (touched ? canvas.toDataURL("image/png") : "");
