// The heat map: a row for each tensor, a column for each step or bin of steps, colour by the logarithm of a value.

/** Dark to bright, even to the eye, also without colour vision; no red, which is kept for NaN and Inf. After matplotlib's viridis. */
const RAMP = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37]];

function rampColor(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
  return `rgb(${RAMP[low].map((value, i) => Math.round(value + (at - low) * (RAMP[low + 1][i] - value))).join(', ')})`;
}

const QUANTITIES = [
  { id: 'norm', from: 'gradients', label: 'gradient norm before clip' },
  { id: 'max', from: 'gradients', label: 'largest |gradient|' },
  { id: 'ratio', from: 'updates', label: 'update norm / weight norm' },
  { id: 'rms', from: 'updates', label: 'RMS of gradient / sqrt(v)' },
  { id: 'vRatio', from: 'updates', label: 'mean v / mean gradient²' },
];

class HeatMap {
  constructor(page) {
    this.page = page;
    this.quantity = QUANTITIES[0];
    this.row = 0;
    this.column = null;
    this.select = make('select', { onchange: () => this.choose(this.select.value) });
    this.canvas = make('canvas', {
      tabindex: 0, role: 'application', 'aria-roledescription': 'heat map', 'aria-describedby': 'heat-keys', onkeydown: event => this.onKey(event),
      onpointermove: event => this.onPointer(event), onpointerdown: event => this.onPointer(event), onpointerleave: () => this.leave(),
      ondblclick: () => page.zoom(null),
    });
    this.frame = make('div', { class: 'cell', hidden: true });
    this.host = make('div', { class: 'heat' }, this.canvas, this.frame);
    this.readout = make('output', { class: 'readout' });
    this.scale = make('div', { class: 'scale' });
    this.figure = make('figure', { class: 'card', id: 'heat' },
      make('figcaption', {}, make('h3', {}, 'Layer by layer'), make('label', { class: 'choice' }, 'Show ', this.select)),
      make('p', { class: 'hint', id: 'heat-keys' },
        'A row for each tensor, from input to output. Where a column stands for several steps it shows their largest value. Arrow keys move from cell to cell.'),
      this.readout, this.host, this.scale);
    new ResizeObserver(() => this.draw()).observe(this.host);
  }

  choose(id) {
    this.quantity = QUANTITIES.find(quantity => quantity.id === id);
    this.refresh();
  }

  get run() { return this.page.chosen; }

  get bins() { return this.run[this.quantity.from]; }

  get names() { return this.run.tensors.names; }

  /** Whether there is anything to show. */
  get isEmpty() { return this.run.gradients.count === 0; }

  refresh() {
    const available = QUANTITIES.filter(quantity => this.run[quantity.from].count > 0);
    this.figure.hidden = this.isEmpty;
    if (this.isEmpty) return;
    if (!available.includes(this.quantity)) this.quantity = available[0];
    if (this.select.options.length !== available.length)
      this.select.replaceChildren(...available.map(({ id, label }) => make('option', { value: id }, label)));
    this.select.value = this.quantity.id;
    this.canvas.setAttribute('aria-label', `Heat map of ${this.quantity.label}, ${this.names.length} tensors over ${this.bins.count} columns`);
    this.draw();
    this.drawScale();
    this.showCell();
  }

  /** The value of a cell, or null; NaN also where an element of the gradient was not finite, whatever the norm. */
  cellAt(column, row) {
    const value = this.bins[this.quantity.id][column]?.[row] ?? null;
    return this.quantity.from === 'gradients' && this.bins.nonFinite[column]?.[row] > 0 && isFiniteNumber(value) ? NaN : value;
  }

  /** The logarithms between which the colours lie. */
  limits() {
    let low = Infinity, high = -Infinity;
    for (let column = 0; column < this.bins.count; column++)
      for (let row = 0; row < this.names.length; row++) {
        const value = this.cellAt(column, row);
        if (!isFiniteNumber(value) || value <= 0) continue;
        low = Math.min(low, Math.log10(value));
        high = Math.max(high, Math.log10(value));
      }
    // What is more than ten decades below the largest value has the darkest colour.
    return low > high ? [-1, 0] : [Math.max(low, high - 10), Math.max(high, low + 0.1)];
  }

  colorAt(column, row, [low, high] = this.limits()) {
    const value = this.cellAt(column, row);
    if (value === null) return null;
    if (isWild(value)) return color('wild');
    return value > 0 ? rampColor((Math.log10(value) - low) / (high - low)) : color('zero');
  }

  /** Where things are, in CSS pixels. */
  layout() {
    const width = this.host.clientWidth, rows = this.names.length;
    const height = Math.min(Math.max(Math.floor(440 / rows), 7), 22);
    const longest = Math.max(...this.names.map(name => name.length));
    const gutter = Math.round(Math.min(longest * 6.6 + 10, width * 0.36, 210));
    return { width, gutter, top: 18, rowHeight: height, plotWidth: width - gutter - 10, bottom: 18 + rows * height };
  }

  position(step, { gutter, plotWidth } = this.layout()) {
    const [low, high] = this.page.range();
    return gutter + (step - low) / (high - low || 1) * plotWidth;
  }

  /** A column reaches from its first step to the next column's. */
  endOf(column) {
    const { first, last } = this.bins;
    if (column + 1 < first.length) return first[column + 1];
    return last[column] + (column > 0 ? Math.max(1, first[column] - last[column - 1]) : 1);
  }

  draw() {
    if (this.figure.hidden || this.host.clientWidth === 0) return;
    const layout = this.layout(), ratio = window.devicePixelRatio || 1, height = layout.bottom + 24;
    this.canvas.width = Math.round(layout.width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    const ctx = this.canvas.getContext('2d');
    ctx.scale(ratio, ratio);
    this.drawCells(ctx, layout);
    this.drawNames(ctx, layout);
    this.drawSteps(ctx, layout);
    drawFindings(ctx, { verdicts: this.page.verdicts.filter(v => v.run === this.run), spikes: [] }, step => this.position(step, layout),
      { left: layout.gutter, top: layout.top, width: layout.plotWidth, height: layout.bottom - layout.top, ratio: 1 });
    this.placeFrame();
  }

  /** What is not finite comes last and is never narrower than two pixels, so that no neighbour hides it. */
  drawCells(ctx, layout) {
    const limits = this.limits(), right = layout.gutter + layout.plotWidth, wild = [];
    for (let column = 0; column < this.bins.count; column++) {
      const left = Math.max(Math.floor(this.position(this.bins.first[column], layout)), layout.gutter);
      const end = Math.min(Math.ceil(this.position(this.endOf(column), layout)), right);
      if (end <= left) continue;
      for (let row = 0; row < this.names.length; row++) {
        const cell = { paint: this.colorAt(column, row, limits), left, end, y: layout.top + row * layout.rowHeight };
        if (isWild(this.cellAt(column, row))) wild.push({ ...cell, left: Math.min(left, end - 2) });
        else if (cell.paint !== null) this.drawCell(ctx, layout, cell);
      }
    }
    for (const cell of wild) {
      this.drawCell(ctx, layout, cell);
      if (cell.end - cell.left >= 7) this.drawCross(ctx, (cell.left + cell.end) / 2, cell.y + layout.rowHeight / 2, color('on-mark'));
    }
  }

  drawCell(ctx, { rowHeight }, { paint, left, end, y }) {
    ctx.fillStyle = paint;
    ctx.fillRect(left, y, end - left, rowHeight - (rowHeight > 9 ? 1 : 0));
  }

  /** So that NaN differs from the rest not by colour alone, where there is room. */
  drawCross(ctx, x, y, paint) {
    ctx.strokeStyle = paint;
    ctx.beginPath();
    ctx.moveTo(x - 2, y - 2);
    ctx.lineTo(x + 2, y + 2);
    ctx.moveTo(x + 2, y - 2);
    ctx.lineTo(x - 2, y + 2);
    ctx.stroke();
  }

  /** Every name where there is room, else the first of each block. */
  drawNames(ctx, { gutter, top, rowHeight }) {
    const { depths } = this.run.tensors, isTight = rowHeight < 12;
    ctx.font = '11px ui-monospace, monospace';
    ctx.fillStyle = color('text');
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    let lastBottom = -Infinity;
    this.names.forEach((name, row) => {
      const isFirst = row === 0 || depths[row] !== depths[row - 1], y = top + (row + 0.5) * rowHeight;
      if (isTight && (!isFirst || y < lastBottom + 12)) return;
      lastBottom = y;
      ctx.fillText(shorten(ctx, isTight && depths[row] !== null ? `block ${depths[row]}` : name, gutter - 8), gutter - 6, y);
    });
  }

  drawSteps(ctx, layout) {
    const [low, high] = this.page.range(), right = layout.gutter + layout.plotWidth;
    const rough = (high - low) / Math.max(2, layout.plotWidth / (layout.width < 480 ? 45 : 90)), power = 10 ** Math.floor(Math.log10(rough || 1));
    const stride = Math.max(1, [1, 2, 5, 10].map(m => m * power).find(m => m >= rough));
    ctx.font = '12px system-ui, sans-serif';
    ctx.fillStyle = color('muted');
    ctx.textAlign = 'center';
    for (let step = Math.ceil(low / stride) * stride; step <= high; step += stride) {
      const x = this.position(step, layout);
      ctx.fillRect(x, layout.bottom, 1, 4);
      ctx.fillText(showShort(step), Math.min(x, right - 8), layout.bottom + 14);
    }
  }

  drawScale() {
    const [low, high] = this.limits(), bar = make('span', { class: 'ramp' });
    bar.style.background = `linear-gradient(to right, ${Array.from({ length: 11 }, (_, i) => rampColor(i / 10)).join(', ')})`;
    const key = (name, label) => {
      const swatch = make('span', { class: 'swatch block' });
      swatch.style.setProperty('--swatch', color(name));
      return make('span', { class: 'key' }, swatch, label);
    };
    this.scale.replaceChildren(make('span', { class: 'key' }, show(10 ** low), bar, show(10 ** high)), key('zero', 'exactly 0'), key('wild', 'NaN or Inf'));
  }

  onPointer(event) {
    const box = this.canvas.getBoundingClientRect(), layout = this.layout(), [low, high] = this.page.range();
    const row = Math.floor((event.clientY - box.top - layout.top) / layout.rowHeight);
    const step = low + (event.clientX - box.left - layout.gutter) / layout.plotWidth * (high - low);
    if (row < 0 || row >= this.names.length || step < low || step > high) {
      this.leave();
      return;
    }
    let column = this.bins.first.findLastIndex(first => first <= step);
    this.moveTo(Math.max(column, 0), row);
  }

  leave() {
    this.column = null;
    this.page.moveCursor(null);
    this.showCell();
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const count = this.bins.count, stride = event.shiftKey ? 10 : 1, column = this.column ?? count - 1;
    const moves = {
      ArrowLeft: [-stride, 0], ArrowRight: [stride, 0], ArrowUp: [0, -stride], ArrowDown: [0, stride], Home: [-count, 0], End: [count, 0],
    };
    if (moves[event.key]) this.moveTo(column + moves[event.key][0], this.row + moves[event.key][1]);
    else if (!this.page.onZoomKey(event)) return;
    event.preventDefault();
  }

  moveTo(column, row) {
    this.column = Math.min(Math.max(column, 0), this.bins.count - 1);
    this.row = Math.min(Math.max(row, 0), this.names.length - 1);
    this.page.moveCursor(this.bins.first[this.column]);
    this.showCell();
  }

  /** The cursor of the charts moved. */
  showCursor() {
    if (this.isEmpty || this.page.cursor === null) return;
    if (this.column === null || this.bins.first[this.column] !== this.page.cursor) {
      const column = this.bins.first.findLastIndex(first => first <= this.page.cursor);
      if (column >= 0) this.column = column;
    }
    this.showCell();
  }

  /** Says the cell's value, and frames it. */
  showCell() {
    this.placeFrame();
    if (this.column === null) {
      this.readout.textContent = 'Point at a cell, or move with the arrow keys.';
      return;
    }
    const { first, last, records } = this.bins, value = this.cellAt(this.column, this.row);
    const steps = records[this.column] > 1 ? `steps ${showCount(first[this.column])}–${showCount(last[this.column])}` : `step ${showCount(first[this.column])}`;
    const bad = this.quantity.from === 'gradients' ? this.bins.nonFinite[this.column][this.row] : 0;
    this.readout.textContent = `${steps} · ${this.names[this.row]} (${showCount(this.run.tensors.lengths[this.row])}) · ${this.quantity.label} ${show(value)}`
      + (bad > 0 ? ` · ${showCount(bad)} elements not finite` : '');
  }

  placeFrame() {
    this.frame.hidden = this.column === null;
    if (this.column === null || this.isEmpty) return;
    const layout = this.layout(), right = layout.gutter + layout.plotWidth;
    const start = Math.max(this.position(this.bins.first[this.column], layout), layout.gutter);
    const end = Math.min(Math.max(this.position(this.endOf(this.column), layout), start), right);
    // Around the cell, and wide enough to be seen around a narrow one.
    const space = Math.max(2, (9 - (end - start)) / 2);
    this.frame.hidden = start > right;
    Object.assign(this.frame.style, {
      left: `${start - space}px`, top: `${layout.top + this.row * layout.rowHeight - 3}px`,
      width: `${end - start + 2 * space}px`, height: `${layout.rowHeight + 5}px`,
    });
  }
}

/** A name that is too wide loses ".weight", then its middle: tensors differ in their block, "h.0", and in their ends. */
function shorten(ctx, text, width) {
  const fits = part => ctx.measureText(part).width <= width;
  if (fits(text)) return text;
  const name = text.replace(/\.weight$/, '');
  if (fits(name)) return name;
  const block = /^[^.]*\.\d+/.exec(name)?.[0] ?? '', head = fits(`${block}…xxxx`) ? block : '';
  let start = head.length + 1;
  while (start < name.length && !fits(`${head}…${name.slice(start)}`)) start++;
  return `${head}…${name.slice(start)}`;
}
