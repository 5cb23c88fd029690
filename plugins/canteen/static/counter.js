/* 就餐登记: the script of the counter. Chromium 86, no framework. Without it every match is a plain form of its own.
   Enter acts only on the answer for exactly the text that stood in the field when Enter was pressed. */
(function () {
  "use strict";
  const root = document.getElementById("counter");
  if (!root) return;
  const $ = (selector, within) => (within || document).querySelector(selector);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const field = $("#who"), matches = $("#matches"), count = $("#count"), message = $("#message"), side = $("#side");
  const set = root.dataset, LOOK_AFTER = 90, PATIENCE = 10000, SAME_KEY_PRESS = 40;
  let way = set.way, pay = set.pay, shown = $(".match, .none", matches) ? field.value.trim() : null, asked = 0, timer = 0, looking = null;
  let composing = false, composedAt = -1000;
  const unsent = new Map();  // what → key of a meal whose answer was lost: the same key again cannot record it twice
  const remembered = new Set();  // questions answered once for the whole list of a back entry
  const typed = () => field.value.trim();

  /* -- asking the server -- */
  async function call(url, body) {
    const giveUp = new AbortController(), clock = setTimeout(() => giveUp.abort(), PATIENCE);
    try {
      const answer = await fetch(url, { method: body ? "POST" : "GET", body, credentials: "same-origin", redirect: "error",
        headers: { "X-Requested-With": "fetch" }, signal: giveUp.signal });
      const data = await answer.json().catch(() => null);
      if (data === null) throw new Error("not JSON");
      return { status: answer.status, data };
    } finally { clearTimeout(clock); }
  }
  function settings() {
    const asked = { way, ...(pay === undefined ? {} : { pay }) };
    if (set.chosen === "1") asked.kind = set.kind;
    if (set.back) Object.assign(asked, { back: "1", day: set.day, back_reason: set.backReason });
    return asked;
  }

  /* -- saying -- */
  function say(text, kind, link) {
    message.textContent = text;
    message.className = "message " + (kind || "");
    message.setAttribute("role", kind ? "alert" : "status");
    message.hidden = !text;
    if (!link) return;
    const more = document.createElement(link.url ? "a" : "button");
    more.textContent = link.label;
    if (link.url) more.href = link.url; else { more.type = "button"; more.addEventListener("click", link.act); }
    message.append(more);
  }
  function pageWithText() {
    const url = new URL(location.href);
    url.searchParams.set("q", typed());
    return url.pathname + url.search;
  }
  function refuse(status, data) {
    if (status === 401) say(set.signedOut, "bad", { label: set.signIn, url: set.login + "?next=" + encodeURIComponent(pageWithText()) });
    else if (status === 400) say(data.error || set.lost, "bad", { label: set.reload, url: pageWithText() });
    else say(data.refused || data.error || set.lost, "bad", data.link ? { label: data.link_label, url: data.link } : null);
  }
  function heading(data) {
    if (data.note) $("[data-note]").textContent = data.note;
    if (!data.kind) return;
    set.kind = data.kind;
    all("[data-kind]", $(".tools")).forEach((link) => mark(link, link.dataset.kind === String(data.kind)));
  }
  const mark = (link, here) => { if (here) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); };

  /* -- looking up -- */
  function show(text, data) {
    shown = text;
    matches.innerHTML = data.html;
    matches.classList.remove("waiting");
    count.textContent = data.total ? set.count.replace("{n}", data.total) : "";
    heading(data);
    $("#say").textContent = data.total ? set.count.replace("{n}", data.total) + " " + (best() ? best().dataset.who : "") : set.none;
  }
  function look(text) {
    if (looking && looking.text === text) return looking.answer;
    const mine = asked += 1, url = new URL(set.find, location.href);
    Object.entries({ q: text, ...settings() }).forEach(([name, value]) => url.searchParams.set(name, value));
    matches.classList.add("waiting");
    const answer = call(url).then(({ status, data }) => {
      if (status !== 200) { if (mine === asked) refuse(status, data); return null; }
      if (mine === asked && typed() === text) show(text, data);
      return data;
    }).catch(() => { if (mine === asked) say(set.lostSearch, "bad"); return null; })
      .finally(() => { if (looking && looking.mine === mine) looking = null; matches.classList.remove("waiting"); });
    looking = { text, answer, mine };
    return answer;
  }
  function clear() {
    clearTimeout(timer);
    asked += 1;
    looking = null;
    field.value = "";
    shown = null;
    matches.textContent = "";
    matches.classList.remove("waiting");
    count.textContent = "";
  }
  function changed() {
    clearTimeout(timer);
    say("");
    const text = typed();
    if (!text) { clear(); return; }
    if (text !== shown) timer = setTimeout(() => look(text), LOOK_AFTER);
  }

  /* -- choosing -- */
  const best = () => $(".match.best", matches);
  function move(step) {
    const forms = all(".match", matches), at = forms.indexOf(best()), next = forms[Math.min(Math.max(at + step, 0), forms.length - 1)];
    if (!next || next === forms[at]) return;
    forms.forEach((form) => { form.classList.toggle("best", form === next); const button = $("button", form); if (button) button.classList.toggle("primary", form === next); });
    next.scrollIntoView({ block: "nearest" });
    $("#say").textContent = set.chosenText.replace("{who}", next.dataset.who);
  }
  function choose(form) {
    if (!form) return newPerson();
    if (form.dataset.why) { say(form.dataset.why, "warn"); field.select(); return undefined; }
    return send(form);
  }
  async function enter() {
    const text = typed();
    if (!text) return;
    if (text === shown && !looking) { choose(best()); return; }
    clearTimeout(timer);
    count.textContent = set.wait;
    field.select();  // the next card that is scanned replaces this text
    const data = await look(text);
    if (!data) { if (typed() === text) count.textContent = ""; return; }
    const still = typed() === text;
    if (still && shown !== text) show(text, data);
    const first = still ? best() : $(".match", new DOMParser().parseFromString(data.html, "text/html"));
    if (data.card || (still && data.sure)) choose(first);
    else if (still && !data.total) newPerson();
    else if (still) say(set.several, "warn");
  }
  function newPerson() {
    const text = typed(), form = $("form", $("#new-person")), name = $("#new-name"), phone = $("#new-phone");
    $("#new-person").open = true;
    if (/^[0-9 -]+$/.test(text)) phone.value = text.length > 6 ? text : ""; else name.value = text;
    (name.value ? phone : name).focus();
    return form;
  }

  /* -- recording -- */
  const sending = new Set();
  async function send(form, answers = { confirmed: [], reason: "" }) {
    const what = [form.dataset.record || form.action, set.kind, set.day].join("|");
    if (sending.has(what)) return;
    const body = new FormData(form), text = typed();
    if (form.dataset.record) { body.set("way", way); if (pay !== undefined) body.set("pay", pay); }
    if (unsent.has(what)) body.set("once", unsent.get(what));
    new Set([...remembered, ...answers.confirmed]).forEach((question) => body.append("confirmed", question));
    if (answers.reason) body.set("reason", answers.reason);
    sending.add(what);
    let result = null;
    try { result = await call(form.action, body); } catch (error) { result = null; }
    sending.delete(what);
    if (!result || result.status >= 500) {
      if (body.has("once")) unsent.set(what, body.get("once"));
      const why = result && result.data.error ? result.data.error : set.lost;
      say((form.dataset.who ? form.dataset.who + " · " : "") + why, "bad", { label: set.retry, act: () => send(form, answers) });
      return;
    }
    const { status, data } = result;
    if (status === 409 && data.question) {
      const reply = await ask(data);
      field.focus();
      if (!reply) { field.select(); return; }
      if (set.back && !data.reason) remembered.add(data.question);
      await send(form, { confirmed: [...answers.confirmed, data.question], reason: data.reason ? reply : answers.reason });
      return;
    }
    if (status !== 200) {
      unsent.delete(what);
      refuse(status, data);
      const wrong = data.field && form.elements[data.field];
      if (wrong && wrong.type !== "hidden") { wrong.setAttribute("aria-invalid", "true"); wrong.focus(); } else if (status === 422) refresh(text);
      return;
    }
    unsent.delete(what);
    side.innerHTML = data.side;
    heading(data);
    renew(data.once);
    if (form.dataset.record === "new") { form.reset(); $("#new-person").open = false; clear(); } else if (typed() === text) clear();
    say(data.done);
    field.focus();
  }
  const renew = (once) => all("#new-person [name=once], [data-record=guest] [name=once]").forEach((input, at) => { input.value = once[at]; });
  function refresh(text) {  // after a refusal: show what holds now, keep the sentence
    if (!text || typed() !== text) return;
    shown = null;
    look(text);
    field.select();
  }

  /* -- the second question: Enter is yes, Esc is no -- */
  const dialog = $("#ask"), reason = $("#ask-reason");
  function ask(data) {
    return new Promise((resolve) => {
      let strayed = false;
      $("#ask-text").textContent = data.text;
      $("#ask-reason-field").hidden = !data.reason;
      reason.value = "";
      reason.required = data.reason;
      dialog.returnValue = "";
      const keys = (event) => {
        if (event.key === "Enter" && event.target !== reason && (event.repeat || strayed)) { event.preventDefault(); strayed = false; }
        else if (event.key.length === 1 && event.target !== reason) strayed = true;  // a card scanned meanwhile is no yes
      };
      dialog.addEventListener("keydown", keys);
      dialog.addEventListener("close", () => {
        dialog.removeEventListener("keydown", keys);
        resolve(dialog.returnValue === "yes" && (data.reason ? reason.value.trim() : "yes"));
      }, { once: true });
      dialog.showModal();
      (data.reason ? reason : $("#ask-yes")).focus();
    });
  }
  $("#ask-no").addEventListener("click", () => dialog.close(""));
  $("form", dialog).addEventListener("submit", (event) => {
    if (reason.required && reason.value.trim().length < 2) { event.preventDefault(); reason.focus(); }
  });

  /* -- keys: the Enter that picks a candidate of an input method records nobody -- */
  document.addEventListener("compositionstart", () => { composing = true; }, true);
  document.addEventListener("compositionend", (event) => {
    composing = false;
    composedAt = event.timeStamp;
    if (event.target === field) changed();
  }, true);
  const ofInputMethod = (event) => event.isComposing || event.keyCode === 229 || composing || event.timeStamp - composedAt < SAME_KEY_PRESS;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && ofInputMethod(event)) composedAt = event.timeStamp;  // swallow a submit of the same key press
  }, true);
  field.addEventListener("input", (event) => { if (!composing && !event.isComposing) changed(); });
  field.addEventListener("keydown", (event) => {
    if (ofInputMethod(event)) { if (event.key === "Enter" && !event.isComposing && event.keyCode !== 229) event.preventDefault(); return; }
    if (event.key === "Enter") { event.preventDefault(); if (!event.repeat) enter(); }
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
    else if (event.key === "Escape" && field.value) { event.stopPropagation(); clear(); say(""); }
  });
  document.addEventListener("keydown", (event) => {  // a card scanned while nothing has the cursor
    if (document.activeElement === document.body && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) field.focus();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id === "search") { event.preventDefault(); if (!ofInputMethod(event)) enter(); return; }
    if (!form.matches("[data-record], [data-undo]")) return;
    event.preventDefault();
    if (ofInputMethod(event)) return;
    if (form.dataset.why) choose(form); else send(form);
  }, true);
  $("#new-person").addEventListener("input", (event) => event.target.removeAttribute("aria-invalid"));
  $("#new-person").addEventListener("keydown", (event) => { if (event.key === "Escape") { $("#new-person").open = false; field.focus(); field.select(); } });
  $("#new-person").addEventListener("toggle", () => { if ($("#new-person").open && !$("#new-person").contains(document.activeElement)) newPerson(); });

  /* -- kind, way, keyboard of the phone -- */
  const switches = (name, take) => all(`.tools [data-${name}]`).forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    take(link.dataset[name]);
    all(`.tools [data-${name}]`).forEach((other) => mark(other, other === link));
    const url = new URL(location.href);
    if (link.dataset[name]) url.searchParams.set(name, link.dataset[name]); else url.searchParams.delete(name);
    history.replaceState(null, "", url);
    field.focus();
    if (typed()) { shown = null; look(typed()); }
  }));
  switches("way", (chosen) => { way = chosen; });
  switches("pay", (chosen) => { pay = chosen; });
  all(".tools [data-kind]").forEach((link) => link.addEventListener("click", () => {
    const url = new URL(link.href);
    if (typed()) url.searchParams.set("q", typed());
    Object.entries({ way, pay }).forEach(([name, chosen]) => { if (chosen) url.searchParams.set(name, chosen); else url.searchParams.delete(name); });
    link.href = url;
  }));
  const keys = $("[data-keys]");
  keys.hidden = !window.matchMedia("(pointer: coarse)").matches;
  keys.addEventListener("click", () => {
    const digits = field.inputMode !== "numeric";
    field.inputMode = digits ? "numeric" : "text";
    keys.setAttribute("aria-pressed", String(digits));
    keys.textContent = digits ? "ABC" : "123";
    field.blur();
    field.focus();
  });
  field.setSelectionRange(field.value.length, field.value.length);  // autofocus has set, or will set, the cursor into it
}());
