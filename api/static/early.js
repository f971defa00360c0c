// Keeps forms that are sent before forms.js is there, on a slow line for example; forms.js then sends them.

globalThis.pisteEarly = [];

addEventListener(
  "submit",
  (event) => {
    if (!globalThis.pisteEarly || !event.target.matches("[data-api], [data-procedure]")) return;
    event.preventDefault();
    globalThis.pisteEarly.push(event.target);
  },
  true,
);
