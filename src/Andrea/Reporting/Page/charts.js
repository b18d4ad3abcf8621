// A chart of lines over steps: uPlot draws it; legend, marks, keyboard and the sharing of cursor and zoom are here.

const MOST_DOTS = 100;

/** A line: { label, rank, steps, values, color, width, dash, points, quiet }; the rank is its place in the legend, in which quiet ones are not. */
class LineChart {
  /** spec: { id, title, hint, log, canChoose, lines(page), guides(page), format } */
  constructor(page, spec) {
    Object.assign(this, { page, spec, log: !!spec.log, hidden: new Set(), plot: null, lines: [], wild: [] });
    this.legend = make('div', { class: 'legend', role: 'group', 'aria-label': `Lines of ${spec.title}` });
    this.host = make('div', {
      class: 'plot', tabindex: 0, role: 'slider', 'aria-label': `${spec.title}, chart over steps`, 'aria-orientation': 'horizontal',
      onkeydown: event => this.onKey(event),
    });
    const head = make('figcaption', {}, make('h3', {}, spec.title));
    if (spec.canChoose) head.append(this.scaleButton());
    this.figure = make('figure', { class: 'card chart', id: spec.id }, head, make('p', { class: 'hint' }, spec.hint), this.legend, this.host);
    new ResizeObserver(() => this.resize()).observe(this.host);
  }

  scaleButton() {
    const button = make('button', {
      type: 'button', class: 'small', 'aria-pressed': this.log, onclick: () => {
        this.log = !this.log;
        button.setAttribute('aria-pressed', this.log);
        this.rebuild();
      },
    }, 'log scale');
    return button;
  }

  /** Draws what the runs hold now. */
  refresh() {
    const lines = this.spec.lines(this.page).filter(line => line.values.some(value => value !== null));
    // Lines that share their steps become one table of uPlot's, so they stand together.
    const order = [...new Set(lines.map(line => line.steps))];
    lines.sort((a, b) => order.indexOf(a.steps) - order.indexOf(b.steps));
    this.figure.hidden = lines.length === 0;
    const shape = all => JSON.stringify(all.map(line => [line.label, line.color, hasDots(line)]));
    const isSame = this.plot !== null && shape(lines) === shape(this.lines);
    this.lines = lines;
    if (lines.length === 0) {
      this.destroy();
      return;
    }
    if (isSame) {
      this.plot.setData(this.table());
      this.showValues();
    } else {
      this.rebuild();
    }
  }

  rebuild() {
    this.destroy();
    if (this.lines.length === 0) return;
    this.plot = new uPlot(this.options(), this.table(), this.host);
    this.plot.root.setAttribute('aria-hidden', 'true');
    this.buildLegend();
    this.showValues();
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }

  resize() {
    const width = this.host.clientWidth;
    if (this.plot !== null && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.height });
  }

  get height() { return this.spec.height ?? (this.host.clientWidth < 420 ? 200 : 230); }

  /** The lines of the legend, in its order: what is drawn last, over the others, may well come first. */
  get named() { return this.lines.filter(line => !line.quiet).sort((a, b) => a.rank - b.rank); }

  /** What uPlot draws: one array of steps, then one of values for each line. Null interrupts a line, undefined does not. */
  table() {
    this.wild = [];
    const tables = new Map();
    for (const line of this.lines) {
      const values = line.values.map((value, i) => {
        const isOff = isWild(value) || (this.log && value !== null && value <= 0);
        if (isOff && !this.hidden.has(line.label)) this.wild.push({ step: line.steps[i], value, color: line.color });
        return isOff ? null : value;
      });
      if (!tables.has(line.steps)) tables.set(line.steps, [line.steps]);
      tables.get(line.steps).push(values);
    }
    return tables.size === 1 ? [...tables.values()][0] : uPlot.join([...tables.values()]);
  }

  options() {
    const text = color('muted'), grid = { stroke: color('line'), width: 1 };
    const axis = { stroke: text, grid, ticks: { ...grid, size: 4 }, font: '12px system-ui, sans-serif' };
    const format = this.spec.format ?? showShort;
    const label = value => value === null ? '' : format(value);
    return {
      width: Math.max(this.host.clientWidth, 50), height: this.height, padding: [18, 20, 0, 0], legend: { show: false },
      cursor: {
        sync: { key: 'steps', filters: { pub: type => type === 'mousemove' || type === 'mouseleave' } },
        drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false, bind: { dblclick: () => () => this.page.zoom(null) },
      },
      scales: {
        x: { time: false, range: () => this.page.range() },
        y: { distr: this.log ? 3 : 1, range: (_, low, high) => this.rangeOf(low, high) },
      },
      axes: [
        { ...axis, size: 32, space: 70, values: (_, steps) => steps.map(step => Number.isInteger(step) ? showShort(step) : '') },
        { ...axis, size: 62, space: 36, values: (_, values) => values.map(label) },
      ],
      series: [{}, ...this.lines.map(line => ({
        label: line.label, stroke: line.color, width: line.width ?? 1.5, dash: line.dash, show: !this.hidden.has(line.label),
        points: { show: hasDots(line), size: 6, fill: line.color },
      }))],
      hooks: {
        setCursor: [plot => this.onCursor(plot)],
        setSelect: [plot => this.onSelect(plot)],
        draw: [plot => this.drawMarks(plot)],
      },
    };
  }

  rangeOf(low, high) {
    if (low === null || low === undefined) return this.log ? [0.1, 1] : [0, 1];
    if (this.log) return uPlot.rangeLog(low, high, 10, high / low < 3);
    const { floor = -Infinity, ceiling = Infinity } = this.spec;
    // Values that differ by rounding alone are one value: no axis could be divided so finely.
    const isFlat = high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high));
    const space = isFlat ? Math.abs(high) * 0.1 || 0.1 : (high - low) * 0.06;
    return [Math.max(low - space, floor), Math.min(high + space, ceiling)];
  }

  buildLegend() {
    this.legend.replaceChildren(...this.named.map(line => {
      const swatch = make('span', { class: line.dash ? 'swatch dashed' : 'swatch' });
      swatch.style.setProperty('--swatch', line.color);
      line.dash?.forEach((length, i) => swatch.style.setProperty(i === 0 ? '--dash' : '--gap', `${length}px`));
      line.output = make('span', { class: 'value' });
      return make('button', {
        type: 'button', 'aria-pressed': !this.hidden.has(line.label), title: 'Show or hide', onclick: event => this.toggle(line, event.currentTarget),
      }, swatch, line.label, line.output);
    }));
  }

  toggle(line, button) {
    const isHidden = !this.hidden.delete(line.label);
    if (isHidden) this.hidden.add(line.label);
    button.setAttribute('aria-pressed', !isHidden);
    this.plot.setSeries(this.lines.indexOf(line) + 1, { show: !isHidden });
    this.plot.setData(this.table());
  }

  /** The value of each line at the cursor, or the last one. */
  showValues() {
    const buttons = [...this.legend.children];
    const step = this.page.cursor, parts = [];
    this.named.forEach((line, i) => {
      const at = step === null ? line.steps.length - 1 : nearest(line.steps, step);
      const value = show(line.values[at]);
      buttons[i].querySelector('.value').textContent = value;
      if (!this.hidden.has(line.label)) parts.push(`${line.label} ${value}`);
    });
    const range = this.page.range(), now = step ?? range[1];
    this.host.setAttribute('aria-valuemin', range[0]);
    this.host.setAttribute('aria-valuemax', range[1]);
    this.host.setAttribute('aria-valuenow', now);
    this.host.setAttribute('aria-valuetext', `step ${showCount(now)}: ${parts.join(', ')}`);
  }

  onCursor(plot) {
    const index = plot.cursor.idx;
    const isOutside = plot.cursor.left < 0 || index === null || index === undefined;
    this.page.moveCursor(isOutside ? null : plot.data[0][index]);
  }

  onSelect(plot) {
    if (plot.select.width < 8) return;
    const low = plot.posToVal(plot.select.left, 'x'), high = plot.posToVal(plot.select.left + plot.select.width, 'x');
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.page.zoom([low, high]);
  }

  onKey(event) {
    if (this.plot === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = this.plot.data[0], [low, high] = this.page.range();
    const first = steps.findIndex(step => step >= low), last = steps.findLastIndex(step => step <= high);
    const at = this.page.cursor === null ? last : nearest(steps, this.page.cursor);
    const stride = event.shiftKey ? 10 : 1;
    const target = { ArrowLeft: at - stride, ArrowRight: at + stride, Home: first, End: last }[event.key];
    if (target !== undefined) this.focusStep(steps[Math.min(Math.max(target, first), last)]);
    else if (!this.page.onZoomKey(event)) return;
    event.preventDefault();
  }

  /** Moves the cursor of all charts to a step. */
  focusStep(step) {
    this.plot.setCursor({ left: this.plot.valToPos(step, 'x'), top: this.plot.over.clientHeight / 2 }, true, true);
    this.page.moveCursor(step);
  }

  drawMarks(plot) {
    const { ctx, bbox } = plot, ratio = uPlot.pxRatio;
    ctx.save();
    this.drawGuides(plot, ratio);
    drawFindings(ctx, this.page, step => plot.valToPos(step, 'x', true), { ...bbox, ratio });
    for (const { step, value, color: paint } of this.wild) {
      const x = plot.valToPos(step, 'x', true);
      const isLow = value <= 0, edge = isLow ? bbox.top + bbox.height : bbox.top, size = (isLow ? -5 : 5) * ratio;
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
      // A triangle that points over the edge: the value lies beyond what can be drawn.
      ctx.fillStyle = isLow ? paint : color('bad');
      ctx.beginPath();
      ctx.moveTo(x, edge);
      ctx.lineTo(x - Math.abs(size), edge + 1.6 * size);
      ctx.lineTo(x + Math.abs(size), edge + 1.6 * size);
      ctx.fill();
    }
    ctx.restore();
  }

  drawGuides(plot, ratio) {
    const { ctx, bbox } = plot;
    ctx.strokeStyle = ctx.fillStyle = color('muted');
    ctx.lineWidth = ratio;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = 'right';
    for (const { value, label } of this.spec.guides?.(this.page) ?? []) {
      const y = plot.valToPos(value, 'y', true);
      if (!(y > bbox.top && y < bbox.top + bbox.height)) continue;
      ctx.setLineDash([6 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.setLineDash([]);
      const place = [label, bbox.left + bbox.width - 4 * ratio, y - 5 * ratio];
      // A halo, so that it can be read over the lines.
      ctx.save();
      ctx.strokeStyle = color('card');
      ctx.lineWidth = 4 * ratio;
      ctx.lineJoin = 'round';
      ctx.strokeText(...place);
      ctx.restore();
      ctx.fillText(...place);
    }
  }
}

/** Whether each value is a dot: many of them would hide their line, one alone has no line. */
const hasDots = line => line.values.length < 2 || (!!line.points && line.values.length <= MOST_DOTS);

/** Marks verdicts by numbered flags, spikes by ticks at the bottom of an area, rollbacks by taller ones. Positions in pixels of the canvas. */
function drawFindings(ctx, page, position, { left, top, width, height, ratio }) {
  const isInside = x => x >= left - 1 && x <= left + width + 1;
  ctx.fillStyle = color('warn');
  for (const { step } of page.spikes) {
    const x = position(step);
    if (isInside(x)) ctx.fillRect(x - ratio, top + height - 7 * ratio, 2 * ratio, 7 * ratio);
  }
  // A rollback: a line where the parameters went back.
  ctx.fillStyle = color('bad');
  for (const { step } of (page.guard ?? []).filter(action => action.guard === 'RolledBack' || action.guard === 'GaveUp')) {
    const x = position(step);
    if (isInside(x)) ctx.fillRect(x - ratio, top + height / 2, 2 * ratio, height / 2);
  }
  ctx.font = `600 ${10 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  for (const verdict of page.verdicts) {
    const x = position(verdict.since);
    if (!isInside(x)) continue;
    ctx.strokeStyle = ctx.fillStyle = color(verdict.isBad ? 'bad' : 'warn');
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.setLineDash([]);
    const label = String(verdict.number), half = (4 + 3.5 * label.length) * ratio;
    ctx.fillRect(x - half, top - 15 * ratio, 2 * half, 14 * ratio);
    ctx.fillStyle = color('on-mark');
    ctx.fillText(label, x, top - 7.5 * ratio);
  }
}
