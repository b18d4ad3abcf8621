// The parts of the page that are text: key numbers, findings, samples, configuration.

const BAD_VERDICTS = ['NonFinite', 'ExplodingGradients', 'LearningRateTooHigh', 'RepetitionRising'];
const MOST_SPIKES = 200;
const UNKNOWN = '–';

/** What a run came to: pairs of a label and a text. */
function resultsOf(run) {
  const { steps, totals, best } = run, last = values => values.length ? values[values.length - 1] : null;
  const total = run.description?.options?.steps;
  const finalLoss = last(steps.loss), speed = median(steps.tokensPerSecond);
  return [
    ['Steps', Number.isInteger(total) ? `${showCount(run.lastStep)} of ${showCount(total)}` : showCount(run.lastStep)],
    ['Best validation loss', best === null ? '–' : `${show(best.loss)} at step ${showCount(best.step)}`],
    ['Last training loss', show(finalLoss), isWild(finalLoss)],
    ['Skipped steps', showCount(totals.skipped), totals.skipped > 0],
    ['Clip rate', showPercent(last(steps.clipRate))],
    ['Speed', speed === null ? '–' : `${show(speed)} tokens/s`],
    ['Time in steps', showDuration(totals.seconds)],
    ['Spikes', showCount(run.spikes.length), run.spikes.length > 0],
    ['Verdicts', showCount(run.verdicts.length), run.verdicts.length > 0],
  ];
}

/** Key numbers of one run. */
function summaryTiles(run) {
  return make('dl', { class: 'tiles' }, ...resultsOf(run).map(([label, value, isBad]) =>
    make('div', { class: isBad ? 'tile attention' : 'tile' }, make('dt', {}, label), make('dd', {}, value))));
}

/** A table with a row for each thing and a column for each run; rows that differs says of that the runs differ in them stand out. */
function comparison(caption, runs, rows, differs = values => new Set(values.filter(value => value !== UNKNOWN)).size > 1) {
  const head = make('tr', {}, make('td', {}), ...runs.map(run => make('th', { scope: 'col' }, run.id)));
  const body = rows.map(([label, ...values]) =>
    make('tr', { class: differs(values) ? 'differs' : null }, make('th', { scope: 'row' }, label), ...values.map(value => make('td', {}, value))));
  return make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    make('table', {}, make('caption', {}, caption), runs.length > 1 ? make('thead', {}, head) : '', make('tbody', {}, ...body)));
}

function summary(page) {
  const runs = page.runs;
  if (runs.length === 1) return [summaryTiles(runs[0])];
  const results = runs.map(resultsOf);
  const lowest = Math.min(...runs.map(run => run.best?.loss ?? Infinity));
  const rows = results[0].map(([label], i) => [label, ...results.map((result, at) =>
    label === 'Best validation loss' && runs[at].best?.loss === lowest ? make('strong', {}, `${result[i][1]} (lowest)`) : result[i][1])]);
  return [comparison('Results', runs, rows, () => false)];
}

/** Every verdict as a card with evidence and remedy, then a table of spikes. */
function findings(page) {
  const several = page.runs.length > 1;
  const cards = page.verdicts.map(verdict => make('li', { class: verdict.isBad ? 'card verdict bad' : 'card verdict' },
    make('h3', {}, make('span', { class: 'flag' }, String(verdict.number)), inWords(verdict.verdict)),
    make('p', { class: 'hint' }, `${several ? verdict.run.id + ', ' : ''}since step ${showCount(verdict.since)}, found at step ${showCount(verdict.step)}`),
    make('p', {}, verdict.summary),
    make('p', { class: 'remedy' }, make('strong', {}, 'What helps: '), verdict.remedy),
    verdict.tensors.length ? make('p', { class: 'hint tensors' }, tensorList(verdict.tensors)) : '',
    make('button', { type: 'button', class: 'small', onclick: () => page.lookAt(verdict.since) }, 'Show in the charts')));
  const parts = [cards.length ? make('ol', { class: 'verdicts' }, ...cards) : make('p', { class: 'none' }, 'No verdict was recorded.')];
  const bad = page.runs.flatMap(run => run.nonFinite.map(item => ({ ...item, run })));
  if (page.spikes.length) parts.push(spikeTable(page, several));
  if (page.guard.length) parts.push(guardTable(page, several));
  if (bad.length) parts.push(eventTable(`Non-finite gradients: ${showCount(bad.length)} steps`, ['Step', ...(several ? ['Run'] : []), 'First tensor', 'First index'],
    bad.slice(0, MOST_SPIKES).map(({ step, run, tensor, index }) => [showCount(step), ...(several ? [run.id] : []), tensor, showCount(index)])));
  const foreign = page.runs.reduce((sum, run) => sum + run.foreignLines, 0);
  if (foreign > 0) parts.push(make('p', { class: 'hint' }, `${showCount(foreign)} lines of the files were no records and were passed over, such as lines that a crash cut off.`));
  return parts;
}

function tensorList(names) {
  const shown = names.slice(0, 6).join(', ');
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}

function spikeTable(page, several) {
  const spikes = page.spikes, rows = spikes.slice(0, MOST_SPIKES).map(spike => [
    showCount(spike.step), ...(several ? [spike.run.id] : []), spike.spike, show(spike.value), show(spike.median), show(spike.z),
  ]);
  const title = `Spikes: ${showCount(spikes.length)}${spikes.length > MOST_SPIKES ? `, of which the first ${MOST_SPIKES}` : ''}`;
  return eventTable(title, ['Step', ...(several ? ['Run'] : []), 'Of', 'Value', 'Median', 'z-score'], rows);
}

/** What the spike guard did. */
function guardTable(page, several) {
  const rows = page.guard.slice(0, MOST_SPIKES).map(({ step, run, guard, reason, batchStep, snapshotStep }) => [
    showCount(step), ...(several ? [run.id] : []), inWords(guard), reason === 'None' ? '' : inWords(reason),
    isFiniteNumber(snapshotStep) ? `to step ${showCount(snapshotStep)}` : isFiniteNumber(batchStep) ? `batch of step ${showCount(batchStep)}` : '',
  ]);
  return eventTable(`Spike guard: ${showCount(page.guard.length)} actions`, ['Step', ...(several ? ['Run'] : []), 'Action', 'Reason', 'Of'], rows);
}

function eventTable(title, columns, rows) {
  return make('details', { class: 'card' }, make('summary', {}, title),
    make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title }, make('table', { class: 'numbers' },
      make('thead', {}, make('tr', {}, ...columns.map(name => make('th', { scope: 'col' }, name)))),
      make('tbody', {}, ...rows.map(row => make('tr', {}, ...row.map(value => make('td', {}, value))))))));
}

/** The samples of the chosen run, one at a time. */
class Samples {
  constructor(page) {
    this.page = page;
    this.slider = make('input', { type: 'range', min: 0, id: 'sample-slider', oninput: () => this.show() });
    this.label = make('label', { for: 'sample-slider' });
    this.text = make('pre', { tabindex: 0, 'aria-label': 'Sample text', 'aria-live': 'polite' });
    this.none = make('p', { class: 'none' });
    this.root = make('div', {}, this.none, make('div', { class: 'card' }, make('div', { class: 'slide' }, this.label, this.slider), this.text));
  }

  refresh() {
    const count = this.page.chosen.samples.length, wasLast = this.slider.value === this.slider.max;
    this.none.hidden = count > 0;
    this.none.textContent = `${this.page.runs.length > 1 ? `${this.page.chosen.id}: no` : 'No'} samples were written; a run writes some where its options say so (SampleEvery).`;
    this.root.lastChild.hidden = count === 0;
    if (count === 0) return;
    this.slider.max = count - 1;
    if (wasLast) this.slider.value = count - 1;
    this.slider.hidden = count < 2;
    this.show();
  }

  show() {
    const samples = this.page.chosen.samples, sample = samples[Number(this.slider.value)];
    const label = `Step ${showCount(sample.step)} (${Number(this.slider.value) + 1} of ${samples.length})`;
    if (this.label.textContent === label && this.text.textContent === sample.text) return;
    this.label.textContent = label;
    this.text.textContent = sample.text;
    this.slider.setAttribute('aria-valuetext', label);
  }
}

/** A tree of settings as rows: "optimizer.beta1" and its value. */
function flatten(value, prefix, rows) {
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    for (const [name, item] of Object.entries(value)) flatten(item, prefix ? `${prefix}.${name}` : name, rows);
  else rows.set(prefix, typeof value === 'string' ? value : typeof value === 'number' ? showSetting(value) : JSON.stringify(value));
  return rows;
}

/** Settings that are shown folded, and only where they are not the default: few people change them. */
const FOLDED = ['diagnosis', 'monitor'];

/** What is said by leaving it out, or by another setting: nothing set for single tensors, "as long as the run", "as long as the model's". */
const isUnset = (name, value) => (Array.isArray(value) && value.length === 0) || (value === 0 && ['contextLength', 'decaySteps'].includes(name));

/** Settings without what is unset, and without those that are folded. */
function tidy(settings) {
  if (settings === null || typeof settings !== 'object' || Array.isArray(settings)) return {};
  const keep = ([name, value]) => !FOLDED.includes(name) && !isUnset(name, value);
  return Object.fromEntries(Object.entries(settings).filter(keep).map(([name, value]) =>
    [name, value !== null && typeof value === 'object' && !Array.isArray(value) ? tidy(value) : value]));
}

/** The settings of a folded part that differ from the defaults in at least one run. */
function foldedSettings(page, part) {
  const defaults = flatten(page.data.defaults?.[part] ?? {}, '', new Map());
  const columns = page.runs.map(run => flatten(run.description?.options?.[part] ?? {}, '', new Map()));
  const names = [...new Set(columns.flatMap(column => [...column.keys()]))].filter(name => name !== '');
  const changed = names.filter(name => columns.some(column => column.has(name) && column.get(name) !== defaults.get(name)));
  if (page.runs.every(run => run.description?.options?.[part] === null)) return make('p', { class: 'hint folded' }, `${inWords(part)}: off`);
  if (names.length === 0) return '';
  const count = changed.length === 0 ? 'all as they are by default' : `${showCount(changed.length)} not as by default`;
  const title = `${inWords(part)}: ${showCount(names.length)} settings, ${count}`;
  if (changed.length === 0) return make('p', { class: 'hint folded' }, title);
  const rows = changed.map(name => [name.split('.').map(inWords).join(' / '), ...columns.map(column => column.get(name) ?? UNKNOWN), `default ${defaults.get(name) ?? UNKNOWN}`]);
  return make('details', { class: 'card folded' }, make('summary', {}, title), make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title },
    make('table', {}, make('tbody', {}, ...rows.map(([label, ...values]) => make('tr', {}, make('th', { scope: 'row' }, label), ...values.map(value => make('td', {}, value))))))));
}

const showSetting = value => Number.isInteger(value) && Math.abs(value) < 1e15 ? showCount(value) : String(Number(value.toPrecision(12)));

function configuration(page) {
  const runs = page.runs, described = runs.filter(run => run.description !== null);
  if (described.length === 0) return [make('p', { class: 'none' }, 'There is no run.json, so the configuration is not known.')];
  const { machine, training, model } = {
    model: run => ({ parameters: run.description?.parameters, ...run.description?.config, tokenizer: run.description?.tokenizer }),
    training: run => tidy(run.description?.options),
    machine: run => {
      const { started, andrea, device, machine: host } = run.description ?? {};
      return { started: showTime(started), andrea, device, ...host };
    },
  };
  const tables = [['Model', model], ['Training', training], ['Machine', machine]].map(([caption, part]) => {
    const columns = runs.map(run => flatten(part(run), '', new Map()));
    const names = [...new Set(columns.flatMap(column => [...column.keys()]))].filter(name => columns.some(column => column.get(name) !== undefined));
    const rows = names.map(name => [name.split('.').map(inWords).join(' / '), ...columns.map(column => column.get(name) ?? UNKNOWN)]);
    return rows.length ? comparison(caption, runs, rows) : '';
  });
  return [make('div', { class: runs.length > 1 ? 'settings several' : 'settings' }, ...tables), ...FOLDED.map(part => foldedSettings(page, part))];
}
