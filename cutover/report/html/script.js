"use strict";
// The page is whole without this: it filters, folds, and brings transcripts to the checks that rest on them.
const results = document.getElementById("results");
const filter = document.getElementById("filter");
const buttons = [...filter.querySelectorAll("[data-show]")];
const boxes = [...results.querySelectorAll(".box")];
const status = filter.querySelector("[role=status]");

function show(word) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === word));
  for (const box of boxes) box.hidden = word !== "" && box.dataset.word !== word;
  for (const part of results.querySelectorAll(".chapter, .target"))
    part.hidden = !part.querySelector(".box:not([hidden])");
  const shown = boxes.filter((box) => !box.hidden);
  if (word !== "") for (const whole of results.querySelectorAll(".target:not([hidden]) > .whole")) whole.open = true;
  status.textContent = status.dataset.text.replace("#", shown.length);
}

for (const button of buttons) {
  const count = button.dataset.show === "" ? boxes.length : boxes.filter((box) => box.dataset.word === button.dataset.show).length;
  button.append(` ${count}`);
  button.hidden = count === 0;
  button.addEventListener("click", () => show(button.dataset.show));
}

for (const button of filter.querySelectorAll("[data-fold]"))
  button.addEventListener("click", () => {
    for (const each of results.querySelectorAll(".whole, .box:not([hidden])")) each.open = button.dataset.fold === "open";
  });

document.addEventListener("toggle", (event) => {
  const proof = event.target;
  if (!proof.matches?.(".proof") || !proof.open || proof.dataset.filled) return;
  proof.dataset.filled = "yes";
  for (const link of proof.querySelectorAll("a")) {
    const piece = document.getElementById(link.hash.slice(1)).cloneNode(true);
    piece.removeAttribute("id");
    proof.append(piece);
  }
  proof.querySelector("p").remove();
}, true);

function reveal() {
  const told = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!told) return;
  if (told.closest("[hidden]")) show("");
  for (let each = told; each; each = each.parentElement) if (each.matches("details")) each.open = true;
  told.querySelector(":scope > .whole")?.setAttribute("open", "");
  told.scrollIntoView();
}

addEventListener("hashchange", reveal);
filter.hidden = false;
reveal();
