// What is known about a run: made from a snapshot (RunData.WriteJson), then fed with new lines of metrics.jsonl and gradients.jsonl.

const STEP_COLUMNS = ['loss', 'norm', 'normAfter', 'coefficient', 'clipRate', 'lr', 'tokensPerSecond'];
const NOISY_COLUMNS = ['loss', 'norm', 'coefficient', 'tokensPerSecond'];
/** A line this far beyond the one before is no record of the run. As JsonLines.cs. */
const FARTHEST_STEP = 1_000_000;
const MAX_ROWS = 8000, BUCKETS = 400;

/** Steps in columns; thinned when there are many, so that the extremes and non-finite values of each part of the run are kept. As StepColumns.cs. */
class Steps {
  constructor(json) {
    this.step = json.step;
    this.skipped = json.skipped;
    for (const name of STEP_COLUMNS) this[name] = json[name].map(numberOf);
  }

  get last() { return this.step.length ? this.step[this.step.length - 1] : -Infinity; }

  add(record) {
    this.step.push(record.step);
    this.skipped.push(record.skipped ? 1 : 0);
    for (const name of STEP_COLUMNS) this[name].push(numberOf(record[name]));
    if (this.step.length > MAX_ROWS) this.thin();
  }

  thin() {
    const count = this.step.length, width = (this.last - this.step[0] + 1) / BUCKETS;
    const bucketOf = row => Math.floor((this.step[row] - this.step[0]) / width);
    const keep = new Set([0, count - 1]);
    for (let first = 0, end; first < count; first = end) {
      for (end = first + 1; end < count && bucketOf(end) === bucketOf(first);) end++;
      for (const name of NOISY_COLUMNS) this.extremes(this[name], first, end).forEach(row => keep.add(row));
      const skipped = this.skipped.indexOf(1, first);
      if (skipped >= 0 && skipped < end) keep.add(skipped);
    }
    const rows = [...keep].sort((a, b) => a - b);
    for (const name of ['step', 'skipped', ...STEP_COLUMNS]) this[name] = rows.map(row => this[name][row]);
  }

  extremes(values, first, end) {
    let smallest = -1, largest = -1, wild = -1;
    for (let i = first; i < end; i++) {
      if (isWild(values[i])) {
        if (wild < 0) wild = i;
      } else if (values[i] !== null) {
        if (smallest < 0 || values[i] < values[smallest]) smallest = i;
        if (largest < 0 || values[i] > values[largest]) largest = i;
      }
    }
    return [smallest, largest, wild].filter(row => row >= 0);
  }
}

/** Values of many places over time in at most 512 columns, each with the largest value of its steps. As BinnedRows.cs. */
class BinnedRows {
  constructor(json, quantities) {
    this.quantities = quantities;
    Object.assign(this, { stride: json.stride, first: json.first, last: json.last, records: json.records });
    for (const name of quantities) this[name] = json[name].map(column => column.map(numberOf));
  }

  get count() { return this.first.length; }

  add(step, values) {
    if (this.count === 512 && this.records[511] >= this.stride) this.halve();
    const at = this.count - 1;
    if (at >= 0 && this.records[at] < this.stride) {
      this.last[at] = step;
      this.records[at]++;
      for (const name of this.quantities) this[name][at] = BinnedRows.larger(this[name][at], values[name]);
      return;
    }
    this.first.push(step);
    this.last.push(step);
    this.records.push(1);
    for (const name of this.quantities) this[name].push(values[name]);
  }

  halve() {
    const pairs = Array.from({ length: this.count >> 1 }, (_, i) => 2 * i);
    for (const name of this.quantities) this[name] = pairs.map(i => BinnedRows.larger(this[name][i], this[name][i + 1]));
    this.records = pairs.map(i => this.records[i] + this.records[i + 1]);
    this.last = pairs.map(i => this.last[i + 1]);
    this.first = pairs.map(i => this.first[i]);
    this.stride *= 2;
  }

  /** Place by place the larger one; NaN is larger than Inf, and anything than nothing. */
  static larger(a, b) {
    return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
      const x = a[i] ?? null, y = b[i] ?? null;
      return x === null ? y : y === null ? x : Number.isNaN(x) || x >= y ? x : y;
    });
  }
}

class Run {
  constructor(json) {
    this.id = json.id;
    this.position = json.position;
    this.idle = json.idle ?? 0;
    this.description = json.run;
    this.foreignLines = json.foreignLines;
    this.totals = json.totals;
    this.steps = new Steps(json.steps);
    this.evaluations = json.evaluations.map(item => ({ ...item, loss: numberOf(item.loss) }));
    this.samples = json.samples;
    this.coherence = json.coherence.map(item => Run.coherence(item.step, item.score, item.repetition));
    this.spikes = json.spikes.map(Run.spike);
    this.guard = json.guard ?? [];
    this.verdicts = json.verdicts;
    this.checkpoints = json.checkpoints;
    this.nonFinite = json.nonFinite;
    this.tensors = json.tensors;
    this.gradients = new BinnedRows(json.gradients, ['norm', 'max', 'nonFinite']);
    this.updates = new BinnedRows(json.updates, ['ratio', 'rms', 'vRatio', 'group']);
  }

  static spike(record) {
    return { step: record.step, spike: record.spike, value: numberOf(record.value), z: numberOf(record.z), median: numberOf(record.median) };
  }

  static coherence(step, score, repetition) {
    return { step, score: numberOf(score), repetition: numberOf(repetition ?? null) };
  }

  /** The last step that anything is known about. */
  get lastStep() {
    const last = list => list.length ? list[list.length - 1] : -Infinity;
    const step = Math.max(this.steps.last, last(this.gradients.last), last(this.evaluations.map(item => item.step)));
    return Number.isFinite(step) ? step : 0;
  }

  get firstStep() {
    const step = Math.min(this.steps.step[0] ?? Infinity, this.gradients.first[0] ?? Infinity);
    return Number.isFinite(step) ? step : 0;
  }

  /** The measurement with the lowest finite loss, or null. */
  get best() {
    return this.evaluations.filter(item => isFiniteNumber(item.loss)).reduce((a, b) => a === null || b.loss < a.loss ? b : a, null);
  }

  /** Takes one line of a file; false for one that is no record or known already. */
  append(file, line) {
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      return false;
    }
    if (!record || !Number.isInteger(record.step) || record.step > this.lastStep + FARTHEST_STEP) return false;
    return file === 'gradients' ? this.addGradients(record) : this.addMetrics(record);
  }

  addMetrics(record) {
    const addNew = (list, item, isSame = other => other.step === item.step) => !list.some(isSame) && list.push(item) > 0;
    const step = record.step;
    if ('loss' in record) return this.addStep(record);
    if ('validationLoss' in record) return addNew(this.evaluations, { step, loss: numberOf(record.validationLoss), best: !!record.best });
    if ('coherence' in record) addNew(this.coherence, Run.coherence(step, record.coherence, record.repetition));
    if ('sample' in record) return addNew(this.samples, { step, text: String(record.sample) });
    if ('checkpoint' in record) return addNew(this.checkpoints, { step, name: String(record.checkpoint) });
    if ('spike' in record) return addNew(this.spikes, Run.spike(record), other => other.step === step && other.spike === record.spike);
    if ('guard' in record) {
      const { guard, reason, batchStep, snapshotStep } = record;
      return addNew(this.guard, { step, guard: String(guard), reason: String(reason ?? ''), batchStep, snapshotStep },
        other => other.step === step && other.guard === guard);
    }
    if ('verdict' in record) {
      const texts = { summary: String(record.summary ?? ''), remedy: String(record.remedy ?? ''), tensors: (record.tensors ?? []).map(String) };
      const verdict = { step, verdict: String(record.verdict), since: record.since ?? step, ...texts };
      return addNew(this.verdicts, verdict, other => other.step === step && other.verdict === verdict.verdict);
    }
    return false;
  }

  addStep(record) {
    if (record.step <= this.steps.last) return false;
    const ms = numberOf(record.ms), tokens = record.tokens ?? 0;
    const isTimed = isFiniteNumber(ms) && ms > 0;
    this.steps.add({ ...record, tokensPerSecond: isTimed && tokens > 0 ? 1000 * tokens / ms : null });
    this.totals.steps++;
    this.totals.skipped += record.skipped ? 1 : 0;
    this.totals.tokens += tokens;
    this.totals.seconds += isTimed ? ms / 1000 : 0;
    if (record.firstBadTensor) this.nonFinite.push({ step: record.step, tensor: String(record.firstBadTensor), index: record.firstBadIndex ?? -1 });
    return true;
  }

  addGradients(record) {
    if (Array.isArray(record.tensors)) return this.readHeader(record);
    const last = this.gradients.last;
    if (!this.tensors.header || !Array.isArray(record.norm) || (last.length && record.step <= last[last.length - 1])) return false;
    const spread = (name, missing = null) => this.spread(record[name] ?? [], missing);
    this.gradients.add(record.step, { norm: spread('norm'), max: spread('max'), nonFinite: spread('nonFinite', 0) });
    if (record.update) {
      const weight = spread('weight'), update = spread('update');
      const ratio = weight.map((value, i) => Run.ratio(value, update[i]));
      this.updates.add(record.step, { ratio, rms: spread('rms'), vRatio: spread('vRatio'), group: this.groupRatios(weight, update) });
    }
    return true;
  }

  readHeader(header) {
    const tensors = this.tensors;
    tensors.header = header.tensors.map((name, i) => {
      const known = tensors.names.indexOf(name);
      if (known >= 0) return known;
      const depth = header.depths?.[i] ?? null, group = Run.groupOf(name, depth);
      tensors.names.push(name);
      tensors.lengths.push(header.lengths?.[i] ?? 0);
      tensors.depths.push(depth);
      if (!tensors.groups.includes(group)) {
        tensors.groups.push(group);
        tensors.groupDepths.push(depth);
      }
      return tensors.names.length - 1;
    });
    return true;
  }

  static groupOf(name, depth) { return depth === null ? name : `block ${depth}`; }

  /** None where the weights are all 0, which has no meaning. */
  static ratio(weight, update) { return weight === null || update === null || weight === 0 ? null : update / weight; }

  /** Of all tensors of a group as one vector. */
  groupRatios(weight, update) {
    const { names, depths, groups } = this.tensors;
    const squares = groups.map(() => null);
    names.forEach((name, i) => {
      if (weight[i] === null || update[i] === null) return;
      const group = groups.indexOf(Run.groupOf(name, depths[i]));
      const [w, u] = squares[group] ?? [0, 0];
      squares[group] = [w + weight[i] ** 2, u + update[i] ** 2];
    });
    return squares.map(square => square === null ? null : Run.ratio(Math.sqrt(square[0]), Math.sqrt(square[1])));
  }

  /** An array of a line, in the order of all tensors. */
  spread(values, missing) {
    const all = new Array(this.tensors.names.length).fill(null);
    this.tensors.header.forEach((place, i) => { all[place] = i < values.length ? numberOf(values[i]) : missing; });
    return all;
  }
}
