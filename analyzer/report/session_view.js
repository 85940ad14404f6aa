// One session: what it was, what was odd, its transfers, the overview, the diagram.

class SessionView {
  constructor(session, explanations) {
    this.session = session;
    this.current = null;
    this.ladder = new Ladder(session, explanations);
    this.timeline = new Timeline(session, (line) => this.go(line));
    this.tools = this.makeTools();
    const frame = h('div', {class: 'diagram'}, this.head(), this.ladder.element);
    frame.style.setProperty('--lanes', this.ladder.lanes);
    this.element = h('div', {class: session.proxy === null ? 'without-proxy' : ''}, this.title(), this.facts(), this.findings(), this.transfers(),
      h('h3', {}, 'Overview'), this.timeline.element, this.diagramTitle(), frame);
    this.ladder.element.addEventListener('click', (event) => this.clicked(event));
    this.ladder.element.addEventListener('focusin', (event) => this.choose(this.lineAt(event.target)));
    this.showScale();
    const first = session.lines[0];
    if (first) first.element.tabIndex = 0;
  }

  // --- what stands above the diagram ---

  title() {
    const {session} = this;
    const user = session.user === null ? [] : [wire(session.user), ' at '];
    return h('h2', {id: 'session-title'}, user, wire(endpointText(session.server)), ' ', h('span', {class: 'from'}, 'from ', wire(endpointText(session.client))));
  }

  facts() {
    const {session} = this;
    const {end} = session;
    const facts = [['Start', `${date(session.start)} ${clock(session.start, 6)} UTC`], ['Duration', humanDuration(session.duration)]];
    if (session.proxy) facts.push(['Proxy', session.proxy]);
    if (session.connected) facts.push(['Server', session.connected.server]);
    if (end) {
      facts.push(['Dialogue', `${many(end.commands, 'command')}, ${many(end.replies, 'reply', 'replies')}`]);
      facts.push(['End', `${end.by === null ? '' : end.by + ', '}${END_WORDS[end.how] || end.how}`]);
    } else {
      facts.push(['End', 'not in the log']);
    }
    facts.push(['Payload', `${humanBytes(session.down)} down, ${humanBytes(session.up)} up`]);
    if (session.opened && session.opened.lines) facts.push(['Posture', `lines ${session.opened.lines}, TLS ${session.opened.tls}`]);
    facts.push(['Session', session.id]);
    return h('dl', {class: 'facts'}, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, wire(String(value))))));
  }

  findings() {
    const lines = this.session.lines.filter((line) => line.findings.length);
    const entries = lines.flatMap((line) => line.findings.map((finding) => ({line, finding})));
    if (entries.length === 0) {
      const good = this.session.failed === 0;
      return h('p', {class: good ? 'healthy' : 'from'}, good ? 'Nothing odd was found in this session.' : 'There are no findings for this session.');
    }
    entries.sort((a, b) => (RANK[b.finding.severity] || 1) - (RANK[a.finding.severity] || 1) || a.line.index - b.line.index);
    const items = entries.map((entry) => this.findingItem(entry));
    const rest = items.length > 12 ? items.splice(8) : [];
    return h('div', {class: 'findings'}, h('h3', {}, many(entries.length, 'finding'), ' '), h('ul', {}, items),
      rest.length ? folded([h('ul', {}, rest)], `${rest.length} more`) : null);
  }

  findingItem({line, finding}) {
    const detail = finding.detail !== undefined && finding.detail !== '' ? [': ', wire(finding.detail)] : [];
    const button = h('button', {type: 'button', class: 'jump', 'data-line': line.index}, badge(RANK[finding.severity] ? finding.severity : 'note'), ' ',
      h('time', {}, clock(line.time, 3)), ' ', h('span', {}, wire(String(finding.title ?? finding.finding), 'prose'), detail));
    button.addEventListener('click', () => this.go(line));
    return h('li', {}, button);
  }

  transfers() {
    const closed = this.session.lines.filter((line) => line.kind === 'closed' || line.kind === 'still-open');
    if (closed.length === 0) return null;
    const head = ['', 'Command', 'Direction', 'Bytes', 'Time', 'Rate', 'How it ended'];
    const rows = closed.map((line) => this.transferRow(line));
    const table = (list) => h('table', {class: 'transfers'}, h('thead', {}, h('tr', {}, head.map((name, i) => h('th', {scope: 'col', class: isNumber(i) ? 'number' : ''}, name)))), h('tbody', {}, list));
    const rest = rows.length > 12 ? rows.splice(8) : [];
    return h('div', {}, h('h3', {}, 'Data connections'), h('div', {class: 'table-frame'}, table(rows)),
      rest.length ? folded([h('div', {class: 'table-frame'}, table(rest))], `${rest.length} more`) : null);
  }

  transferRow(line) {
    const data = line.record;
    const command = this.session.lines.find((other) => other.kind === 'command' && other.record.id === data.to);
    const button = h('button', {type: 'button', class: 'jump'}, `data ${data.id}`);
    button.addEventListener('click', () => this.go(line));
    const cells = [button, command ? wire(verbAndArgument(command.record)) : '\u2013', data.direction || '\u2013', humanBytes(data.bytes),
      isCount(data.duration_us) ? humanDuration(data.duration_us) : '\u2013', isCount(data.rate) ? humanRate(data.rate) : '\u2013',
      closing(data) + strangers(data) + missing(data)];
    return h('tr', {class: isFailure(data) ? 'failed' : ''}, cells.map((cell, i) => h('td', {class: isNumber(i) ? 'number' : ''}, cell)));
  }

  diagramTitle() {
    const zoom = (text, factor, title) => {
      const button = h('button', {type: 'button', class: 'plain small', title, 'aria-label': title}, text);
      button.addEventListener('click', () => this.zoom(factor));
      return button;
    };
    this.scaleText = h('span', {class: 'scale'});
    return h('div', {class: 'diagram-title'}, h('h3', {}, 'Dialogue'), h('div', {class: 'zoom'}, this.scaleText,
      zoom('\u2212', 0.5, 'Shrink the time axis (-)'), zoom('+', 2.2, 'Stretch the time axis (+)')));
  }

  head() {
    const {session} = this;
    const party = (name, address) => h('div', {class: 'party ' + name.toLowerCase()}, h('b', {}, name), ' ', wire(endpointText(address)));
    const parties = [party('Client', session.client)];
    if (session.proxy !== null) parties.push(party('Proxy', session.proxy || '?'));
    parties.push(party('Server', session.connected && session.proxy !== null ? session.connected.server : session.server));
    return h('div', {class: 'ladder-head', 'aria-hidden': 'true'}, h('div', {class: 'when'}, 'UTC'), h('div', {class: 'parties'}, parties),
      this.ladder.lanes ? h('div', {class: 'lanes-head'}, 'Data') : null);
  }

  // --- scale ---

  zoom(factor) {
    const {current} = this;
    this.ladder.zoom(factor);
    this.showScale();
    if (current) current.element.scrollIntoView({block: 'center'});
  }

  showScale() {
    this.scaleText.textContent = `time axis: 1 cm is ${round(this.ladder.scale * 1000)}`;
  }

  // --- lines ---

  lineAt(element) {
    const row = element instanceof Element ? element.closest('.line') : null;
    return row ? this.session.lines[Number(row.dataset.index)] : null;
  }

  clicked(event) {
    const line = this.lineAt(event.target);
    if (line && !event.target.closest('button')) this.focus(line);
  }

  choose(line) {
    if (!line || line === this.current) return;
    if (this.current) {
      this.current.element.classList.remove('current');
      this.current.element.tabIndex = -1;
    } else if (this.session.lines[0]) {
      this.session.lines[0].element.tabIndex = -1;
    }
    this.current = line;
    line.element.classList.add('current');
    line.element.tabIndex = 0;
    line.element.append(this.tools);
    this.rawButton.setAttribute('aria-expanded', String(Boolean(line.raw)));
    this.timeline.point(line);
    this.onChoose(line);
  }

  onChoose() {}

  focus(line) {
    line.element.focus({preventScroll: true});
    this.choose(line);
  }

  // To a line from anywhere: it is shown even if the filter would hide it.
  go(line) {
    line.element.hidden = false;
    this.ladder.reserve();
    this.focus(line);
    const show = () => line.element.scrollIntoView({block: 'center'});
    show();
    requestAnimationFrame(show);  // blocks above may have got their real height
  }

  step(line) {
    this.focus(line);
    line.element.scrollIntoView({block: 'nearest'});
  }

  // The next line that is shown and passes `wanted`; step -1: the one before.
  move(step, wanted = () => true) {
    const {lines} = this.session;
    let index = this.current ? this.current.index + step : step > 0 ? 0 : lines.length - 1;
    while (lines[index] && (lines[index].element.hidden || !wanted(lines[index]))) index += step;
    if (lines[index]) this.step(lines[index]);
    return Boolean(lines[index]);
  }

  end(step) {
    const shown = this.session.lines.filter((line) => !line.element.hidden);
    if (shown.length) this.step(step > 0 ? shown[shown.length - 1] : shown[0]);
  }

  // --- raw bytes ---

  makeTools() {
    this.rawButton = h('button', {type: 'button', class: 'plain small', title: 'The bytes of this line and its record (Enter)'}, 'Bytes');
    this.rawButton.addEventListener('click', () => this.toggleRaw());
    return h('div', {class: 'line-tools'}, this.rawButton);
  }

  toggleRaw() {
    const line = this.current;
    if (!line) return;
    if (line.raw) {
      line.raw.remove();
      line.raw = null;
    } else {
      line.raw = rawPanel(line);
      line.element.querySelector('.what').append(line.raw);
    }
    this.rawButton.setAttribute('aria-expanded', String(Boolean(line.raw)));
  }
}

const isNumber = (column) => column >= 3 && column <= 5;  // of the table of transfers

// The bytes of a line as they were on the wire, where the log has them.
function rawParts(line) {
  const {record} = line;
  const parts = [];
  if (line.kind === 'command') {
    if (record.redacted) parts.push(['The log does not have the bytes: they were hidden when it was written.', null]);
    else parts.push([record.by === 'proxy' ? 'From the proxy' : 'From the client', bytesOf(isBytes(record.line) ? record.line : {base64: btoa(lineBytes(record))})]);
  } else if (line.kind === 'reply' || line.kind === 'reply_part') {
    const ends = {crlf: '\r\n', lf: '\n', none: ''};
    const bytes = linesOf(record).flatMap((text, i) => [...bytesOf(text), ...bytesOf(ends[record.endings ? record.endings[i] : 'crlf'] ?? '\r\n')]);
    parts.push([record.by === 'proxy' ? 'From the proxy' : 'From the server', Uint8Array.from(bytes)]);
    if (record.redacted) parts.push(['A hidden word was masked in it when the log was written.', null]);
  }
  for (const rewrite of line.rewrites) {
    parts.push(['Changed, before', bytesOf(rewrite.before)], ['Changed, after', bytesOf(rewrite.after)]);
  }
  return parts;
}

const binary = (value) => Array.from(bytesOf(value), (byte) => String.fromCharCode(byte)).join('');

const lineBytes = (command) => binary(command.verb) + (isBytes(command.argument) ? ' ' + binary(command.argument) : '') + '\r\n';

function rawPanel(line) {
  const parts = rawParts(line).map(([title, bytes]) =>
    bytes === null ? h('p', {}, title) : [h('p', {}, `${title}: ${many(bytes.length, 'byte')}`), h('pre', {tabindex: 0}, textNode(hexDump(bytes)))]);
  const records = [line.record, ...line.rewrites, ...line.findings].filter((record, i, all) => all.indexOf(record) === i);
  const text = records.map((record) => jsonOf(record, 1).replace(/\n */g, ' ')).join('\n');
  return h('div', {class: 'raw'}, parts, h('p', {}, records.length === 1 ? 'The record' : 'The records'), h('pre', {class: 'record', tabindex: 0}, textNode(plainLines(text))));
}

// Escapes all but the line ends.
const plainLines = (text) => text.split('\n').map(plain).join('\n');
