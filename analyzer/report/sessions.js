// The table of sessions, and what is to be said about the log as a whole.

const endpointText = (value) => (value === null || value === undefined ? '?' : String(value));

const COLUMNS = [
  {name: 'Start (UTC)', key: (s) => s.start, show: (s) => clock(s.start, 3), title: (s) => `${date(s.start)} ${s.id}`},
  {name: 'Client', key: (s) => endpointText(s.client), show: (s) => wire(endpointText(s.client))},
  {name: 'Server', key: (s) => endpointText(s.server), show: (s) => wire(endpointText(s.server))},
  {name: 'User', key: (s) => (s.user === null ? '' : plain(s.user)), show: (s) => (s.user === null ? '\u2013' : wire(s.user))},
  {name: 'Duration', number: true, key: (s) => s.duration, show: (s) => humanDuration(s.duration)},
  {name: 'Transfers', number: true, key: (s) => s.transfers, show: (s) => transfersText(s)},
  {name: 'Down', number: true, key: (s) => s.down, show: (s) => humanBytes(s.down), title: () => 'payload to the client'},
  {name: 'Up', number: true, key: (s) => s.up, show: (s) => humanBytes(s.up), title: () => 'payload to the server'},
  {name: 'Findings', key: (s) => s.worst * 1e6 + s.counts[s.worst], show: (s) => countBadges(s.counts)},
];

function transfersText(session) {
  if (!session.failed) return String(session.transfers);
  return [`${session.transfers} `, h('span', {class: 'failed'}, `(${session.failed} failed)`)];
}

function countBadges(counts) {
  const shown = [3, 2, 1].filter((rank) => counts[rank] > 0);
  if (shown.length === 0) return h('span', {class: 'nothing'}, 'none');
  return shown.map((rank) => badge(SEVERITIES[rank], counts[rank] === 1 ? SEVERITIES[rank] : `${counts[rank]} ${SEVERITIES[rank]}s`));
}

const ROWS_SHOWN = 400;  // of sessions; more on demand: each costs the browser as much as a line does

class SessionTable {
  constructor(sessions, pick) {
    this.sessions = sessions;
    this.pick = pick;
    this.rows = new Map();      // of those that have been shown
    this.limited = null;        // a set of sessions; null: all
    this.most = ROWS_SHOWN;
    this.marked = null;
    this.sorted = {column: COLUMNS[0], down: false};
    this.heads = COLUMNS.map((column) => this.head(column));
    $('session-head').append(...this.heads);
    this.sort();
  }

  head(column) {
    const button = h('button', {type: 'button', class: 'sort'}, column.name);
    button.addEventListener('click', () => {
      const again = this.sorted.column === column;
      this.sorted = {column, down: again ? !this.sorted.down : column.name === 'Findings'};
      this.sort();
    });
    return h('th', {scope: 'col', class: column.number ? 'number' : ''}, button);
  }

  rowOf(session) {
    if (!this.rows.has(session)) this.rows.set(session, this.row(session));
    return this.rows.get(session);
  }

  row(session) {
    const cells = COLUMNS.map((column, i) => {
      const title = column.title ? column.title(session) : null;
      const shown = column.show(session);
      const content = i === 0 ? h('button', {type: 'button', class: 'pick'}, shown) : shown;
      return h('td', {class: column.number ? 'number' : '', title}, content);
    });
    const row = h('tr', {'data-session': session.id}, cells);
    row.addEventListener('click', () => this.pick(session));
    return row;
  }

  sort() {
    const {column, down} = this.sorted;
    const order = (a, b) => {
      const [x, y] = [column.key(a), column.key(b)];
      return x < y ? -1 : x > y ? 1 : 0;
    };
    this.order = [...this.sessions].sort(order);
    if (down) this.order.reverse();
    COLUMNS.forEach((other, i) => {
      this.heads[i].setAttribute('aria-sort', other === column ? (down ? 'descending' : 'ascending') : 'none');
    });
    this.show();
  }

  show() {
    const listed = this.listed();
    const rows = listed.slice(0, this.most).map((session) => this.rowOf(session));
    if (listed.length > this.most) rows.push(this.moreRow(listed.length - this.most));
    $('session-rows').replaceChildren(...rows);
  }

  moreRow(count) {
    const button = h('button', {type: 'button', class: 'plain small'}, `${many(count, 'session')} more`);
    button.addEventListener('click', () => {
      this.most = Infinity;
      this.show();
    });
    return h('tr', {class: 'more-rows'}, h('td', {colspan: COLUMNS.length}, button));
  }

  listed() {
    return this.limited ? this.order.filter((session) => this.limited.has(session)) : this.order;
  }

  // Only these; all of them: null.
  limit(sessions) {
    this.limited = sessions;
    this.show();
  }

  mark(session) {
    if (this.marked) this.rowOf(this.marked).removeAttribute('aria-current');
    this.marked = session;
    const row = this.rowOf(session);
    row.setAttribute('aria-current', 'true');
    if (!row.isConnected) return;
    const frame = $('sessions-frame');
    if (row.offsetTop < frame.scrollTop + 40 || row.offsetTop + row.offsetHeight > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
    }
  }

  // The next one that is listed; -1: the one before.
  beside(session, step) {
    const listed = this.listed();
    return listed[listed.indexOf(session) + step] || null;
  }
}

// --- the log as a whole ---

const NOTES_SHOWN = 200;

function totalsText(sessions) {
  const sum = (key) => sessions.reduce((total, session) => total + session[key], 0);
  if (sessions.length === 0) return 'no sessions';
  const start = Math.min(...sessions.map((session) => session.start));
  const transfers = sum('transfers');
  const parts = [many(sessions.length, 'session'), many(transfers, 'data connection') + (sum('failed') ? `, ${sum('failed')} of them failed` : ''),
    `${humanBytes(sum('down'))} down, ${humanBytes(sum('up'))} up`, `from ${date(start)} ${clock(start, 0)} UTC`];
  return parts.join(' \u00b7 ');
}

function notice(className, ...children) {
  return h('div', {class: `notice ${className}`}, children);
}

function badLines(about) {
  const notices = [];
  const torn = about.torn ? 1 : 0;
  if (torn) notices.push(notice('', h('p', {}, 'The last line of the log is torn: its writer was stopped while it wrote. All before it is here.')));
  if (about.bad_count > torn) {
    const count = about.bad_count - torn;
    const rows = about.bad.map(({line, text}) => h('div', {}, `line ${line}: `, wire(text)));
    if (about.bad_count > about.bad.length) rows.push(h('div', {}, `and ${about.bad_count - about.bad.length} more`));
    notices.push(notice('warning', h('p', {}, `${many(count, 'line')} of the log ${count === 1 ? 'is' : 'are'} no record, and left out.`), folded(rows, 'Show them')));
  }
  return notices;
}

function captureText(record) {
  const facts = [many(record.packets, 'packet'), humanBytes(record.bytes), many(record.flows, 'TCP connection'), many(record.sessions, 'FTP session')];
  if (record.skipped > 0) facts.push(`${many(record.skipped, 'packet')} skipped`);
  return `The capture: ${facts.join(', ')}.`;
}

function noteText(record) {
  switch (record.kind) {
    case 'lost': return `${many(record.records_lost, 'record')} could not be written to the log (${clock(timeOf(record.ts), 3)}).`;
    case 'capture': return isCount(record.packets) && isCount(record.flows) && isCount(record.sessions) ? captureText(record) : jsonOf(record);
    case 'damage': return `Damage at packet ${record.packet}, offset ${record.offset}: ${plain(record.what ?? '')}`;
    default: return jsonOf(record);
  }
}

function logNotices(about, notes) {
  const shown = notes.slice(0, NOTES_SHOWN).map((record) => {
    if (record.kind !== 'finding') return h('p', {}, wire(noteText(record)));
    return findingCard(record, Object.hasOwn(about.findings, String(record.finding)) ? about.findings[record.finding] : {}).element;
  });
  const bad = notes.some((record) => record.kind !== 'capture');
  const notices = badLines(about);
  if (notes.length > NOTES_SHOWN) shown.push(h('p', {}, `and ${notes.length - NOTES_SHOWN} more`));
  if (shown.length > 3) notices.push(notice(bad ? 'warning' : '', shown[0], folded(shown.slice(1), `${shown.length - 1} more`)));
  else if (shown.length) notices.push(notice(bad ? 'warning' : '', shown));
  return notices;
}
