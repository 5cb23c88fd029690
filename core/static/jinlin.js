/* The one script of Jinlin's pages: no framework, nothing inline, works in Chromium 86. Without it every page still
   works, only less conveniently, save the look-up of references. Words come from data attributes of the page. */
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const $ = (selector, within) => (within || document).querySelector(selector);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const on = (type, selector, handler) => document.addEventListener(type, (event) => {
    const hit = event.target.closest && event.target.closest(selector);
    if (hit) handler(event, hit);
  });
  const word = (name) => document.body.dataset[name] || "";
  const say = (text) => { if ($("#said")) $("#said").textContent = text; }; // read aloud, not shown

  /* menu drawer, folded groups, drop panels */
  function setMenu(open) {
    const menu = $("#menu"), burger = $(".burger");
    if (!menu || menu.classList.contains("open") === open) return;
    menu.classList.toggle("open", open);
    burger.setAttribute("aria-expanded", String(open));
    (open ? $("[aria-current], a", menu) : burger).focus();
  }
  on("click", ".burger", () => setMenu(!$("#menu").classList.contains("open")));
  on("click", "[data-close-menu]", () => setMenu(false));

  const closePops = (except) => all("details.pop[open]").forEach((pop) => { if (pop !== except) pop.open = false; });
  document.addEventListener("click", (event) => closePops(event.target.closest("details.pop")));
  document.addEventListener("focusin", (event) => {
    closePops(event.target.closest("details.pop"));
    if (!event.target.closest("#menu, .burger") && $("#menu.open")) setMenu(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const pop = $("details.pop[open]");
    if (pop) { pop.open = false; $("summary", pop).focus(); } else setMenu(false);
  });
  /* a panel inside a scrolling table is laid over the page, below or above its button */
  document.addEventListener("toggle", (event) => {
    const pop = event.target, cell = pop.closest(".acts");
    if (cell) cell.classList.toggle("over", pop.open);
    if (!pop.open || !pop.matches(".pop")) return;
    const field = $("input", pop);
    if (field) field.focus();
    if (!cell) return;
    const panel = $(".pop-panel", pop), at = pop.getBoundingClientRect();
    const above = at.bottom + panel.offsetHeight + 8 > window.innerHeight;
    panel.style.top = (above ? at.top - panel.offsetHeight - 4 : at.bottom + 4) + "px";
    panel.style.left = Math.max(8, at.right - panel.offsetWidth) + "px";
  }, true);
  window.addEventListener("scroll", () => {
    all(".acts .pop[open]").forEach((pop) => { pop.open = false; });
  }, { passive: true });

  function rememberGroups() {
    const key = "jinlin-menu";
    let kept = {};
    try { kept = JSON.parse(localStorage.getItem(key)) || {}; } catch (error) { kept = {}; }
    all("details.menu-group").forEach((group) => {
      const name = group.dataset.group;
      if (name in kept) group.open = kept[name] || $("[aria-current]", group) !== null;
      group.addEventListener("toggle", () => {
        kept[name] = group.open;
        try { localStorage.setItem(key, JSON.stringify(kept)); } catch (error) { /* private window: not remembered */ }
      });
    });
    const menu = $("#menu"), here = $("#menu [aria-current]");
    if (here && here.offsetTop > menu.clientHeight - 60) menu.scrollTop = here.offsetTop - menu.clientHeight / 2;
  }

  on("input", "[data-filter-list]", (event, field) => {
    const list = $("#" + field.dataset.filterList), wanted = field.value.trim().toLowerCase();
    let found = 0;
    all("a", list).forEach((link) => {
      link.hidden = !link.textContent.toLowerCase().includes(wanted);
      if (!link.hidden) found += 1;
    });
    $("p", list).hidden = found > 0;
  });
  on("keydown", "[data-filter-list]", (event, field) => {
    const first = $("#" + field.dataset.filterList + " a:not([hidden])");
    if (first && (event.key === "ArrowDown" || (event.key === "Enter" && !event.isComposing))) {
      event.preventDefault();
      if (event.key === "Enter") first.click(); else first.focus();
    }
  });
  on("click", "[data-toggle]", (event, button) => {
    const open = $("#" + button.dataset.toggle).classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });

  /* the second question: one dialog for every button whose value is one (without script the server asks);
     only a yes sends the form, and it sends it without the question */
  let asking = null;
  on("click", "button[name=ask], button[name=ask-why]", (event, button) => {
    const dialog = $("#confirm"), form = button.form;
    if (!form || !dialog.showModal) return;
    event.preventDefault();
    if (dialog.open) return;
    $("#confirm-text").textContent = button.value;
    $("#confirm-go").textContent = button.dataset.verb || $("#confirm-go").dataset.default;
    const reason = $("#confirm-reason");
    reason.value = "";
    reason.required = button.name === "ask-why";
    $("#confirm-reason-field").hidden = !reason.required;
    $("#confirm-go").className = button.classList.contains("danger") ? "btn danger solid" : "btn primary";
    asking = button;
    dialog.showModal();
    (reason.required ? reason : $("#confirm-cancel")).focus();
  });
  on("click", "#confirm-cancel", () => $("#confirm").close());
  on("click", "#confirm-go", (event) => { if (event.detail > 1) event.preventDefault(); }); // a double click on 删除 is no yes
  on("submit", "#confirm form", (event) => {
    event.preventDefault();
    const button = asking, form = button.form, reason = $("#confirm-reason");
    if (reason.required && !reason.value.trim()) { reason.value = ""; reason.reportValidity(); return; }
    $("#confirm").close();
    all("input[data-asked]", form).forEach((input) => input.remove());
    if (reason.required) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name: "reason", value: reason.value.trim() });
      input.dataset.asked = "";
      form.append(input);
    }
    const name = button.name;
    button.name = "";
    form.noValidate = true;
    form.requestSubmit(button);
    button.name = name;
  });
  document.addEventListener("close", (event) => {
    if (event.target.id !== "confirm" || !asking) return;
    const pop = asking.closest("details.pop"); // it was closed when the focus left it
    (pop ? $("summary", pop) : asking).focus();
    asking = null;
  }, true);

  /* a page with one form (columns, saved filters, the question of a bulk action) laid over the list */
  function overlay(page) {
    const form = $("form[data-sheet]", page);
    if (!form) return false;
    const dialog = document.createElement("dialog"), title = document.createElement("h2");
    dialog.id = "sheet";
    title.id = "sheet-title";
    title.textContent = $("h1", page).textContent;
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.append(title, document.importNode(form, true));
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => {
      if (event.target.closest(".form-foot a")) { event.preventDefault(); dialog.close(); }
    });
    document.body.append(dialog);
    dialog.showModal();
    const first = $("[autofocus], .form-section input:not([type=hidden]), .form-foot .btn", dialog);
    if (first) first.focus();
    return true;
  }
  const fetched = (url, options) => fetch(url, Object.assign({ credentials: "same-origin" }, options))
    .then((answer) => answer.text()).then((text) => new DOMParser().parseFromString(text, "text/html"));
  const hasDialog = Boolean(window.HTMLDialogElement && HTMLDialogElement.prototype.showModal);
  on("click", "a[data-dialog]", (event, link) => {
    if (!hasDialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    fetched(link.href).then((page) => { if (!overlay(page)) location.assign(link.href); })
      .catch(() => location.assign(link.href));
  });
  on("click", "button[data-sheet-of]", (event, button) => {
    if (!hasDialog) return;
    event.preventDefault();
    const sent = new FormData(button.form);
    sent.append(button.name, button.value);
    button.disabled = true;
    fetched(button.form.getAttribute("action"), { method: "POST", body: new URLSearchParams(sent) }).then((page) => {
      if (overlay(page)) return;
      const main = $("main");
      all("main > .flash", page).reverse().forEach((flash) => main.prepend(document.importNode(flash, true)));
      main.scrollIntoView();
    }).catch(() => HTMLFormElement.prototype.submit.call(button.form)).finally(() => { button.disabled = false; });
  });
  on("click", "[data-order] button[name=move]", (event, button) => {
    event.preventDefault();
    const row = button.closest("li"), up = button.value.startsWith("up:");
    const beside = up ? row.previousElementSibling : row.nextElementSibling;
    if (beside) (up ? beside.before(row) : beside.after(row));
    button.focus();
  });

  /* one submit per click; a file download leaves the page, so the button comes back by itself */
  const busy = new Set();
  const release = () => {
    all("button[aria-busy]").forEach((button) => { button.disabled = false; button.removeAttribute("aria-busy"); });
    busy.clear();
  };
  let leaving = false, dirty = false;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog") return;
    const button = event.submitter, key = button || form;
    if (busy.has(key)) { event.preventDefault(); return; }
    leaving = true;
    if (form.method !== "post") return;
    busy.add(key);
    setTimeout(() => { if (button) { button.disabled = true; button.setAttribute("aria-busy", "true"); } });
    setTimeout(() => { release(); leaving = false; }, 6000);
  });
  window.addEventListener("pageshow", () => { release(); leaving = false; });

  /* the list of what is wrong: its links lead into the fields */
  on("click", ".summary a", (event, link) => {
    const target = $(link.getAttribute("href")), field = target.matches("fieldset") ? $("input", target) : target;
    event.preventDefault();
    field.focus();
  });

  /* unsaved changes */
  ["input", "change"].forEach((type) => on(type, "form[data-guard]", (event, form) => {
    dirty = true;
    form.classList.add("changed");
  }));
  window.addEventListener("beforeunload", (event) => {
    if (!dirty || leaving) return;
    event.preventDefault();
    event.returnValue = word("leave");
  });

  /* list: ticked rows, cards on a phone */
  function showTicked() {
    const bulk = $("#bulk"), boxes = all("input[name=rowid]"), ticked = boxes.filter((box) => box.checked).length;
    if (!bulk) return;
    boxes.forEach((box) => box.closest("tr").classList.toggle("ticked", box.checked));
    all("[data-tick-all]").forEach((box) => {
      box.checked = ticked > 0 && ticked === boxes.length;
      box.indeterminate = ticked > 0 && ticked < boxes.length;
    });
    const text = bulk.dataset.count.replace("{n}", String(ticked));
    if (bulk.classList.contains("on") || ticked) say(text);
    bulk.classList.toggle("on", ticked > 0);
    $("[data-count-here]").textContent = text;
  }
  const tickEach = (checked) => {
    all("input[name=rowid]").forEach((box) => { box.checked = checked; });
    showTicked();
  };
  on("change", "input[name=rowid]", showTicked);
  on("change", "[data-tick-all]", (event, box) => tickEach(box.checked));
  on("click", "[data-untick]", () => tickEach(false));

  on("click", ".cards tbody tr", (event, row) => {
    const expander = $(".expand button", row);
    if (!expander || expander.offsetParent === null) return;
    const control = event.target.closest("a, button, input, label, summary");
    if (control && control !== expander) return;
    expander.setAttribute("aria-expanded", String(row.classList.toggle("open")));
  });

  /* a cell too long for its column tells its whole text on hover; a table too wide marks its fixed column and can be
     scrolled by the arrow keys */
  on("mouseover", ".cards td", (event, cell) => {
    if (cell.scrollWidth > cell.clientWidth && !cell.title) cell.title = cell.textContent.trim();
  });
  const markWide = () => all(".table-wrap, .compare").forEach((wrap) => {
    const scrolls = wrap.scrollWidth > wrap.clientWidth + 1, section = wrap.closest("section");
    const name = $("caption", wrap) || (section && $("h2", section)) || $("h1");
    wrap.classList.toggle("scrolls", scrolls);
    if (!scrolls) { ["tabindex", "role", "aria-label"].forEach((each) => wrap.removeAttribute(each)); return; }
    Object.entries({ tabindex: "0", role: "region", "aria-label": name.textContent }).forEach(([n, v]) => wrap.setAttribute(n, v));
  });
  window.addEventListener("resize", markWide);

  /* small buttons */
  on("click", "[data-copy]", (event, button) => {
    const field = $("#" + button.dataset.copy);
    field.select();
    const copied = () => { button.textContent = button.dataset.copied; say(button.dataset.copied); };
    const byHand = () => { if (document.execCommand("copy")) copied(); }; // without https there is no clipboard
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(copied, byHand); else byHand();
  });
  on("click", "[data-print]", () => window.print());
  on("click", "[data-show-password]", (event, button) => {
    const field = $("#" + button.dataset.showPassword), shown = field.type === "password", use = $("use", button);
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, shown ? "#eye-off" : "#eye"));
    field.focus();
  });
  on("click", "[data-fill-name]", (event, button) => {
    $("#username").value = button.dataset.fillName;
    $("#password").value = button.dataset.fillPassword;
    $("form button.primary").focus();
  });

  /* a page that waits for a file looks again by itself; the file comes at once, and what came of it is read aloud */
  function wait(box) {
    const again = () => setTimeout(() => fetched(box.dataset.waits).then(look).catch(again), 2000);
    const look = (page) => {
      const now = $("main .form-section", page), link = now && $("[data-ready]", now);
      if (!now) { location.reload(); return; } // signed out, or the file is gone
      if (now.dataset.waits) {
        all("p", box).forEach((each, at) => each.replaceChildren(...all("p", now)[at].childNodes));
        again();
        return;
      }
      const held = box.contains(document.activeElement);
      box.replaceChildren(...now.childNodes);
      if (held) $("a", box).focus();
      say($("p", box).textContent);
      if (link) link.click();
    };
    again();
  }

  /* reference fields: a text input that looks up, beside the hidden input that is sent;
     the address answers [[id, label], …] */
  function lookup(box) {
    const hidden = $("input[type=hidden]", box), input = $("input[type=text]", box), id = input.id;
    const make = (tag, css, attributes) => {
      const element = document.createElement(tag);
      element.className = css;
      Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
      return element;
    };
    const label = $('label[for="' + id + '"]')?.textContent || "";
    const list = make("ul", "lookup-list", { id: id + "-list", role: "listbox", "aria-label": label });
    const clear = make("button", "lookup-clear", { type: "button", "aria-label": word("clear") });
    clear.textContent = "×";
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id };
    Object.entries(roles).forEach(([name, value]) => input.setAttribute(name, value));
    const note = make("p", "lookup-list muted", { role: "status" });
    note.hidden = true;
    box.append(clear, list, note);
    let chosen = [hidden.value, input.value], found = [], active = -1, timer = 0, asked = 0;

    const close = () => {
      list.hidden = note.hidden = true;
      active = -1;
      asked += 1;
      clearTimeout(timer);
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    function store(item) {
      const changed = String(item[0]) !== hidden.value;
      chosen = item;
      [hidden.value, input.value] = item;
      clear.hidden = hidden.value === "";
      close();
      if (changed) hidden.dispatchEvent(new Event("change", { bubbles: true }));
    }
    function mark(index) {
      active = index;
      all("[role=option]", list).forEach((option, at) => {
        option.setAttribute("aria-selected", String(at === index));
        if (at !== index) return;
        option.scrollIntoView({ block: "nearest" });
        input.setAttribute("aria-activedescendant", option.id);
      });
    }
    function show(items, message) {
      found = items;
      list.textContent = "";
      items.forEach((item, at) => {
        const option = make("li", "", { id: id + "-option-" + at, role: "option", "aria-selected": "false" });
        option.textContent = item[1];
        option.addEventListener("mousedown", (event) => { event.preventDefault(); store(item); });
        list.append(option);
      });
      note.textContent = message;
      note.hidden = !message;
      list.hidden = !items.length;
      input.setAttribute("aria-expanded", String(items.length > 0));
      if (items.length) mark(0); else input.removeAttribute("aria-activedescendant");
    }
    function ask() {
      clearTimeout(timer);
      const mine = (asked += 1), url = new URL(box.dataset.lookup, location.href);
      url.searchParams.set("query", input.value.trim());
      timer = setTimeout(() => {
        fetch(url, { credentials: "same-origin", headers: { "X-Requested-With": "fetch" } })
          .then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); })
          .then((items) => { if (mine === asked) show(items, items.length ? "" : word("none")); })
          .catch(() => { if (mine === asked) show([], word("failed")); });
      }, 180);
    }
    input.addEventListener("input", (event) => { if (!event.isComposing) ask(); });
    input.addEventListener("compositionend", ask);
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", () => store(input.value.trim() ? chosen : ["", ""]));
    clear.addEventListener("click", () => { store(["", ""]); input.focus(); });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const open = !list.hidden || !note.hidden, last = found.length - 1;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!open) ask();
        else if (found.length && event.key === "ArrowDown") mark(active >= last ? 0 : active + 1);
        else if (found.length) mark(active <= 0 ? last : active - 1);
      } else if (event.key === "Enter" && (open || input.value !== chosen[1])) {
        event.preventDefault();
        if (open && found[active]) store(found[active]);
      } else if (event.key === "Escape" && open) {
        event.stopPropagation();
        store(chosen);
      }
    });
    store(chosen);
  }

  document.addEventListener("DOMContentLoaded", () => {
    rememberGroups();
    all("[data-lookup]").forEach(lookup);
    all("[data-copy]").forEach((button) => { button.hidden = false; });
    all("[data-waits]").forEach(wait);
    showTicked();
    markWide();
    setTimeout(() => say(all(".flash[role=status]").map((flash) => flash.textContent.trim()).join(" ")), 300);
    const wrong = $("main .summary") || $("main .field [aria-invalid=true]");
    const first = $("form[data-guard] .fields input:not([type=hidden]), form[data-guard] .fields select");
    if (wrong) wrong.focus();
    else if (first && matchMedia("(min-width: 761px)").matches) first.focus(); // on a phone the keyboard would cover it
  });
}());
