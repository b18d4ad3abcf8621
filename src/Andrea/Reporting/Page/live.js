// Follows runs that are under way: lines of their files arrive as server-sent events.

/** So long without a step is called silence, in seconds; longer where steps take long. */
const LEAST_SILENCE = 60, SILENT_STEPS = 10;

class LiveRun {
  constructor(page, run) {
    Object.assign(this, { page, id: run.id, state: 'waiting', mark: null, position: run.position, heard: Date.now() - 1000 * run.idle });
    this.update();
  }

  get run() { return this.page.runs.find(run => run.id === this.id); }

  /** Listens while the page is seen, from where it was told up to. Browsers keep only six connections to a server, for all pages together. */
  update() {
    if (this.state === 'ended') return;
    if (document.hidden) this.events?.close();
    else if (!this.events || this.events.readyState === EventSource.CLOSED) this.follow();
  }

  /** Listens from there on; the browser reconnects by itself when the line breaks. */
  follow() {
    this.events?.close();
    const { metrics, gradients } = this.position;
    const place = this.mark === null ? `metrics=${metrics}&gradients=${gradients}` : `after=${this.mark}`;
    this.events = new EventSource(`/events/${encodeURIComponent(this.id)}?${place}`);
    for (const file of ['metrics', 'gradients'])
      this.events.addEventListener(file, event => this.take(file, event));
    this.events.addEventListener('reset', () => this.reload());
    this.events.addEventListener('end', () => {
      this.events.close();
      this.become('ended');
    });
    this.events.addEventListener('open', () => this.become('connected'));
    this.events.addEventListener('error', () => this.become('lost'));
  }

  take(file, event) {
    this.mark = event.lastEventId || this.mark;
    if (!this.page.append(this.id, file, event.data)) return;
    this.heard = Date.now();
    showStates();
  }

  become(state) {
    this.state = state;
    showStates();
  }

  /** The files were cut or replaced, as on a resume: everything is read anew. */
  async reload() {
    this.events.close();
    try {
      const response = await fetch(`/data/${encodeURIComponent(this.id)}`, { cache: 'no-store' });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const json = await response.json();
      this.page.replace(this.id, json);
      Object.assign(this, { mark: null, position: json.position, heard: Date.now() - 1000 * (json.idle ?? 0) });
      this.update();
    } catch {
      this.become('lost');
      setTimeout(() => this.reload(), 2000);
    }
  }

  /** Whether the last step of all is made. */
  get isFinished() {
    const { lastStep, description } = this.run, total = description?.options?.steps;
    return Number.isInteger(total) && lastStep >= total;
  }

  /** What the run does, as a text and a kind. */
  get activity() {
    const { totals } = this.run;
    if (this.isFinished) return ['Finished', 'over'];
    const silence = (Date.now() - this.heard) / 1000, usual = totals.steps > 0 ? totals.seconds / totals.steps : 0;
    if (silence < Math.max(LEAST_SILENCE, SILENT_STEPS * usual)) return ['Running', 'good'];
    return [`No step for ${silence < 3600 ? `${Math.round(silence / 60)} min` : `${Math.round(silence / 3600)} h`}`, 'lost'];
  }
}

/** Says how all runs of the page stand in one line. */
function showStates() {
  const runs = window.andrea.live ?? [], page = window.andrea, all = runs.length > 1 ? 'All runs: ' : '';
  if (runs.some(run => run.state === 'lost')) {
    page.setStatus('Not connected; trying again', 'lost');
  } else if (runs.some(run => run.state === 'ended')) {
    const isFinished = runs.every(run => run.isFinished);
    page.setStatus(`${isFinished ? 'Finished, and its' : 'The'} server has ended: see report.html in the run's folder, or andrea watch with that folder`, isFinished ? 'over' : 'lost');
  } else if (runs.every(run => run.state === 'connected')) {
    const parts = runs.map(run => run.activity), kinds = parts.map(([, kind]) => kind);
    const count = (kind, word) => kinds.includes(kind) ? [`${kinds.filter(item => item === kind).length} ${word}`] : [];
    const isOne = new Set(parts.map(([text]) => text)).size === 1;
    const text = isOne ? all + parts[0][0] : [...count('good', 'running'), ...count('over', 'finished'), ...count('lost', 'silent')].join(', ');
    page.setStatus(text, kinds.includes('good') ? 'good' : kinds.includes('lost') ? 'lost' : 'over');
  }
}

window.andrea.live = window.andrea.runs.map(run => new LiveRun(window.andrea, run));
document.addEventListener('visibilitychange', () => window.andrea.live.forEach(run => run.update()));
setInterval(showStates, 5000);
