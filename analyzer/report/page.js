// The page: which session is shown, search and filter, keys, theme, printing.

const about = JSON.parse($('about').textContent);
const log = readLog($('log').textContent);
const explanations = about.findings;
let view = null;      // the SessionView on the page
let table = null;
let wanted = null;    // what the filters ask for; null: everything

// --- sessions ---

function show(session) {
  if (view && view.session === session) return;
  view = new SessionView(session, explanations);
  view.onChoose = (line) => remember(session, line);
  table.mark(session);
  if (wanted) view.ladder.filter(wanted);
  $('session').replaceChildren(view.element);
  remember(session, null);
}

// So that a link to the page can name a session and a line: page.html#20261121T094339.123456Z-000001/17
function remember(session, line) {
  const place = '#' + encodeURIComponent(session.id) + (line ? `/${line.record.seq}` : '');
  try {
    history.replaceState(null, '', place);
  } catch {
    // a page that may not: then there is no link
  }
}

function showRemembered() {
  const [id, seq] = location.hash.slice(1).split('/');
  const session = log.sessions.find((other) => encodeURIComponent(other.id) === id);
  if (!session) return false;
  show(session);
  const line = session.lines.find((other) => String(other.record.seq) === seq);
  if (line) view.go(line);
  return true;
}

// What went wrong is what somebody opens the page for.
function showFirst() {
  const worst = Math.max(...log.sessions.map((session) => session.worst));
  show(log.sessions.find((session) => session.worst === worst));
}

// --- search and filter ---

const SEARCH_DELAY_MS = 120;
let searching = 0;

function filterSoon() {
  clearTimeout(searching);
  searching = setTimeout(filter, SEARCH_DELAY_MS);
}

function filter() {
  clearTimeout(searching);
  const text = $('text').value.trim().toLowerCase();
  const kind = $('kind').value;
  const rank = Number($('severity').value);
  wanted = text || kind || rank ? {text, kind, rank} : null;
  $('clear').hidden = wanted === null;
  if (wanted === null) return filterNothing();
  const found = new Map();
  for (const session of log.sessions) {
    const count = session.lines.reduce((sum, line) => sum + (passes(line, wanted) ? 1 : 0), 0);
    if (count > 0) found.set(session, count);
  }
  table.limit(found);
  if (!found.has(view.session) && found.size > 0) show(table.order.find((session) => found.has(session)));
  const here = view.ladder.filter(wanted);
  highlight(text);
  const total = [...found.values()].reduce((sum, count) => sum + count, 0);
  $('found').textContent = total === 0 ? 'nothing found' :
    log.sessions.length === 1 ? `${many(here, 'line')} of ${view.session.lines.length}` :
    `${many(total, 'line')} in ${many(found.size, 'session')}; ${here} in this one`;
  if (view.current && !view.current.element.hidden) view.current.element.scrollIntoView({block: 'nearest'});
}

function filterNothing() {
  table.limit(null);
  view.ladder.filter(null);
  highlight('');
  $('found').textContent = '';
  if (view.current) view.current.element.scrollIntoView({block: 'center'});
}

// Marks what was searched for in the lines, where the browser can do that without changing them.
const HIGHLIGHTS_MAX = 2000;

function highlight(text) {
  if (!CSS.highlights) return;
  CSS.highlights.delete('search');
  if (!text) return;
  const ranges = [];
  for (const line of view.session.lines) {
    if (line.element.hidden) continue;
    const texts = document.createTreeWalker(line.element, NodeFilter.SHOW_TEXT);
    while (texts.nextNode() && ranges.length < HIGHLIGHTS_MAX) {
      const at = texts.currentNode.data.toLowerCase().indexOf(text);
      if (at < 0 || at + text.length > texts.currentNode.length) continue;
      const range = new Range();
      range.setStart(texts.currentNode, at);
      range.setEnd(texts.currentNode, at + text.length);
      ranges.push(range);
    }
  }
  CSS.highlights.set('search', new Highlight(...ranges));
}

function clearFilters() {
  $('text').value = '';
  $('kind').value = '';
  $('severity').value = '0';
  filter();
}

// --- keys ---

const hasFinding = (line) => line.findings.length > 0;

const KEYS = {
  j: () => view.move(1),
  k: () => view.move(-1),
  n: () => view.move(1, hasFinding),
  p: () => view.move(-1, hasFinding),
  g: () => view.end(-1),
  G: () => view.end(1),
  ']': () => beside(1),
  '[': () => beside(-1),
  '/': () => $('text').select(),
  '+': () => view.zoom(2.2),
  '=': () => view.zoom(2.2),
  '-': () => view.zoom(0.5),
  t: nextTheme,
  '?': () => $('help').showModal(),
  Escape: () => wanted && clearFilters(),
};
// Where the browser has a meaning of its own for the key: only when a line has the focus.
const LINE_KEYS = {
  ArrowDown: KEYS.j,
  ArrowUp: KEYS.k,
  Home: KEYS.g,
  End: KEYS.G,
  Enter: () => view.toggleRaw(),
};

function beside(step) {
  const session = table.beside(view.session, step);
  if (session) show(session);
}

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || $('help').open) return;
  const {target} = event;
  if (target === $('text') && event.key === 'Escape') {
    clearFilters();
    if (view.current) view.focus(view.current);
    else target.blur();
    return event.preventDefault();
  }
  if (target.closest('input, select, textarea')) return;
  const onLine = target.classList.contains('line');
  const action = KEYS[event.key] || (onLine ? LINE_KEYS[event.key] : null);
  if (!action) return;
  event.preventDefault();
  action();
}

// --- theme ---

const THEMES = ['system', 'light', 'dark'];

function nextTheme() {
  const root = document.documentElement;
  const now = root.dataset.theme || 'system';
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  root.dataset.theme = next;
  $('theme-name').textContent = next;
}

// --- start ---

function start() {
  $('title').append(wire(about.title, 'prose'));
  document.title = plain(about.title);
  $('totals').textContent = totalsText(log.sessions);
  $('notices').append(...logNotices(about, log.notes));
  $('theme').addEventListener('click', nextTheme);
  $('help-open').addEventListener('click', () => $('help').showModal());
  if (log.sessions.length === 0) {
    $('filters').hidden = true;
    $('sessions').hidden = true;
    return;
  }
  table = new SessionTable(log.sessions, show);
  $('text').addEventListener('input', filterSoon);
  for (const id of ['kind', 'severity']) $(id).addEventListener('change', filter);
  $('clear').addEventListener('click', clearFilters);
  document.addEventListener('keydown', pressed);
  addEventListener('hashchange', showRemembered);
  if (!showRemembered()) showFirst();
}

start();
