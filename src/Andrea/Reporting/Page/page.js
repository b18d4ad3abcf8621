// The page as a whole: which runs, which steps, where the cursor is; and what to draw again when something changes.

const RUN_COLORS = 8;
const REDRAW_MS = 300;

class Page {
  constructor(data) {
    this.data = data;
    this.runs = data.runs.map(json => new Run(json));
    this.hiddenRuns = new Set();
    this.chosen = this.runs[0];
    this.window = null;
    this.cursor = null;
    this.redraw = null;
    this.charts = CHARTS.map(spec => new LineChart(this, spec));
    this.heat = new HeatMap(this);
    this.samples = new Samples(this);
    this.build();
    this.refresh();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      themeColors.clear();
      this.charts.forEach(chart => chart.destroy());
      this.refresh();
    });
  }

  /** The runs that are switched on. */
  get shown() { return this.runs.filter(run => !this.hiddenRuns.has(run.id)); }

  /** A run's colour where there are several, else one for each kind of line. */
  paint(run, kind) { return color(`run-${(this.runs.length > 1 ? this.runs.indexOf(run) : kind) % RUN_COLORS + 1}`); }

  build() {
    const names = this.runs.map(run => run.id).join(', ');
    document.getElementById('title').textContent = names;
    if (this.data.home) document.querySelector('header').prepend(make('a', { id: 'home', href: '/' }, '‹ All runs'));
    if (this.data.note) this.setStatus(this.data.note, 'lost');
    document.querySelector('#curves .grid').append(...this.charts.filter(chart => chart.spec.id !== 'chart-updates').map(chart => chart.figure));
    this.runChoice = make('select', { onchange: () => this.choose(this.runs[this.runChoice.selectedIndex]) }, ...this.runs.map(run => make('option', {}, run.id)));
    const choice = this.runs.length > 1 ? [make('p', { class: 'choice' }, make('label', {}, 'Layers and samples of ', this.runChoice))] : [];
    this.noLayers = make('p', { class: 'none' }, 'Gradients were not recorded tensor by tensor (there is no gradients.jsonl).');
    fill(document.getElementById('layers'), ...choice, this.noLayers, this.heat.figure, this.chart('chart-updates').figure);
    fill(document.getElementById('samples'), this.samples.root);
    document.getElementById('reset').addEventListener('click', () => this.zoom(null));
    if (this.runs.length > 1) this.buildRunLegend();
  }

  buildRunLegend() {
    const legend = document.getElementById('runs');
    legend.hidden = false;
    legend.append(...this.runs.map(run => {
      const swatch = make('span', { class: 'swatch' });
      swatch.style.setProperty('--swatch', `var(--run-${this.runs.indexOf(run) % RUN_COLORS + 1})`);
      return make('button', { type: 'button', 'aria-pressed': true, title: 'Show or hide this run', onclick: event => this.toggle(run, event.currentTarget) }, swatch, run.id);
    }));
  }

  toggle(run, button) {
    const isHidden = !this.hiddenRuns.delete(run.id);
    if (isHidden) this.hiddenRuns.add(run.id);
    button.setAttribute('aria-pressed', !isHidden);
    this.refresh();
  }

  choose(run) {
    this.chosen = run;
    this.heat.column = null;
    this.refresh();
  }

  chart(id) { return this.charts.find(chart => chart.spec.id === id); }

  /** Draws everything anew. */
  refresh() {
    this.collectFindings();
    document.getElementById('subtitle').textContent = this.subtitle();
    fill(document.getElementById('summary'), ...summary(this));
    this.showFindings();
    this.charts.forEach(chart => chart.refresh());
    this.heat.refresh();
    this.noLayers.hidden = !this.heat.isEmpty;
    this.samples.refresh();
    this.showWindow();
    if (!this.hasConfiguration) fill(document.getElementById('configuration'), ...configuration(this));
    this.hasConfiguration = true;
  }

  /** Made anew only when there is news, since they hold what may have the focus. */
  showFindings() {
    const news = JSON.stringify(this.runs.map(run => [this.hiddenRuns.has(run.id), run.verdicts.length, run.spikes.length, run.guard.length, run.nonFinite.length]));
    if (news === this.newsShown) return;
    this.newsShown = news;
    const isOpen = [...document.querySelectorAll('#findings details')].map(item => item.open);
    fill(document.getElementById('findings'), ...findings(this));
    document.querySelectorAll('#findings details').forEach((item, i) => { item.open = isOpen[i] ?? false; });
  }

  /** What run.json says of a run in a line; damaged parts of it are left out. */
  subtitle() {
    const run = this.runs[0], description = run.description;
    if (this.runs.length > 1) return `${this.runs.length} runs side by side`;
    if (description === null) return '';
    const { parameters, device, started } = description, time = showTime(started);
    const size = isFiniteNumber(parameters) ? `${showShort(Number(parameters.toPrecision(3)))} parameters` : null;
    return [size, typeof device === 'string' ? device : null, time ? `started ${time}` : null].filter(Boolean).join(' · ');
  }

  collectFindings() {
    const inOrder = (list, key) => this.shown.flatMap(run => list(run).map(item => ({ ...item, run }))).sort((a, b) => key(a) - key(b));
    this.spikes = inOrder(run => run.spikes, spike => spike.step);
    this.guard = inOrder(run => run.guard, action => action.step);
    this.verdicts = inOrder(run => run.verdicts, verdict => verdict.since);
    this.verdicts.forEach((verdict, i) => Object.assign(verdict, { number: i + 1, isBad: BAD_VERDICTS.includes(verdict.verdict) }));
  }

  /** First and last step that are drawn. */
  range() {
    if (this.window !== null) return this.window;
    const runs = this.shown.length ? this.shown : this.runs;
    const low = Math.min(...runs.map(run => run.firstStep)), high = Math.max(...runs.map(run => run.lastStep));
    return [low, Math.max(high, low + 1)];
  }

  /** Shows the steps of a window, or all. */
  zoom(window) {
    this.window = null;
    const [low, high] = this.range();
    if (window !== null) {
      const size = Math.max(window[1] - window[0], 2), start = Math.min(Math.max(window[0], low), Math.max(high - size, low));
      this.window = size >= high - low ? null : [Math.floor(start), Math.ceil(start + size)];
    }
    const [min, max] = this.range();
    this.charts.forEach(chart => chart.plot?.setScale('x', { min, max }));
    this.charts.filter(chart => chart.plot).forEach(chart => chart.showValues());
    this.heat.draw();
    this.showWindow();
  }

  showWindow() {
    const [low, high] = this.range();
    document.getElementById('reset').hidden = this.window === null;
    document.getElementById('range').textContent = this.window === null ? '' : `Steps ${showCount(low)} to ${showCount(high)}`;
  }

  /** + and - around the cursor, Escape; whether the key was one of them. */
  onZoomKey(event) {
    const [low, high] = this.range(), centre = this.cursor ?? (low + high) / 2;
    const factor = { '+': 0.5, '=': 0.5, '-': 2 }[event.key];
    if (factor) this.zoom([centre - (centre - low) * factor, centre + (high - centre) * factor]);
    else if (event.key === 'Escape') this.zoom(null);
    else return false;
    return true;
  }

  /** Zooms to the neighbourhood of a step, and goes to the first chart. */
  lookAt(step) {
    this.zoom(null);
    const [low, high] = this.range(), half = Math.max((high - low) / 10, 10);
    this.zoom([step - half, step + half]);
    const chart = this.charts.find(candidate => candidate.plot !== null);
    if (!chart) return;
    chart.host.focus({ preventScroll: true });
    chart.focusStep(chart.plot.data[0][nearest(chart.plot.data[0], step)]);
    chart.figure.scrollIntoView({ block: 'center' });
  }

  /** The cursor is at a step now, in all charts; null when it is nowhere. */
  moveCursor(step) {
    if (step === this.cursor) return;
    this.cursor = step;
    this.charts.filter(chart => chart.plot).forEach(chart => chart.showValues());
    this.heat.showCursor();
  }

  /** Takes a new line of a run's file; draws soon, and not more often than a few times a second. */
  append(id, file, line) {
    const isNews = this.runs.find(run => run.id === id)?.append(file, line) ?? false;
    if (isNews) this.refreshSoon();
    return isNews;
  }

  /** Takes a run's snapshot anew. */
  replace(id, json) {
    const at = this.runs.findIndex(run => run.id === id);
    if (at < 0) return;
    const isChosen = this.chosen === this.runs[at];
    this.runs[at] = new Run({ ...json, id });
    if (isChosen) this.chosen = this.runs[at];
    this.hasConfiguration = false;
    this.refreshSoon();
  }

  refreshSoon() {
    this.redraw ??= setTimeout(() => {
      this.redraw = null;
      this.refresh();
    }, REDRAW_MS);
  }

  /** Says how live runs stand; kind: good, lost or over. */
  setStatus(text, kind) {
    const status = document.getElementById('live');
    status.hidden = false;
    status.className = kind;
    if (status.textContent !== text) status.textContent = text;
  }
}

/** Average with weights that fall off exponentially over about an eightieth of the steps shown, to either side, so that a trend shows through the noise; values
 * that are not finite are left out. */
function smooth(steps, values) {
  const reach = Math.max(1, (steps[steps.length - 1] - steps[0]) / 80);
  const sums = values.map(() => 0), weights = values.map(() => 0);
  const pass = order => {
    let sum = 0, weight = 0, before = steps[order[0]];
    for (const i of order) {
      const keep = Math.exp(-Math.abs(steps[i] - before) / reach);
      before = steps[i];
      sum *= keep;
      weight *= keep;
      if (!isFiniteNumber(values[i])) continue;
      sum += values[i];
      weight += 1;
      sums[i] += sum;
      weights[i] += weight;
    }
  };
  const order = values.map((_, i) => i);
  pass(order);
  pass(order.reverse());
  return values.map((_, i) => weights[i] > 0 ? sums[i] / weights[i] : null);
}

/** A line for each shown run; the label has the run's name where there are several. */
const linesOf = (page, describe) => page.shown.flatMap(run => describe(run).map(({ label, kind = 0, alpha, ...line }) => ({
  steps: run.steps.step, rank: 10 * page.runs.indexOf(run) + kind, ...line, color: page.paint(run, kind) + (alpha ?? ''), label: page.runs.length > 1 ? `${run.id} ${label}` : label,
})));

/** The settings of the shown runs that can be read as numbers, each once. */
const settings = (page, read) => [...new Set(page.shown.map(run => numberOf(read(run.description?.options ?? {}) ?? null)))].filter(isFiniteNumber);

/** A colour for each block, along that part of the heat map's ramp that stands out from the ground; grey for what belongs to none. */
function groupLines(page) {
  const run = page.chosen, { groups, groupDepths } = run.tensors, { updates } = run;
  const deepest = Math.max(1, ...groupDepths.filter(depth => depth !== null));
  const [low, high] = ['ramp-low', 'ramp-high'].map(name => Number(color(name)));
  const others = groupDepths.map((depth, i) => depth === null ? i : -1).filter(i => i >= 0);
  return groups.map((label, i) => ({
    label, rank: i, steps: updates.last, values: updates.group.map(column => column[i] ?? null), width: 1.5, dash: groupDepths[i] === null ? [[2, 3], [6, 3], [12, 4]][others.indexOf(i) % 3] : undefined,
    color: groupDepths[i] === null ? color('muted') : rampColor(low + (high - low) * groupDepths[i] / deepest),
  }));
}

const CHARTS = [
  {
    id: 'chart-loss', title: 'Loss', hint: 'nats per token: every step, their trend, and validation text', canChoose: true, height: 270,
    lines: page => linesOf(page, run => [
      { label: 'every step', values: run.steps.loss, width: 1, alpha: '59', quiet: page.runs.length > 1 },
      { label: 'training', values: smooth(run.steps.step, run.steps.loss), width: 2 },
      { label: 'validation', kind: 1, steps: run.evaluations.map(item => item.step), values: run.evaluations.map(item => item.loss), dash: [6, 3], points: true },
    ]),
  },
  {
    id: 'chart-norm', title: 'Gradient norm', hint: 'all gradients as one vector, before and after the clip', log: true, canChoose: true,
    lines: page => linesOf(page, run => [
      { label: 'after clip', kind: 1, values: run.steps.normAfter, dash: page.runs.length > 1 ? [3, 3] : undefined },
      { label: 'before clip', values: run.steps.norm },
    ]),
    guides: page => settings(page, options => options.clip?.maxNorm).map(value => ({ value, label: `largest norm ${show(value)}` })),
  },
  {
    id: 'chart-clip', title: 'Clipping', hint: 'what gradients were multiplied by, and the share of clipped steps so far', floor: 0, ceiling: 1.02,
    lines: page => linesOf(page, run => [
      { label: 'coefficient', values: run.steps.coefficient, width: 1 },
      { label: 'clip rate', kind: 1, values: run.steps.clipRate, width: 2, dash: page.runs.length > 1 ? [6, 3] : undefined },
    ]),
  },
  {
    id: 'chart-coherence', title: 'Samples', hint: 'score of each sample, 0 to 100, and how many of its pairs and triples of words stood there before, in percent', floor: 0, ceiling: 102,
    lines: page => linesOf(page, run => {
      const steps = run.coherence.map(item => item.step), percent = item => item.repetition === null ? null : 100 * item.repetition;
      return [
        { label: 'score', steps, values: run.coherence.map(item => item.score), width: 2, points: true },
        { label: 'repetition', kind: 1, steps, values: run.coherence.map(percent), dash: page.runs.length > 1 ? [6, 3] : undefined, points: true },
      ];
    }),
  },
  {
    id: 'chart-rate', title: 'Learning rate', hint: 'of the schedule', floor: 0,
    lines: page => linesOf(page, run => [{ label: 'learning rate', values: run.steps.lr, width: 2 }]),
  },
  {
    id: 'chart-speed', title: 'Speed', hint: 'tokens per second of each step, and their trend', floor: 0,
    lines: page => linesOf(page, run => [
      { label: 'every step', values: run.steps.tokensPerSecond, width: 1, alpha: '59', quiet: page.runs.length > 1 },
      { label: 'tokens/s', values: smooth(run.steps.step, run.steps.tokensPerSecond), width: 2 },
    ]),
  },
  {
    id: 'chart-updates', title: 'Update to weight', hint: 'norm of the update over norm of the weights, block by block: around 0.001 as a rule, up to 0.05 in small models; from 0.1 on the learning rate is too high', log: true, height: 280,
    lines: groupLines, guides: () => [{ value: 1e-3, label: 'usual: 0.001' }, { value: 0.1, label: 'too high: 0.1' }],
  },
];

window.andrea = new Page(JSON.parse(document.getElementById('data').textContent));
