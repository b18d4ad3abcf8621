// Follows runs that are under way: lines of their files arrive as server-sent events.

class LiveRun {
  constructor(page, run) {
    Object.assign(this, { page, id: run.id });
    this.follow(run.position);
  }

  /** Listens from a place in the files on; the browser reconnects by itself when the line breaks. */
  follow({ metrics, gradients }) {
    this.events?.close();
    this.events = new EventSource(`/events/${encodeURIComponent(this.id)}?metrics=${metrics}&gradients=${gradients}`);
    for (const file of ['metrics', 'gradients'])
      this.events.addEventListener(file, event => this.page.append(this.id, file, event.data));
    this.events.addEventListener('reset', () => this.reload());
    this.events.addEventListener('end', () => {
      this.events.close();
      this.page.setStatus('The run or its server has ended; reload the page to look again', false);
    });
    this.events.addEventListener('open', () => this.page.setStatus('Live', true));
    this.events.addEventListener('error', () => this.page.setStatus('Not connected; trying again', false));
  }

  /** The files were cut or replaced, as on a resume: everything is read anew. */
  async reload() {
    this.events.close();
    try {
      const response = await fetch(`/data/${encodeURIComponent(this.id)}`, { cache: 'no-store' });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const json = await response.json();
      this.page.replace(this.id, json);
      this.follow(json.position);
    } catch {
      this.page.setStatus('Not connected; trying again', false);
      setTimeout(() => this.reload(), 2000);
    }
  }
}

window.andrea.live = window.andrea.runs.map(run => new LiveRun(window.andrea, run));
