// Keeps what is done on a page before forms.js is there, on a slow line for example; forms.js then does it in order.

globalThis.pisteEarly = [];

addEventListener(
  "submit",
  (event) => {
    const early = globalThis.pisteEarly;
    if (!early || !event.target.matches("[data-api], [data-procedure]")) return;
    event.preventDefault();
    if (!early.some(({ form }) => form === event.target)) early.push({ form: event.target });
  },
  true,
);

addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-add-row], [data-drop-row], [data-copy]");
    if (button) globalThis.pisteEarly?.push({ button });
  },
  true,
);
