// The page: takes papers by file, by drop and by camera, shows what the verifier says, remembers the last checks.

import { utf8 } from "./bytes.js";
import { canonical } from "./canonical.js";
import { kindOf } from "./carriers.js";
import { Camera, readPicture } from "./codes.js";
import { LABELS } from "./labels.js";
import { element, moment, replaceContent } from "./markup.js";
import { Parts, readPart } from "./parts.js";
import { chosenTrust, forgetChecks, language, lastChecks, rememberCheck, rememberLanguage, rememberTrust } from "./remembered.js";
import { headline, nameOf, resultParts } from "./showing.js";
import { fingerprintOf, readTrust, verify } from "./verify.js";

const MOST_BYTES = 20 << 20;
const FINGERPRINT_DIGITS = 32;

const at = (id) => document.getElementById(id);
const state = {
  language: language() ?? (/^zh/i.test(navigator.language || "") ? "zh" : "en"),
  trust: null,
  trustIsChosen: false,
  parts: new Parts(),
  shown: null,
  note: null,
  trustNote: null,
};

const say = (name, values = {}) =>
  LABELS[name][state.language].replace(/\{(\w+)\}/g, (_, key) => String(values[key]));

// ------------------------------------------------------------------------------------------------------------- trust

const embeddedTrust = () => {
  const given = JSON.parse(at("trust-anchor").textContent);
  return given && readTrust(utf8(canonical(given)));
};

const roots = ({ known, ...rest }) => canonical(rest);

/** Takes the trust file chosen here before the one that came with the page, and the newer news of both. */
const settleTrust = () => {
  let chosen = null, embedded = null;
  try {
    embedded = embeddedTrust();
    chosen = chosenTrust() && readTrust(utf8(canonical(chosenTrust())));
  } catch {
    rememberTrust(null); // not written by us, or by an older page
  }
  const isNewer = chosen && embedded && roots(chosen) === roots(embedded) && embedded.known.checkpoint > chosen.known.checkpoint;
  state.trustIsChosen = Boolean(chosen) && !isNewer;
  state.trust = state.trustIsChosen ? chosen : embedded;
  state.hasEmbedded = Boolean(embedded);
};

const takeTrust = async (file) => {
  try {
    const anchor = readTrust(new Uint8Array(await file.arrayBuffer()));
    rememberTrust(anchor);
    state.trustNote = { kind: "note", label: "trustTaken" };
    state.note = null;
  } catch {
    state.trustNote = { kind: "refusal", label: "trustBad", values: { name: file.name } };
  }
  settleTrust();
  drawTrust();
  drawNote();
};

const drawTrust = () => {
  const { trust } = state;
  replaceContent(at("trust-facts"), trust ? trustFacts(trust) : [element("p", { class: "note" }, say("trustMissing"))]);
  at("trust").classList.toggle("urgent", !trust);
  at("trust-forget").hidden = !state.trustIsChosen;
  at("trust-forget").textContent = say(state.hasEmbedded ? "trustForget" : "trustForgetFile");
  drawInto(at("trust-note"), state.trustNote);
};

const trustFacts = (trust) => {
  const fingerprint = fingerprintOf(trust).slice(0, FINGERPRINT_DIGITS).match(/.{4}/g).join(" ");
  const rowsOf = (rows) => element("dl", { class: "facts" }, rows.flatMap(([label, value]) =>
    [element("dt", {}, label), element("dd", {}, value)]));
  return [
    rowsOf([
      [say("trustName"), trust.name[state.language]],
      [say("trustFingerprint"), element("span", { class: "fingerprint" }, fingerprint)],
      [say("trustKnown"), say("checkpoint", { n: trust.known.checkpoint })],
    ]),
    element("details", {}, [
      element("summary", {}, say("more")),
      rowsOf([
        [say("trustFrom"), say(state.trustIsChosen ? "trustFromFile" : "trustFromPage")],
        [say("trustFounders"), [
          ...trust.founders.map(({ name }) => element("span", { class: "line" }, name[state.language])),
          element("small", {}, say("trustThreshold", { k: trust.threshold, n: trust.founders.length })),
        ]],
        [say("trustWitnesses"), String(trust.witnesses)],
        [say("trustNumber"), String(trust.chainId)],
      ]),
    ]),
  ];
};

// ------------------------------------------------------------------------------------------------------------- files

const isPicture = (file, bytes) =>
  file.type.startsWith("image/") || /\.(png|jpe?g|webp|gif|bmp|heic)$/i.test(file.name) ||
  (bytes[0] === 0x89 && bytes[1] === 0x50) || (bytes[0] === 0xff && bytes[1] === 0xd8);

const complain = (label, values = {}, kind = "refusal") => {
  state.note = { kind, label, values };
  drawNote();
};

/** Takes files one after the other: codes of pictures are collected, the first paper is checked. */
const takeFiles = async (files) => {
  state.note = null;
  drawNote();
  if (!state.trust) return askForTrust();
  let isChecked = false;
  for (const file of files) {
    const bytes = await readable(file);
    if (bytes && isPicture(file, bytes)) await takePicture(file);
    else if (bytes && isChecked) complain("severalPapers", { name: state.shown.source }, "note");
    else if (bytes) isChecked = judge(bytes, file.name);
  }
  return undefined;
};

const readable = async (file) => {
  if (file.size > MOST_BYTES) return complain("tooBig", { name: file.name });
  if (file.size === 0) return complain("empty", { name: file.name });
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (kindOf(bytes) === null && !isPicture(file, bytes)) return complain("notPaper", { name: file.name });
  return bytes;
};

const takePicture = async (file) => {
  complain("reading", { name: file.name }, "progress");
  let texts;
  try {
    texts = await readPicture(file, makeOneWhole);
  } catch {
    complain("badPicture", { name: file.name });
    return;
  }
  state.note = null;
  drawNote();
  const ours = texts.filter(readPart);
  if (!texts.length) complain("noCode", { name: file.name });
  else if (!ours.length) complain("notOurs");
  const { shown } = state;
  for (const text of ours) if (state.shown === shown) takeCode(text); // what stands behind the last code is another paper's
};

/** Tells whether texts, with what was collected before, make up one whole paper. */
const makeOneWhole = (texts) => {
  const parts = texts.map(readPart).filter(Boolean), [first] = parts;
  if (!first) return false;
  const held = first.tag === state.parts.tag ? [...state.parts.chunks.keys()] : [];
  const places = parts.filter(({ tag }) => tag === first.tag).map(({ place }) => place);
  return new Set([...held, ...places]).size >= first.count;
};

const askForTrust = () => {
  complain("trustNeeded");
  at("trust").scrollIntoView();
};

// ------------------------------------------------------------------------------------------------------------- codes

/** Takes the text of a code; tells whether it was one of ours. */
const takeCode = (text) => {
  const part = readPart(text);
  if (!part) return false;
  const taken = state.parts.take(part);
  if (taken !== "known") {
    state.note = taken === "other" ? { kind: "note", label: "partsOther" } : null;
    drawNote();
    if (navigator.vibrate) navigator.vibrate(40);
  }
  drawParts();
  if (state.parts.isWhole) assemble();
  return true;
};

const assemble = () => {
  const { parts } = state;
  stopScanning();
  try {
    judge(parts.bytes(), say("fromCodes"), true);
  } catch {
    complain("badCodes");
  }
};

const camera = new Camera(at("video"), (text) => takeCode(text));

const startScanning = async () => {
  state.note = null;
  drawNote();
  if (!state.trust) return askForTrust();
  state.parts = new Parts();
  at("camera").hidden = false;
  drawParts();
  try {
    await camera.start();
  } catch (fault) {
    stopScanning();
    complain(fault && fault.name === "NotAllowedError" ? "cameraRefused" : "cameraMissing");
  }
  return undefined;
};

const stopScanning = () => {
  camera.stop();
  at("camera").hidden = true;
  state.parts = new Parts();
  drawParts();
};

const drawParts = () => {
  const { parts } = state, isScanning = !at("camera").hidden;
  at("parts").hidden = !isScanning && !parts.count;
  at("drop").hidden = isScanning;
  const progress = parts.count ? say("parts", { done: parts.chunks.size, all: parts.count }) : say("aim");
  at("parts-words").textContent = parts.count && !isScanning ? `${progress} · ${say("partsMore")}` : progress;
  replaceContent(at("parts-boxes"), Array.from({ length: parts.count }, (_, place) =>
    element("li", parts.chunks.has(place + 1) ? { class: "done" } : {}, String(place + 1))));
  at("stop").textContent = say(isScanning ? "stop" : "startOver");
};

// ------------------------------------------------------------------------------------------------------------ results

const judge = (bytes, source, isFromCodes = false) => {
  const verdict = verify(bytes, state.trust);
  state.parts = new Parts();
  state.shown = { verdict, source, isFromCodes, at: Date.now(), trust: state.trust };
  rememberCheck({ at: state.shown.at, outcome: verdict.outcome, reason: verdict.reason, name: nameOf(verdict) ?? source });
  drawParts();
  drawResult();
  drawHistory();
  at("result").focus({ preventScroll: true });
  at("result").scrollIntoView();
  return true;
};

const drawResult = () => {
  const { shown } = state, result = at("result");
  result.hidden = !shown;
  at("title").hidden = Boolean(shown);
  if (!shown) return;
  result.dataset.outcome = shown.verdict.outcome;
  result.dataset.reason = shown.verdict.reason;
  const buttons = element("p", { class: "row" }, [
    element("button", { type: "button", id: "another" }, say("another")),
    element("button", { type: "button", id: "print", class: "second" }, say("print")),
  ]);
  replaceContent(result, resultParts(shown, { say, language: state.language, buttons }));
  at("another").onclick = () => {
    state.shown = null;
    drawResult();
    at("content").focus();
    window.scrollTo(0, 0);
  };
  at("print").onclick = () => window.print();
};

const drawHistory = () => {
  const checks = lastChecks();
  at("history").hidden = !checks.length;
  replaceContent(at("history-list"), checks.map((check) => element("li", {}, [
    element("span", { class: `badge ${check.outcome}` }, headline(check.outcome, state.language)),
    element("span", { class: "what" }, check.name),
    element("time", {}, moment(check.at / 1000, state.language)),
  ])));
};

// --------------------------------------------------------------------------------------------------------------- page

const drawInto = (place, note) => {
  place.hidden = !note;
  place.className = note ? note.kind : "";
  replaceContent(place, note ? [element("p", {}, say(note.label, note.values))] : []);
};

const drawNote = () => drawInto(at("note"), state.note);

const draw = () => {
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  document.title = `${say("brand")} · Piste`;
  document.querySelectorAll("[data-say]").forEach((place) => {
    place.textContent = say(place.dataset.say);
  });
  at("language").textContent = state.language === "zh" ? "English" : "中文";
  at("language").lang = state.language === "zh" ? "en" : "zh-CN";
  drawTrust();
  drawParts();
  drawNote();
  drawResult();
  drawHistory();
};

const listen = () => {
  at("language").onclick = () => {
    state.language = state.language === "zh" ? "en" : "zh";
    rememberLanguage(state.language);
    draw();
  };
  at("choose").onclick = () => at("files").click();
  at("scan").onclick = startScanning;
  at("stop").onclick = stopScanning;
  at("files").onchange = async () => {
    await takeFiles([...at("files").files]);
    at("files").value = "";
  };
  at("trust-choose").onclick = () => at("trust-file").click();
  at("trust-file").onchange = async () => {
    const [file] = at("trust-file").files;
    if (file) await takeTrust(file);
    at("trust-file").value = "";
  };
  at("trust-forget").onclick = () => {
    rememberTrust(null);
    state.trustNote = null;
    settleTrust();
    drawTrust();
  };
  at("history-clear").onclick = () => {
    forgetChecks();
    drawHistory();
  };
  listenToDrops();
};

const listenToDrops = () => {
  const drop = at("drop");
  const over = (isOver) => (event) => {
    event.preventDefault();
    drop.classList.toggle("over", isOver);
  };
  window.addEventListener("dragover", over(true));
  window.addEventListener("dragleave", over(false));
  window.addEventListener("drop", (event) => {
    over(false)(event);
    const files = [...(event.dataTransfer ? event.dataTransfer.files : [])];
    const trust = files.find((file) => /trust.*\.json$/i.test(file.name));
    if (trust) takeTrust(trust);
    else if (files.length) takeFiles(files);
  });
  window.addEventListener("pagehide", () => camera.stop());
};

settleTrust();
listen();
draw();
at("keep").hidden = !/^https?:$/.test(location.protocol);
