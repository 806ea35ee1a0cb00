// The article to touch: films under a slider, numbers that say where they are from, pictures that open at full size, and
// each cell's picture under the cell. Without it the page reads as in print.
"use strict";

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Films: one slider moves all the rows of a film; a row that stands still is there to compare with.
for (const figure of document.querySelectorAll("figure.film")) {
  const film = JSON.parse(figure.querySelector("script").textContent).numbers;
  const sheet = figure.querySelector("img");
  const count = film.labels.length, rows = film.groups.reduce((sum, group) => sum + group.rows.length, 0);
  const moving = [];
  let place = 0;
  const groups = film.groups.map(group => element("div", { className: "group" },
    element("h4", { textContent: group.title }),
    element("div", { className: "row" }, ...group.rows.map(row => {
      const frame = element("div", { className: "frame", role: "img" });
      frame.style.aspectRatio = `${film.width} / ${film.height}`;
      frame.style.backgroundImage = `url(${sheet.src})`;
      frame.style.backgroundSize = `${100 * count}% ${100 * rows}%`;
      const y = rows > 1 ? 100 * place++ / (rows - 1) : 0;
      const caption = element("span", { className: "name", textContent: row.title });
      const curves = row.curves.length ? chart(row.curves, count) : null;
      const show = at => {
        const x = count > 1 ? 100 * (row.frames > 1 ? at : 0) / (count - 1) : 0;
        frame.style.backgroundPosition = `${x}% ${y}%`;
        frame.setAttribute("aria-label", `${row.title}, ${film.axis} = ${film.labels[at]}`);
        if (curves) curves.show(at);
      };
      moving.push(show);
      return element("div", { className: "cell" }, caption, frame, ...(curves ? [curves.node] : []));
    }))));
  const shown = element("output");
  const slider = element("input", { type: "range", min: 0, max: count - 1, step: 1, value: film.start });
  slider.setAttribute("aria-label", film.axis);
  const show = () => {
    const at = Number(slider.value);
    shown.textContent = `${film.axis} = ${film.labels[at]}`;
    slider.setAttribute("aria-valuetext", shown.textContent);
    for (const row of moving) row(at);
  };
  slider.addEventListener("input", show);
  let timer = null;
  const play = element("button", { type: "button", textContent: "Play" });
  play.addEventListener("click", () => {
    if (timer) {
      clearInterval(timer);
      timer = null;
    } else {
      if (Number(slider.value) === count - 1) slider.value = 0;
      timer = setInterval(() => {
        slider.value = Number(slider.value) + 1;
        show();
        if (Number(slider.value) === count - 1) play.click();
      }, 350);
    }
    play.textContent = timer ? "Pause" : "Play";
  });
  sheet.hidden = true;
  figure.append(element("div", { className: "controls" }, play, slider, shown), ...groups);
  show();
}

// A small plot of curves in 0...1 with a mark at the place that is shown.
function chart(curves, count) {
  const names = ["first", "second"];
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  drawn.setAttribute("viewBox", "-2 -4 104 38");
  drawn.setAttribute("aria-hidden", "true");
  const line = (name, points) => {
    const made = document.createElementNS(space, "polyline");
    made.setAttribute("class", name);
    made.setAttribute("points", points.map(point => point.join(",")).join(" "));
    drawn.append(made);
    return made;
  };
  const x = at => 100 * at / Math.max(1, count - 1), y = value => 30 * (1 - value);
  line("axis", [[0, 0], [0, 30], [100, 30]]);
  curves.forEach((curve, index) => line(names[index], curve.values.map((value, at) => [x(at), y(value)])));
  const mark = line("mark", []);
  const text = element("span", { className: "values" });
  return {
    node: element("div", { className: "chart" }, drawn, text),
    show(at) {
      mark.setAttribute("points", `${x(at)},0 ${x(at)},30`);
      text.replaceChildren(...curves.map((curve, index) => element("span", {
        className: names[index], textContent: `p(${curve.name}) = ${curve.values[at].toFixed(3)}` })));
    },
  };
}

// Numbers: the file, the path in it, the value as it stands there, and the line of the program.
const origin = element("div", { id: "origin", popover: "auto" });
document.body.append(origin);
for (const number of document.querySelectorAll("a.quoted")) {
  number.addEventListener("click", event => {
    event.preventDefault();
    const { file, path, exact, program, line } = number.dataset;
    const lines = [element("code", { textContent: exact }),
      element("span", {}, "from ", element("code", { textContent: path }), " in ", element("code", { textContent: file }))];
    if (program) {
      const jump = element("a", { href: number.getAttribute("href"), textContent: `${program}, line ${line}` });
      jump.addEventListener("click", () => { origin.hidePopover(); reveal(number.getAttribute("href")); });
      lines.push(element("span", {}, "by ", jump));
    }
    const save = [...document.querySelectorAll("a.data")].find(link => link.download === file.split("/").pop());
    if (save) lines.push(element("a", { href: save.href, download: save.download, textContent: "Save the file" }));
    origin.replaceChildren(...lines.map(content => element("p", {}, content)));
    origin.showPopover();
    const box = number.getBoundingClientRect(), own = origin.getBoundingClientRect();
    origin.style.left = `${Math.max(8, Math.min(box.left, innerWidth - own.width - 8))}px`;
    origin.style.top = `${box.bottom + own.height + 12 < innerHeight ? box.bottom + 6 : box.top - own.height - 6}px`;
  });
}

function reveal(target) {
  const place = document.querySelector(target);
  if (!place) return;
  place.closest("details")?.setAttribute("open", "");
  document.querySelector(".shown")?.classList.remove("shown");
  place.classList.add("shown");
  place.scrollIntoView({ block: "center" });
}

// Pictures: a click opens one at its own size, another closes it.
const large = element("dialog", { id: "large" });
large.addEventListener("click", () => large.close());
document.body.append(large);
function open(picture) {
  large.replaceChildren(element("img", { src: picture.src, alt: picture.alt }));
  large.showModal();
}
for (const picture of document.querySelectorAll("figure:not(.film) img")) {
  picture.tabIndex = 0;
  picture.setAttribute("role", "button");
  picture.title = "Open at full size";
  picture.addEventListener("click", () => open(picture));
  picture.addEventListener("keydown", event => { if (event.key === "Enter") open(picture); });
}

// What a cell drew, in small, under it.
for (const link of document.querySelectorAll("a.drawn")) {
  const picture = document.querySelector(`img[data-picture="${link.dataset.picture}"]`);
  if (picture && !picture.closest(".film")) {
    link.prepend(element("img", { src: picture.src, alt: "" }));
    link.addEventListener("click", event => { event.preventDefault(); open(picture); });
  }
}
