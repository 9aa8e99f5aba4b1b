// Draws the chart of a report from the table of its numbers (<table data-chart="line">) with uPlot. The page is complete
// without it. Colors are those of the page, also after a change between light, dark and paper.

const HEIGHT = 280; // pixels
const COLORS = 6; // --series-1 and following; further series have the same colors, and are dashed

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colorOf = (place) => token(`--series-${(place % COLORS) + 1}`);
const dashOf = (place) => (place < COLORS ? [] : [6, 4]);

const readTable = (table) => {
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const rows = [...table.tBodies[0].rows];
  const number = (cell) => (cell.textContent === "" ? null : Number(cell.textContent));
  return {
    names,
    labels: rows.map((row) => row.cells[0].textContent),
    values: names.map((_, place) => rows.map((row) => number(row.cells[place + 1]))),
  };
};

// The bars of one label stand side by side: each series has places of its own, and is null at those of the others.
const sideBySide = ({ labels, names, values }) => {
  const width = names.length + 1;
  const places = labels.flatMap((_, group) => names.map((_, series) => group * width + series));
  const own = values.map((of, series) =>
    labels.flatMap((_, group) => names.map((_, place) => (place === series ? of[group] : null)))
  );
  return { places, own, labelAt: (at) => labels[Math.round((at - (width - 2) / 2) / width)], width };
};

class Chart {
  constructor(table) {
    this.kind = table.dataset.chart;
    this.data = readTable(table);
    this.box = table.closest("figure").querySelector("[role=img]");
    this.legend = table.closest("figure").querySelector("ul");
    this.box.hidden = this.legend.hidden = false;
    this.hidden = new Set();
    this.number = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 8 });
    this.short = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact" });
    this.draw();
    this.sizes = new ResizeObserver(() => this.plot.setSize({ width: this.box.clientWidth, height: HEIGHT }));
    this.sizes.observe(this.box);
    this.colors = ["(prefers-color-scheme: dark)", "print"].map((query) => matchMedia(query));
    this.redraw = () => this.draw();
    for (const query of this.colors) query.addEventListener("change", this.redraw);
  }

  get isGone() {
    return !this.box.isConnected;
  }

  end() {
    this.sizes.disconnect();
    for (const query of this.colors) query.removeEventListener("change", this.redraw);
    this.plot.destroy();
  }

  draw() {
    this.plot?.destroy();
    const { labels, names, values } = this.data;
    const bars = this.kind === "bar" ? sideBySide(this.data) : null;
    const step = bars ? bars.width : 1;
    const middle = bars ? (bars.width - 2) / 2 : 0;
    const axis = { stroke: token("--faint"), grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line"), width: 1 } };
    const labelOf = (at) => (bars ? bars.labelAt(at) : labels[at]) ?? "";
    const longest = Math.max(...labels.map((label) => label.length));
    this.plot = new uPlot(
      {
        width: this.box.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false },
        scales: {
          x: { time: false, range: () => (bars ? [-1, labels.length * step - 1] : [0, Math.max(1, labels.length - 1)]) },
          y: { range: (_, least, most) => uPlot.rangeNum(Math.min(0, least ?? 0), Math.max(0, most ?? 1), 0.1, true) },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            space: Math.min(160, 8 * longest + 16),
            splits: (plot) => {
              const most = Math.max(1, Math.floor(plot.width / Math.min(160, 8 * longest + 16)));
              const every = Math.ceil(labels.length / most);
              return labels.map((_, place) => place).filter((place) => place % every === 0).map((place) => place * step + middle);
            },
            values: (_, splits) => splits.map(labelOf),
          },
          { ...axis, size: 64, values: (_, splits) => splits.map((value) => this.short.format(value)) },
        ],
        series: [
          {},
          ...names.map((label, place) => ({
            label,
            show: !this.hidden.has(place),
            stroke: colorOf(place),
            width: 2,
            dash: bars ? [] : dashOf(place),
            fill: bars ? colorOf(place) : undefined,
            points: { show: !bars && labels.length === 1 },
            paths: bars ? uPlot.paths.bars({ size: [1, 64] }) : undefined,
          })),
        ],
        hooks: { setCursor: [(plot) => this.tell(plot.cursor.idx)] },
      },
      bars ? [bars.places, ...bars.own] : [labels.map((_, place) => place), ...values],
      this.box,
    );
    this.plot.root.setAttribute("aria-hidden", "true");
    this.showLegend();
  }

  // A button for each series, which hides it and shows it again. There is a class for each color.
  showLegend() {
    if (this.legend.children.length) return;
    this.at = document.createElement("li");
    this.at.setAttribute("aria-hidden", "true");
    this.values = [];
    this.data.names.forEach((name, place) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.id = `chart-series-${place + 1}`;
      button.className = `plain series-${(place % COLORS) + 1}${place < COLORS ? "" : " dashed"}`;
      button.setAttribute("aria-pressed", "true");
      button.textContent = name;
      const value = document.createElement("span");
      value.setAttribute("aria-hidden", "true");
      button.addEventListener("click", () => this.toggle(place, button));
      this.values.push(value);
      item.append(button, value);
      this.legend.append(item);
    });
    this.legend.append(this.at);
  }

  toggle(place, button) {
    if (!this.hidden.delete(place)) this.hidden.add(place);
    const isShown = !this.hidden.has(place);
    button.setAttribute("aria-pressed", isShown);
    this.plot.setSeries(place + 1, { show: isShown });
  }

  // The values under the pointer, in the legend.
  tell(at) {
    const { labels, names, values } = this.data;
    if (!this.at) return;
    const point = at == null ? null : this.kind === "bar" ? Math.floor(at / names.length) : at;
    this.at.textContent = point == null ? "" : labels[point];
    values.forEach((of, place) => {
      const value = point == null ? null : of[point];
      this.values[place].textContent = value == null ? "" : this.number.format(value);
    });
  }
}

let charts = [];
const drawCharts = () => {
  charts = charts.filter((chart) => !chart.isGone || chart.end());
  for (const table of document.querySelectorAll("table[data-chart]:not([data-drawn])")) {
    table.dataset.drawn = "";
    charts.push(new Chart(table));
  }
};
document.addEventListener("DOMContentLoaded", drawCharts);
document.addEventListener("shown", drawCharts);
