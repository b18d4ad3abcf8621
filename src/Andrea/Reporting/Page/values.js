// Numbers and text: how Andrea's JSON writes them, how people read them, and how they come onto the page.

/** A number of Andrea's JSON, where NaN and Inf are strings; null is what was not measured. */
function numberOf(value) {
  if (typeof value === 'number') return value;
  return value === 'NaN' ? NaN : value === 'Infinity' ? Infinity : value === '-Infinity' ? -Infinity : null;
}

/** Whether it was measured and is NaN or Inf. */
const isWild = value => typeof value === 'number' && !Number.isFinite(value);

const isFiniteNumber = value => typeof value === 'number' && Number.isFinite(value);

/** A value to 4 digits. */
function show(value) {
  if (value === null || value === undefined) return '–';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace('e+', 'e');
  return size >= 1000 ? showCount(Math.round(value)) : String(Number(value.toPrecision(4)));
}

/** A whole number with thousands apart. */
const showCount = value => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** A large number in short, for axes: 20k, 1.5M. */
function showShort(value) {
  const size = Math.abs(value);
  const short = (divisor, unit) => Number((value / divisor).toPrecision(4)) + unit;
  if (size >= 1e15 || (size !== 0 && size < 1e-3)) return value.toExponential().replace('e+', 'e').replace(/(\.\d)\d+/, '$1');
  return size >= 1e9 ? short(1e9, 'G') : size >= 1e6 ? short(1e6, 'M') : size >= 1e4 ? short(1e3, 'k') : String(Number(value.toPrecision(6)));
}

const showPercent = share => share === null || share === undefined ? '–' : isWild(share) ? show(share) : `${Number((100 * share).toPrecision(3))} %`;

function showDuration(seconds) {
  const s = Math.round(seconds);
  if (s < 100) return `${Number(seconds.toPrecision(3))} s`;
  const minutes = Math.floor(s / 60);
  return minutes < 100 ? `${minutes} min ${s % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time in ISO 8601, UTC, to the second. */
const showTime = time => typeof time === 'string' ? time.replace('T', ' ').replace(/(\.\d+)?(Z|\+00:00)$/, ' UTC') : undefined;

/** "LearningRateTooHigh" and "learningRate" in words. */
function inWords(name) {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An element with attributes and children; text becomes text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('aria-')) element.setAttribute(name, String(value));
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Replaces all but the heading of a section. */
function fill(section, ...children) {
  const heading = section.querySelector('h2');
  section.replaceChildren(...(heading ? [heading] : []), ...children);
}

const themeColors = new Map();

/** The colour that the style sheet gives a name, in the theme that is on. */
function color(name) {
  if (!themeColors.has(name)) themeColors.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return themeColors.get(name);
}

/** The place of the value nearest to x in a rising array; -1 in an empty one. */
function nearest(values, x) {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < x) low = middle + 1; else high = middle;
  }
  return low > 0 && x - values[low - 1] <= values[low] - x ? low - 1 : high < 0 ? -1 : low;
}

function median(values) {
  const sorted = values.filter(isFiniteNumber).sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[sorted.length >> 1];
}
