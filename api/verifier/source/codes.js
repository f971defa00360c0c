// QR codes in pictures and before the camera: the browser's own reader where it has one, jsQR elsewhere.

import jsQR from "jsqr";

const SIZES = [1600, 1000, 2400];
const LIVE_SIZE = 1000;
const MOST_CODES = 32;
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

/** Gives the texts of all codes in a picture file. */
export const readPicture = async (file) => {
  const picture = await decoded(file);
  const texts = new Set();
  const { width, height } = picture;
  for (const size of SIZES) {
    const scale = Math.min(size / Math.max(width, height), 2);
    const found = await readCanvas(drawn(picture, width * scale, height * scale), MOST_CODES);
    found.forEach((text) => texts.add(text));
    if (texts.size && found.length === texts.size) break;
  }
  return [...texts];
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

const drawn = (source, width, height) => {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // what is transparent in a picture is paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
};

const readCanvas = async (canvas, most) => {
  const own = await ownReader();
  if (own) {
    try {
      const found = await own.detect(canvas);
      if (found.length) return found.map((code) => code.rawValue);
    } catch {
      detector = null; // there in name only, as on some systems
    }
  }
  return readWithJsQr(canvas, most);
};

/** Reads code after code: jsQR sees one at a time, so each that was read is painted over. */
const readWithJsQr = (canvas, most) => {
  const context = canvas.getContext("2d", { willReadFrequently: true }), texts = [];
  for (let count = 0; count < most; count += 1) {
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    const code = jsQR(data, width, height, { inversionAttempts: "dontInvert" });
    if (!code) break;
    texts.push(code.data);
    const { topLeftCorner: a, topRightCorner: b, bottomRightCorner: c, bottomLeftCorner: d } = code.location;
    context.beginPath();
    [a, b, c, d].forEach((corner) => context.lineTo(corner.x, corner.y));
    context.closePath();
    context.fillStyle = "#fff";
    context.fill();
  }
  return texts;
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
      const texts = await readCanvas(canvas, 4);
      if (this.stream === stream) texts.forEach((text) => this.onText(text));
    }
    if (this.stream === stream) setTimeout(() => this.look(stream), LOOK_EVERY_MS);
  }
}
