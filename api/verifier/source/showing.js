// What a verdict looks like: colour, icon, words, the facts that a guard compares, technical details below.

import { COLUMNS, FIELDS, LABELS, VALUES } from "./labels.js";
import { element, icon, moment } from "./markup.js";
import { MEANINGS, OUTCOMES, STATEMENTS } from "./meanings.js";

const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);

export const headline = (outcome, language) => (OUTCOMES[outcome] ? OUTCOMES[outcome].title[language] : outcome);

/** Gives the number by which people know what was checked; null where nothing names it. */
export const nameOf = ({ facts }) => {
  const fields = (facts.disclosed && facts.disclosed.fields) || [];
  const named = ["number", "reference"].map((name) =>
    fields.find(({ path }) => path.length === 1 && path[0] === name)).find(Boolean);
  return named ? String(named.value) : null;
};

/** Gives the parts of the result's card. */
export const resultParts = (shown, { say, language, buttons }) => {
  const { verdict, isFromCodes } = shown, { outcome, words, next } = verdict;
  const look = OUTCOMES[outcome];
  const head = element("div", { class: "verdict" }, [
    icon(look.icon),
    element("div", {}, [element("h2", {}, look.title[language]), element("p", {}, withoutTitle(words[language], look.title[language]))]),
  ]);
  const todo = [element("h3", {}, say("next")), element("p", {}, next[language])];
  if (isFromCodes && outcome !== "altered") todo.push(element("p", {}, say("comparePaper")));
  const body = [
    ...(outcome === "altered" ? sourceOnly(shown, say, language) : factParts(shown, say, language)),
    ...technical(shown, say),
    buttons,
  ];
  return [head, element("div", { class: "next" }, todo), element("div", { class: "body" }, body)];
};

/** Leaves out the outcome's name where a sentence begins with it: it stands above in large letters. */
const withoutTitle = (sentence, title) => {
  const rest = [": ", "："].map((mark) => title + mark).filter((start) => sentence.startsWith(start)).map((start) => sentence.slice(start.length))[0];
  return rest ? rest[0].toUpperCase() + rest.slice(1) : sentence;
};

const rowsOf = (rows, look = "facts") =>
  element("dl", { class: look }, rows.flatMap(([label, value, attributes]) =>
    [element("dt", {}, label), element("dd", attributes || {}, value)]));

const sourceOnly = ({ source, at }, say, language) => [
  rowsOf([[say("file"), source], [say("checkedAt"), moment(at / 1000, language)]]),
];

const factParts = (shown, say, language) => {
  const { facts } = shown.verdict;
  const { single, lines } = sorted(facts.disclosed ? facts.disclosed.fields : []);
  const rows = [
    [say("statement"), decisionWords(facts, language), { class: "big" }],
    ...single.filter(({ path }) => isMain(path)).map(({ path, value }) => [labelOf(path, language), String(value), { class: "big" }]),
  ];
  const others = single.filter(({ path }) => !isMain(path)).map(({ path, value }) =>
    [labelOf(path, language), written(path, value, say, language)]);
  const record = facts.record;
  const proof = [
    [say("signedBy"), facts.signers.map((signer) => signerLine(signer, shown.trust, say, language))],
    ...(has(facts.message, "signedAt") ? [[say("signedAt"), moment(facts.message.signedAt, language)]] : []),
    [say("recordedAt"), record ? [moment(record.blockTime, language), element("small", {}, say("block", { n: record.blockNumber }))] : say("notRecorded")],
    [say("checkpointLabel"), facts.checkpoint ? say("checkpoint", { n: facts.checkpoint.size }) : say("none")],
    [say("witnesses"), facts.witnesses.length ? facts.witnesses.map((id) => element("span", { class: "line" }, organisationName(id, shown.trust, language))) : say("none")],
    [say("checkedAt"), [moment(shown.at / 1000, language), element("small", {}, shown.source)]],
  ];
  const hidden = facts.disclosed && facts.disclosed.hidden;
  return [
    rowsOf(rows, "facts main"),
    ...(others.length ? [rowsOf(others)] : []),
    ...goods(lines, say, language),
    ...(hidden ? [element("p", { class: "quiet" }, say("hidden", { n: hidden }))] : []),
    element("h3", {}, say("proofTitle")),
    rowsOf(proof),
  ];
};

const decisionWords = ({ type, message }, language) => {
  const words = [STATEMENTS[type] ? STATEMENTS[type][language] : type];
  for (const [name, value] of Object.entries(message)) {
    const meaning = MEANINGS[`${type}.${name}`];
    if (meaning && meaning[value]) words.push(meaning[value][language]);
  }
  return words.join(" · ");
};

/** Divides fields into single ones and lines of goods. */
const sorted = (fields) => {
  const single = [], lines = new Map();
  for (const field of fields) {
    const { path, value } = field;
    if (path[0] === "lines" && typeof path[1] === "number" && path.length === 3) {
      if (!lines.has(path[1])) lines.set(path[1], {});
      lines.get(path[1])[path[2]] = value;
    } else if (value !== null && typeof value !== "object") {
      single.push(field);
    }
  }
  single.sort((a, b) => rank(a.path) - rank(b.path));
  return { single, lines: [...lines.entries()].sort(([a], [b]) => a - b).map(([, line]) => line) };
};

/** Orders fields as `FIELDS` names them; those without a name come last. */
const rank = (path) => {
  const place = Object.keys(FIELDS).indexOf(keyOf(path));
  return place < 0 ? Number.MAX_SAFE_INTEGER : place;
};

const keyOf = (path) => path.filter((part) => typeof part === "string").join(".");
const isMain = (path) => ["number", "transport.vehicle_plate", "vehicle_plate"].includes(keyOf(path));

const labelOf = (path, language) => {
  const key = keyOf(path), last = path[path.length - 1];
  const known = FIELDS[key] || (typeof last === "string" && FIELDS[last]);
  return known ? known[language] : path.join(" · ");
};

const written = (path, value, say, language) => {
  const meanings = VALUES[keyOf(path)];
  if (meanings && has(meanings, value)) return meanings[value][language];
  return typeof value === "boolean" ? say(value ? "yes" : "no") : String(value);
};

/** Gives the table of goods, with the columns of which something is shown. */
const goods = (lines, say, language) => {
  const namesOf = ({ fields }) => (Array.isArray(fields) ? fields : fields[language]);
  const shown = (line, column) => namesOf(column).filter((name) => has(line, name) && line[name] !== null).map((name) => String(line[name]));
  const columns = COLUMNS.filter((column) => lines.some((line) => shown(line, column).length));
  if (!columns.length) return [];
  const look = ({ isNumber }) => (isNumber ? { class: "number" } : {});
  const cell = (line, column) => {
    const [first, ...rest] = shown(line, column);
    return element("td", look(column), [first, ...rest.map((text) => element("small", {}, text))]);
  };
  return [
    element("h3", {}, say("goods")),
    element("div", { class: "scroll" }, element("table", {}, [
      element("thead", {}, element("tr", {}, columns.map((column) => element("th", look(column), column.head[language])))),
      element("tbody", {}, lines.map((line) => element("tr", {}, columns.map((column) => cell(line, column))))),
    ])),
  ];
};

/** Gives a part of an identifier by which people compare it; identifiers made at one time begin alike, so of them the end. */
const short = (id) => (/^0x[0-9a-f]{32}0{32}$/.test(id) ? `…${id.slice(26, 34)}` : `${id.slice(2, 10)}…`);

const organisationName = (id, trust, language) => {
  const founder = id && trust.founders.find(({ organisation }) => organisation === id);
  return founder ? founder.name[language] : id ? `${LABELS.member[language]} ${short(id)}` : LABELS.unknown[language];
};

const signerLine = ({ organisation, officer, keyId }, trust, say, language) =>
  element("span", { class: "line" }, [
    organisationName(organisation, trust, language),
    element("small", {}, officer ? say("officer", { id: short(officer) }) : say("key", { id: short(keyId) })),
  ]);

const technical = ({ verdict }, say) => {
  const { facts, reason } = verdict;
  const rows = [[say("reason"), reason]];
  for (const name of ["type", "digest", "subject"]) if (facts[name]) rows.push([name, facts[name]]);
  if (facts.message) Object.entries(facts.message).forEach(([name, value]) =>
    rows.push([`message.${name}`, typeof value === "object" ? JSON.stringify(value) : String(value)]));
  if (facts.record) Object.entries(facts.record).forEach(([name, value]) => rows.push([`record.${name}`, String(value)]));
  if (facts.checkpoint) Object.entries(facts.checkpoint).forEach(([name, value]) => rows.push([`checkpoint.${name}`, String(value)]));
  (facts.signers || []).forEach(({ keyId }, at) => rows.push([`signers.${at}.keyId`, keyId]));
  return [element("details", {}, [element("summary", {}, say("technical")), rowsOf(rows)])];
};
