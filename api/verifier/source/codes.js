// QR codes in pictures and before the camera: the browser's own reader where it has one, jsQR elsewhere.

import jsQR from "jsqr";

const LARGEST_SIDE = 2800, MOST_ENLARGED = 2, WINDOW_SIDE = 1000;
const PARTS_OF_A_SIDE = [1, 2, 3, 4, 6];
const PATIENCE_MS = 15_000;
const LIVE_SIZE = 1000;
const MOST_CODES = 32, MOST_IN_VIEW = 4;
const LOOK_EVERY_MS = 120;

let detector; // undefined: not asked yet; null: the browser has none

const ownReader = async () => {
  if (detector === undefined) {
    try {
      const formats = await window.BarcodeDetector.getSupportedFormats();
      detector = formats.includes("qr_code") ? new window.BarcodeDetector({ formats: ["qr_code"] }) : null;
    } catch {
      detector = null;
    }
  }
  return detector;
};

/** Gives the texts of all codes in a picture file; `isEnough` tells, of the texts so far, whether to stop looking. */
export const readPicture = async (file, isEnough) => {
  const picture = await decoded(file);
  const scale = Math.min(LARGEST_SIDE / Math.max(picture.width, picture.height), MOST_ENLARGED);
  const canvas = drawn(picture, picture.width * scale, picture.height * scale);
  const texts = new Set(await readWithOwnReader(canvas)), until = Date.now() + PATIENCE_MS;
  for (const window of windows(canvas)) {
    if (isEnough([...texts]) || Date.now() > until) break;
    readWindow(canvas, window).forEach((text) => texts.add(text));
    await new Promise((resolve) => setTimeout(resolve)); // let the page breathe
  }
  return [...texts];
};

/** Gives squares of the picture, the whole first, then smaller ones that overlap by half: jsQR reads a code best alone. */
function* windows({ width, height }) {
  const longest = Math.max(width, height);
  for (const parts of PARTS_OF_A_SIDE) {
    const side = Math.ceil(longest / parts), step = Math.max(1, Math.floor(side / 2));
    for (let y = 0; y === 0 || y + side - step < height; y += step)
      for (let x = 0; x === 0 || x + side - step < width; x += step)
        yield { x, y, width: Math.min(side, width - x), height: Math.min(side, height - y) };
  }
}

/** Reads the codes in one part of a picture; each is painted over, so that others stand out. */
const readWindow = (canvas, { x, y, width, height }) => {
  const scale = Math.min(WINDOW_SIDE / Math.max(width, height), 1);
  const part = drawn(canvas, width * scale, height * scale, [x, y, width, height]);
  return readWithJsQr(part, MOST_CODES, (corners) =>
    paintOver(canvas, corners.map((corner) => ({ x: x + corner.x / scale, y: y + corner.y / scale }))));
};

const decoded = (file) =>
  new Promise((resolve, reject) => {
    const address = URL.createObjectURL(file), picture = new Image();
    picture.onload = () => {
      URL.revokeObjectURL(address);
      resolve(picture);
    };
    picture.onerror = () => {
      URL.revokeObjectURL(address);
      reject(new Error("no picture"));
    };
    picture.src = address;
  });

const drawn = (source, width, height, part) => {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // what is transparent in a picture is paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (part) context.drawImage(source, ...part, 0, 0, canvas.width, canvas.height);
  else context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
};

const readWithOwnReader = async (canvas) => {
  const own = await ownReader();
  if (!own) return [];
  try {
    return (await own.detect(canvas)).map((code) => code.rawValue);
  } catch {
    detector = null; // there in name only, as on some systems
    return [];
  }
};

/** Reads code after code: jsQR sees one at a time, so each that was read is painted over. */
const readWithJsQr = (canvas, most, onRead = () => {}) => {
  const context = canvas.getContext("2d", { willReadFrequently: true }), texts = [];
  while (texts.length < most) {
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    const code = jsQR(data, width, height, { inversionAttempts: "dontInvert" });
    if (!code) break;
    const { topLeftCorner, topRightCorner, bottomRightCorner, bottomLeftCorner } = code.location;
    const corners = [topLeftCorner, topRightCorner, bottomRightCorner, bottomLeftCorner];
    texts.push(code.data);
    paintOver(canvas, corners);
    onRead(corners);
  }
  return texts;
};

const paintOver = (canvas, corners) => {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.beginPath();
  corners.forEach((corner) => context.lineTo(corner.x, corner.y));
  context.closePath();
  context.fillStyle = "#fff";
  context.fill();
};

/** The camera, read until it is stopped. */
export class Camera {
  constructor(video, onText) {
    this.video = video;
    this.onText = onText;
    this.stream = null;
  }

  /** Starts; rejects where there is no camera or nobody lets us. */
  async start() {
    const wanted = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: wanted });
    this.stream = stream;
    this.video.srcObject = stream;
    await this.video.play();
    this.look(stream);
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  async look(stream) {
    const { video } = this;
    if (video.videoWidth) {
      const scale = Math.min(LIVE_SIZE / Math.max(video.videoWidth, video.videoHeight), 1);
      const canvas = drawn(video, video.videoWidth * scale, video.videoHeight * scale);
      const own = await readWithOwnReader(canvas), texts = own.length ? own : readWithJsQr(canvas, MOST_IN_VIEW);
      for (const text of texts) if (this.stream === stream) this.onText(text); // one of them may have been the last
    }
    if (this.stream === stream) setTimeout(() => this.look(stream), LOOK_EVERY_MS);
  }
}
