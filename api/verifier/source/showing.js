// What a verdict looks like: colour, icon, words, the facts that a guard compares, technical details below.

import { COLUMNS, FIELDS, LABELS } from "./labels.js";
import { element, icon, moment } from "./markup.js";
import { MEANINGS, OUTCOMES, STATEMENTS } from "./meanings.js";

const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);

export const headline = (outcome, language) => (OUTCOMES[outcome] ? OUTCOMES[outcome].title[language] : outcome);

/** Gives the number by which people know what was checked; null where nothing names it. */
export const nameOf = ({ facts }) => {
  const fields = (facts.disclosed && facts.disclosed.fields) || [];
  const named = ["number", "declaration_number", "reference"].map((name) =>
    fields.find(({ path }) => path.length === 1 && path[0] === name)).find(Boolean);
  return named ? String(named.value) : null;
};

/** Gives the parts of the result's card. */
export const resultParts = (shown, { say, language, buttons }) => {
  const { verdict, isFromCodes } = shown, { outcome, words, next } = verdict;
  const look = OUTCOMES[outcome];
  const head = element("div", { class: "verdict" }, [
    icon(look.icon),
    element("div", {}, [element("h2", {}, look.title[language]), element("p", {}, words[language])]),
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

const rowsOf = (rows) =>
  element("dl", { class: "facts" }, rows.flatMap(([label, value, attributes]) =>
    [element("dt", {}, label), element("dd", attributes || {}, value)]));

const sourceOnly = ({ source, at }, say, language) => [
  rowsOf([[say("file"), source], [say("checkedAt"), moment(at / 1000, language)]]),
];

const factParts = (shown, say, language) => {
  const { facts } = shown.verdict;
  const { single, lines } = sorted(facts.disclosed ? facts.disclosed.fields : []);
  const rows = [
    [say("statement"), decisionWords(facts, language), { class: "big" }],
    ...single.map(({ path, value }) => [labelOf(path, language), written(value, say), isMain(path) ? { class: "big" } : {}]),
  ];
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
    rowsOf(rows),
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
  single.sort((a, b) => Number(isMain(b.path)) - Number(isMain(a.path)));
  return { single, lines: [...lines.entries()].sort(([a], [b]) => a - b).map(([, line]) => line) };
};

const keyOf = (path) => path.filter((part) => typeof part === "string").join(".");
const isMain = (path) => /(^|\.)(number|declaration_number|(vehicle_)?plates?)$/.test(keyOf(path));

const labelOf = (path, language) => {
  const key = keyOf(path), last = path[path.length - 1];
  const known = FIELDS[key] || (typeof last === "string" && FIELDS[last]);
  return known ? known[language] : path.join(" · ");
};

const written = (value, say) => (typeof value === "boolean" ? say(value ? "yes" : "no") : String(value));

const goods = (lines, say, language) => {
  const columns = Object.keys(COLUMNS).filter((name) => lines.some((line) => has(line, name)));
  if (!columns.length) return [];
  const cell = (kind) => (name, content) => element(kind, /quantity|packages|_kg/.test(name) ? { class: "number" } : {}, content);
  return [
    element("h3", {}, say("goods")),
    element("div", { class: "scroll" }, element("table", {}, [
      element("thead", {}, element("tr", {}, columns.map((name) => cell("th")(name, COLUMNS[name][language])))),
      element("tbody", {}, lines.map((line) => element("tr", {}, columns.map((name) =>
        cell("td")(name, has(line, name) && line[name] !== null ? String(line[name]) : ""))))),
    ])),
  ];
};

/** Gives the beginning of an identifier, as people compare them. */
const short = (id) => `${id.slice(2, 10)}…`;

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
