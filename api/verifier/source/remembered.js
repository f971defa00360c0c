// What this device remembers: the trust file that its owner chose, and the last checks.

const TRUST = "piste-verify-trust", HISTORY = "piste-verify-history", LANGUAGE = "piste-verify-language";
const MOST = 20;
const meanwhile = new Map(); // where the browser keeps nothing, as in a private window

const read = (name) => {
  try {
    const text = localStorage.getItem(name);
    return text === null ? meanwhile.get(name) ?? null : JSON.parse(text);
  } catch {
    return meanwhile.get(name) ?? null;
  }
};

const write = (name, value) => {
  meanwhile.set(name, value);
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // kept until the page is closed
  }
};

export const chosenTrust = () => read(TRUST);
export const rememberTrust = (anchor) => write(TRUST, anchor);

export const language = () => read(LANGUAGE);
export const rememberLanguage = (name) => write(LANGUAGE, name);

export const lastChecks = () => {
  const list = read(HISTORY);
  return Array.isArray(list) ? list : [];
};
export const rememberCheck = (check) => write(HISTORY, [check, ...lastChecks()].slice(0, MOST));
export const forgetChecks = () => write(HISTORY, null);
