// Talking to the JSON routes from a page: headers that every change carries, refusals as they are meant.

export const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

/** Say one of two sentences, in the page's language. */
export const say = (en, zh) => (language === "zh" ? zh : en);

/** A refusal by the service: problem details (RFC 9457). */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

const OFFLINE = {
  code: "page.offline",
  title: say("No answer", "没有应答"),
  detail: say("The service did not answer; it is not known whether it took the request.", "服务无应答，尚不确定请求是否已被接受。"),
  faults: [
    {
      field: "",
      rule: "page.offline",
      message: say("The connection failed.", "连接失败。"),
      next_step: say("Press the button again: the same step is never taken twice.", "请再次点击按钮：同一操作不会执行两次。"),
    },
  ],
};

/** The session's CSRF token as the page carries it. */
const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/**
 * Send a request and give what was answered.
 *
 * @param {string} method
 * @param {string} address
 * @param {{body?: object|FormData|Blob, revision?: string, key?: string}} options
 * @returns {Promise<{status: number, data: any, headers: Headers}>}
 * @throws {Refusal}
 */
export async function call(method, address, { body, revision, key } = {}) {
  const headers = { Accept: "application/json", "Accept-Language": language };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken();
  if (revision) headers["If-Match"] = `"${revision}"`;
  if (key) headers["Idempotency-Key"] = key;
  const asItIs = body instanceof FormData || body instanceof Blob;
  if (body instanceof Blob) headers["Content-Type"] = body.type;
  else if (body && !asItIs) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address, {
      method,
      headers,
      body: body && !asItIs ? JSON.stringify(body) : body,
      credentials: "same-origin",
      redirect: "error",
    });
  } catch {
    throw new Refusal(OFFLINE);
  }
  const type = answer.headers.get("Content-Type") ?? "";
  const data = type.includes("json") ? await answer.json() : null;
  if (answer.ok) return { status: answer.status, data, headers: answer.headers };
  throw new Refusal(data?.faults ? data : { ...OFFLINE, detail: `${answer.status} ${answer.statusText}` });
}

/** Bytes as base64url without padding. */
export function toBase64Url(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Bytes of base64url with or without padding. */
export function fromBase64Url(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** Bytes of 0x-hexadecimal. */
export function fromHex(text) {
  const digits = text.replace(/^0x/, "");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
