// Making elements, and writing moments and numbers as people read them.

/** Makes an element; content is text, an element, or a list of them. Nothing is ever read as markup. */
export const element = (name, attributes = {}, content = []) => {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  replaceContent(made, Array.isArray(content) ? content : [content]);
  return made;
};

export const replaceContent = (place, content) => {
  place.textContent = "";
  content.filter((item) => item !== null && item !== undefined).forEach((item) =>
    place.appendChild(typeof item === "string" ? document.createTextNode(item) : item));
};

const SVG = "http://www.w3.org/2000/svg";

/** Makes a drawing of one path on a field of 48 by 48. */
export const icon = (path) => {
  const drawing = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "path");
  drawing.setAttribute("viewBox", "0 0 48 48");
  drawing.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", "currentColor");
  line.setAttribute("stroke-width", "4.5");
  line.setAttribute("stroke-linecap", "round");
  line.setAttribute("stroke-linejoin", "round");
  drawing.appendChild(line);
  return drawing;
};

/** Writes a moment (Unix seconds) in this device's time zone. */
export const moment = (seconds, language) => {
  const time = new Date(Number(seconds) * 1000);
  if (Number.isNaN(time.getTime())) return String(seconds);
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false };
  return time.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", options);
};
