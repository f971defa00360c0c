// Forms of all pages, by their attributes:
//
//   <form data-api="/api/v1/persons">                     sends the fields as JSON (a form with a file: as it is)
//   <form data-sign="…/actions/confirm/statement"         fetches the statement, has it signed with a passkey,
//         data-api="…/actions/confirm">                   sends fields + signed_at + signature
//   data-method="PATCH"      another method than POST
//   data-revision="3"        what the page showed: the service refuses where it has changed since (If-Match)
//   data-next="/x/{id}"      where to go then, with fields of the answer; without it the page is loaded again
//   data-done="…"            what to say then
//   data-reveal="#box"       show the answer in this box instead (its [data-field] elements), for secrets
//   data-confirm="…"         ask before
//   data-raw="file"          sends the chosen file of this field itself, as XML or JSON by its name
//   data-adds-up="total"     fills this field with the sum of the fields that have data-weight
//   [data-rows]              a list of rows; [data-add-row] copies the last [data-row] and counts its names up,
//                            [data-drop-row] takes the last away again
//
// Names of fields are paths: "lines[0].quantity". data-type="integer|boolean|list|json" on a field says how it is
// meant; a field left empty is left out, unless it has data-keep.
//
//   <x data-poll="/api/v1/…" data-poll-field="pending_event" data-poll-value="confirm">
//                            looks every few seconds and loads the page again once the field holds another value
//                            (who is writing in a form is told instead);
//   data-poll-slowly         … only every ten seconds: nothing is expected soon

import { call, Refusal, say } from "./api.js";
import { enrol, signIn, signStatement } from "./passkey.js";

const NOTE = "piste.note";

/** Put the fields of a form into one object. */
export function fieldsOf(form) {
  const fields = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.name === "csrf_token") continue;
    if ((field.type === "checkbox" || field.type === "radio") && !field.checked && field.dataset.type !== "boolean") continue;
    if (field.value === "" && !("keep" in field.dataset) && field.dataset.type !== "boolean") continue;
    place(fields, field.name, meant(field), field.dataset.type === "list" || field.type === "checkbox");
  }
  return fields;
}

function meant(field) {
  switch (field.dataset.type) {
    case "integer":
      return /^-?\d+$/.test(field.value) ? Number(field.value) : field.value;
    case "boolean":
      return field.type === "checkbox" ? field.checked : field.value === "true";
    case "json":
      try {
        return JSON.parse(field.value);
      } catch {
        return field.value;
      }
    case "moment":
      return Number.isNaN(Date.parse(field.value)) ? field.value : new Date(field.value).toISOString();
    default:
      return field.value;
  }
}

function place(target, name, value, many) {
  const path = name.split(/[.[\]]+/).filter((part) => part !== "");
  let spot = target;
  path.forEach((part, at) => {
    if (at === path.length - 1) {
      if (many && typeof value !== "boolean") (spot[part] ??= []).push(value);
      else spot[part] = value;
    } else {
      spot = spot[part] ??= /^\d+$/.test(path[at + 1]) ? [] : {};
    }
  });
}

/** Give the place in a form where it is told what happens. */
function messagesOf(form) {
  let box = form.querySelector("[data-messages]");
  if (!box) {
    box = document.createElement("div");
    box.dataset.messages = "";
    form.append(box);
  }
  return box;
}

function tell(form, words) {
  const box = messagesOf(form);
  box.className = "progress";
  box.setAttribute("role", "status");
  box.replaceChildren(words);
}

/** Show a refusal: each fault with what to do, and a mark at the field it names. */
export function showRefusal(form, problem) {
  const box = messagesOf(form);
  box.className = "refusal";
  box.setAttribute("role", "alert");
  const heading = document.createElement("strong");
  heading.textContent = problem.detail;
  const list = document.createElement("ul");
  for (const fault of problem.faults) {
    const item = document.createElement("li");
    const field = fieldAt(form, fault.field);
    if (field) {
      field.setAttribute("aria-invalid", "true");
      markField(field, fault.message);
      item.append(`${wordsOf(field)}: `);
    }
    const words = problem.faults.length === 1 && fault.message === problem.detail ? [] : [`${fault.message} `];
    const next = document.createElement("em");
    next.textContent = fault.next_step;
    item.append(...words, next);
    list.append(item);
  }
  box.replaceChildren(heading, list);
  if (problem.trace_id) {
    const trace = document.createElement("small");
    trace.textContent = `${problem.code} · ${problem.trace_id}`;
    box.append(trace);
  }
  const first = form.querySelector('[aria-invalid="true"]');
  if (first) first.focus();
  (first ?? box).scrollIntoView({ block: "nearest" });
}

let marks = 0;

/** Say at a field what is wrong with it. */
function markField(field, words) {
  const label = field.closest("label");
  if (!label || field.type === "hidden") return;
  let mark = label.querySelector("[data-fault]");
  if (!mark) {
    mark = document.createElement("small");
    mark.dataset.fault = "";
    mark.className = "fault";
    marks += 1;
    mark.id = `fault-${marks}`;
    label.append(mark);
    field.setAttribute("aria-describedby", mark.id);
  }
  mark.textContent = words;
}

function clearMarks(form) {
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const mark of form.querySelectorAll("[data-fault]")) mark.remove();
}

/** Give the words that stand at a field; of one choice among several, those over all of them. */
function wordsOf(field) {
  const isChoice = field.type === "checkbox" || field.type === "radio";
  const words = isChoice && field.dataset.type !== "boolean" ? field.closest("fieldset")?.querySelector("legend") : null;
  return (words ?? field.closest("label")?.querySelector("span"))?.textContent ?? field.name;
}

function fieldAt(form, pointer) {
  if (!pointer) return null;
  const parts = pointer.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  while (parts.length > 0) {
    const name = parts.reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part), "");
    const field = form.elements.namedItem(name);
    if (field) return field instanceof RadioNodeList ? field[0] : field;
    parts.pop();
  }
  return null;
}

/** Give the chosen file as the interface takes it: by its name XML, else JSON. */
function rawOf(form) {
  const [file] = form.elements[form.dataset.raw].files;
  return new Blob([file], { type: /\.xml$/i.test(file.name) ? "application/xml" : "application/json" });
}

async function send(form) {
  const { api, sign, method = "POST", revision } = form.dataset;
  if (form.dataset.raw) {
    tell(form, say("Sending …", "正在提交……"));
    return call(method, api, { body: rawOf(form), revision, key: crypto.randomUUID() });
  }
  const hasFile = form.enctype === "multipart/form-data";
  const fields = hasFile ? new FormData(form) : fieldsOf(form);
  // The same content under the same key is done once, however often it is sent.
  const content = hasFile ? "" : JSON.stringify(fields);
  if (!form.dataset.key || hasFile || form.dataset.content !== content) {
    form.dataset.key = crypto.randomUUID();
    form.dataset.content = content;
  }
  const options = { body: fields, revision, key: form.dataset.key };
  if (sign) {
    tell(form, say("Preparing the statement …", "正在准备声明……"));
    const { data: prepared } = await call("POST", sign, { body: fields, revision });
    tell(form, say("Waiting for your passkey …", "请使用您的通行密钥……"));
    const signature = await signStatement(prepared.digest);
    options.body = { ...fields, signed_at: prepared.signed_at, signature };
    options.key = crypto.randomUUID();
  }
  tell(form, say("Sending …", "正在提交……"));
  return call(method, api, options);
}

function finish(form, answer) {
  const { done, next, reveal } = form.dataset;
  if (reveal) {
    const box = document.querySelector(reveal);
    for (const field of box.querySelectorAll("[data-field]")) {
      const value = String(answer.data[field.dataset.field] ?? "");
      if (field instanceof HTMLInputElement) field.value = value;
      else field.textContent = value;
    }
    box.hidden = false;
    messagesOf(form).replaceChildren();
    form.reset();
    delete form.dataset.key;
    box.scrollIntoView({ block: "nearest" });
    box.focus();
    return;
  }
  if (done) sessionStorage.setItem(NOTE, done);
  tell(form, done || say("Done.", "已完成。"));
  if (next) location.assign(next.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer.data?.[name] ?? "")));
  else location.reload();
}

const PROCEDURES = {
  "sign-in": async (form) => {
    tell(form, say("Waiting for your passkey …", "请使用您的通行密钥……"));
    await signIn();
    location.assign(form.dataset.next || "/");
  },
  enrol: async (form) => {
    tell(form, say("Waiting for your device …", "请在您的设备上确认……"));
    await enrol(form.dataset.token, form.elements.label.value);
    location.assign("/keys");
  },
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const procedure = PROCEDURES[form.dataset.procedure];
  if (!form.dataset.api && !procedure) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  clearMarks(form);
  form.setAttribute("aria-busy", "true");
  try {
    if (procedure) await procedure(form);
    else finish(form, await send(form));
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    if (fault.problem.status === 401 && !procedure) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    if (fault.problem.code !== "page.offline") delete form.dataset.key;
    showRefusal(form, fault.problem);
  } finally {
    form.removeAttribute("aria-busy");
  }
});

document.addEventListener("click", (event) => {
  const adder = event.target.closest("[data-add-row]");
  if (!adder) return;
  const rows = adder.closest("[data-rows]").querySelectorAll("[data-row]");
  const row = rows[rows.length - 1].cloneNode(true);
  clearMarks(row);
  for (const field of row.querySelectorAll("[name]")) {
    field.name = field.name.replace(/\[\d+\]/, `[${rows.length}]`);
    if (field.type === "hidden") field.value = "";
    else if (field.name.endsWith(".line_no")) field.value = String(rows.length + 1);
    else if (!/\.(unit|package_kind|currency|origin)$/.test(field.name)) field.value = "";
  }
  const number = row.querySelector("[data-row-number]");
  if (number) number.textContent = String(rows.length + 1);
  rows[rows.length - 1].after(row);
  row.querySelector("[name]").focus();
});

document.addEventListener("click", (event) => {
  const dropper = event.target.closest("[data-drop-row]");
  if (!dropper) return;
  const rows = dropper.closest("[data-rows]").querySelectorAll("[data-row]");
  if (rows.length > 1) rows[rows.length - 1].remove();
});

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-adds-up]");
  if (!form || !("weight" in event.target.dataset)) return;
  // Counted in grams: sums of binary fractions would show stray digits.
  const grams = [...form.querySelectorAll("[data-weight]")].map((field) => Math.round(Number(field.value) * 1000));
  const sum = grams.reduce((total, one) => total + one, 0);
  if (Number.isFinite(sum)) form.elements[form.dataset.addsUp].value = String(sum / 1000);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.querySelector(button.dataset.copy);
  field.select();
  navigator.clipboard?.writeText(field.value);
});

function showNote() {
  const note = sessionStorage.getItem(NOTE);
  sessionStorage.removeItem(NOTE);
  const place = document.querySelector("[data-notes]");
  if (!note || !place) return;
  const line = document.createElement("p");
  line.className = "note";
  line.textContent = note;
  place.append(line);
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 8000;

const SLOW_PAUSE_MS = 10000;

/** Tell whether somebody is writing in a form of this page, or has chosen or been told something there. */
function atWork() {
  return [...document.querySelectorAll("form[data-api]")].some(
    (form) =>
      form.getAttribute("aria-busy") === "true" ||
      form.querySelector(".refusal") ||
      [...form.elements].some((field) => field.type !== "hidden" && (field.value !== field.defaultValue || field.checked !== field.defaultChecked) && field.matches("input, textarea")),
  );
}

/** Show the page anew; somebody who is writing is asked first. */
function renew() {
  if (!atWork()) {
    location.reload();
    return;
  }
  const line = document.createElement("p");
  line.className = "waiting";
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = say("Show how it stands now", "查看最新状态");
  line.append(say("This case has changed since you opened it. ", "该业务在您打开后已有变化。"), link);
  document.querySelector("[data-notes]").append(line);
}


function follow(element) {
  const { poll, pollField, pollValue = "" } = element.dataset;
  const slowly = "pollSlowly" in element.dataset;
  const look = async (pause) => {
    // A page that nobody looks at asks nothing; it looks again when it is shown.
    if (document.hidden) {
      document.addEventListener("visibilitychange", () => look(pause), { once: true });
      return;
    }
    try {
      const { data } = await call("GET", poll);
      if (String(data[pollField] ?? "") !== pollValue) {
        renew();
        return;
      }
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
    }
    setTimeout(look, pause, slowly ? SLOW_PAUSE_MS : Math.min(pause * 1.5, LONGEST_PAUSE_MS));
  };
  const first = slowly ? SLOW_PAUSE_MS : FIRST_PAUSE_MS;
  setTimeout(look, first, first);
}

showNote();
document.querySelectorAll("[data-poll]").forEach(follow);

const early = globalThis.pisteEarly;
globalThis.pisteEarly = null;
for (const { form, button } of early) {
  if (form) form.requestSubmit();
  else button.click();
}
