// The form of a subsidy rule: the sum of the shares as it is typed; an amount or a share of the price, never both.
"use strict";

(() => {
  const at = (name) => document.querySelector(`#record-form [name="${name}"]`);
  const shares = ["city_share", "district_share", "street_share", "community_share", "donor_share"].map(at);
  const said = document.getElementById("share-sum");
  const form = at("form"), amount = at("amount"), percent = at("percent");
  if (!said || !form || shares.includes(null)) return;

  shares.at(-1).closest(".fields").append(said);
  said.hidden = false;

  function sum() {
    const total = shares.reduce((all, input) => all + Number(input.value), 0);
    const right = total === 100;
    said.textContent = right ? said.dataset.right : said.dataset.wrong.replace("{sum}", total);
    said.classList.toggle("wrong", !right);
  }

  function show() {
    amount.closest(".field").hidden = form.value === "share";
    percent.closest(".field").hidden = form.value !== "share";
  }

  shares.forEach((input) => input.addEventListener("input", sum));
  form.addEventListener("change", show);
  sum();
  show();
})();
