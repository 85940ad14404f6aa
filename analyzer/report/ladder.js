// The sequence diagram: a row for each line of a session, time running down, data connections as
// lanes at the right.
//
// Time is to scale by each row's least height: the time until the next line, in pixels. Where the
// text needs more, the axis is dotted; where a silence would need too much, it is cut short and its
// length is written. Rows are ordinary elements in the flow, in blocks that the browser lays out
// only when they come near (content-visibility): so scrolling is quick with 10,000 of them, and
// printing and the browser's own search still see every line.

const BLOCK = 100;          // rows
const CENTIMETRE = 37.8;    // in pixels, by CSS
const ROW = 25;             // least height of a row, pixels; page.css has the same
const ROOMY = 42;           // from this height on, the time to the next line is written
const LONGEST = 180;        // more pixels than that are a silence
const SHORTENED = 64;       // and get so many
const LANES = 6;            // lanes of data connections; more share them
const LINES_SHOWN = 8;      // of a reply; the rest on demand, and on paper

class Ladder {
  constructor(session, explanations) {
    this.session = session;
    this.explanations = explanations;
    this.lines = session.lines;
    this.many = session.counts.reduce((sum, count) => sum + count, 0) > 12;
    this.open = new Map();  // channel -> {lane, phase}: what runs while the rows are made
    this.lanes = Math.min(LANES, this.lanesNeeded());
    this.scale = this.fittingScale();
    this.element = h('div', {class: 'ladder' + (session.proxy === null ? ' without-proxy' : ''), role: 'list',
      'aria-label': 'The lines of the session, in the order of time'});
    this.element.style.setProperty('--lanes', this.lanes);
    this.blocks = [];
    for (let from = 0; from < this.lines.length; from += BLOCK) this.addBlock(this.lines.slice(from, from + BLOCK));
    this.stretch();
  }

  addBlock(lines) {
    const element = h('div', {class: 'block', role: 'presentation'}, lines.map((line) => this.row(line)));
    this.blocks.push({element, lines});
    this.element.append(element);
  }

  // --- time ---

  lanesNeeded() {
    let open = 0;
    let most = 0;
    for (const line of this.lines) {
      if (line.kind === 'exposed' || (line.kind === 'opened' && !this.seen(line))) most = Math.max(most, ++open);
      if (line.kind === 'closed') open = Math.max(0, open - 1);
    }
    return most;
  }

  seen(line) {
    const channel = this.session.channels.get(line.channel);
    return channel && (channel.exposed || (channel.data && channel.data.exposed));
  }

  // Milliseconds a centimetre, so that most times between two lines are more than a row is high.
  fittingScale() {
    const steps = this.lines.slice(1).map((line, i) => line.time - this.lines[i].time).filter((step) => step > 0);
    steps.sort((a, b) => a - b);
    const usual = steps.length ? steps[Math.floor(steps.length * 0.4)] / 1000 : 1;
    return rounded((usual * CENTIMETRE) / ROW);
  }

  // Gives every row its height for the scale.
  stretch() {
    this.lines.forEach((line, i) => {
      const next = this.lines[i + 1];
      const time = next ? Math.max(0, next.time - line.time) : 0;
      const wanted = (time / 1000 / this.scale) * CENTIMETRE;
      const silent = wanted > LONGEST;
      const row = line.element;
      line.height = Math.max(line.least, silent ? line.least + SHORTENED : wanted);
      row.style.minHeight = silent || wanted <= ROW ? '' : `${wanted}px`;
      row.classList.toggle('to-scale', !silent && wanted >= line.least);
      row.classList.toggle('silent', silent);
      row.classList.toggle('roomy', !silent && line.height >= ROOMY);
      const mark = row.querySelector('.silence');
      if (mark) mark.remove();
      if (silent) row.append(h('div', {class: 'silence'}, `${humanDuration(time)} without a line`));
    });
    this.reserve();
  }

  // How high the blocks are that have not been laid out yet.
  reserve() {
    for (const {element, lines} of this.blocks) {
      const shown = lines.filter((line) => !line.element.hidden);
      const height = shown.reduce((sum, line) => sum + (this.filtered ? line.least : line.height), 0);
      element.hidden = shown.length === 0;
      element.style.containIntrinsicBlockSize = `auto ${Math.ceil(height)}px`;
    }
  }

  zoom(factor) {
    this.scale = rounded(this.scale / factor);
    this.stretch();
  }

  // Shows only the lines that pass. How many.
  filter(wanted) {
    this.filtered = wanted !== null;
    let shown = 0;
    for (const line of this.lines) {
      line.element.hidden = this.filtered && !passes(line, wanted);
      if (!line.element.hidden) ++shown;
    }
    this.element.classList.toggle('filtered', this.filtered);
    this.reserve();
    return shown;
  }

  // --- a row ---

  row(line) {
    let content;
    try {
      content = this.content(line);
    } catch {
      content = this.asItIs(line);
    }
    line.least = ROW + content.more * 19 + line.findings.length * 70;
    line.element = h('div', {class: `line ${line.kind} ${content.className || ''}`, role: 'listitem', tabindex: -1, 'data-index': line.index},
      h('div', {class: 'when'}, h('time', {}, clock(line.time, 6)), this.until(line)),
      h('div', {class: 'what'}, content.children, line.findings.map((finding) => this.finding(finding))),
      this.lane(line));
    return line.element;
  }

  // How long it is to the next line; shown where there is room for it.
  until(line) {
    const next = this.lines[line.index + 1];
    return next && next.time > line.time ? h('span', {class: 'until'}, '\u2193 ' + humanDuration(next.time - line.time)) : null;
  }

  // {children, className, more: rows of text beyond the first}
  content(line) {
    switch (line.kind) {
      case 'command': return this.command(line);
      case 'reply':
      case 'reply_part': return this.reply(line);
      case 'rewrite': return this.lonelyRewrite(line);
      case 'finding': return {children: [], more: 0};
      case 'missing': return event(`${many(line.count, 'record')} missing here`, 'bad');
      default: break;
    }
    const text = EVENTS[line.kind] && EVENTS[line.kind](line.record, this.session);
    return text ? text : this.asItIs(line);
  }

  asItIs(line) {
    const text = jsonOf(line.record);
    return {children: [h('div', {class: 'text event'}, h('span', {class: 'tag'}, 'record'), ' ', wire(text.slice(0, 4000)))], more: Math.floor(text.length / 90)};
  }

  command(line) {
    const {record} = line;
    const text = [wire(record.verb, 'verb')];
    if (isBytes(record.argument)) text.push(' ', wire(record.argument, record.redacted ? 'hidden-text' : ''));
    if (record.known === false) text.push(' ', h('span', {class: 'tag'}, 'unknown verb'));
    if (record.by === 'proxy') text.push(' ', h('span', {class: 'tag'}, 'by the proxy'));
    if (record.urgent) text.push(' ', h('span', {class: 'tag'}, 'urgent'));
    if (line.stopped) text.push(' ', h('span', {class: 'tag'}, 'answered by the proxy'));
    if (line.rewrites.length) return this.changed(line, 'right', text);
    const stopped = line.stopped && this.session.proxy !== null;
    return {children: [arrow('right', stopped ? 'left' : 'full'), says('Client: ', text, stopped ? 'half' : '')], more: 0};
  }

  reply(line) {
    const {record} = line;
    const all = linesOf(record);
    const endings = Array.isArray(record.endings) ? record.endings : [];
    const shown = all.map((text, i) => h('div', {}, i === 0 ? codeAndText(record.code, text) : wire(text), ending(endings[i])));
    const rest = shown.length > LINES_SHOWN + 2 ? shown.splice(LINES_SHOWN) : [];
    const notes = [];
    if (line.kind === 'reply_part') notes.push(h('span', {class: 'tag'}, 'sent on before it was whole'));
    if (record.by === 'proxy' && this.session.proxy !== null) notes.push(h('span', {class: 'tag'}, 'by the proxy'));
    if (record.for === 'proxy') notes.push(h('span', {class: 'tag'}, 'for the proxy'));
    if (record.to === null) notes.push(h('span', {class: 'tag'}, 'to no command'));
    if (isCount(record.latency_us)) notes.push(h('span', {class: 'latency', title: `after ${plain(record.verb ?? '')}`}, humanDuration(record.latency_us)));
    (shown[0] || h('div')).append(...notes.flatMap((note) => [' ', note]));
    if (line.rewrites.length) return this.changed(line, 'left', shown);
    const more = rest.length ? [folded(rest, `${rest.length} lines more`)] : [];
    const half = record.by === 'proxy' && this.session.proxy !== null;
    return {children: [arrow('left', half ? 'left' : 'full'), says(half ? 'Proxy: ' : 'Server: ', [...shown, ...more], half ? 'half' : '')],
      className: replyClass(record.code), more: shown.length - 1 + more.length};
  }

  // Both forms of a line, each on the side that saw it.
  changed(line, direction, original) {
    const last = line.rewrites[line.rewrites.length - 1];
    const [before, after] = [line.rewrites[0].before, last.after];
    const sent = rewritten(after, before);
    const same = before !== after && !differsInText(before, after);  // but for line ends
    const had = same && line.rewrites.length === 1 ? rewritten(before, after) : original;
    const [left, right] = direction === 'right' ? [had, sent] : [sent, had];
    const reasons = [...new Set(line.rewrites.map((rewrite) => String(rewrite.why)))].join('; ');
    return {
      className: 'changed ' + (direction === 'left' ? replyClass(line.record.code) : ''),
      children: [
        h('div', {class: 'halves'},
          h('div', {}, arrow(direction, 'full'), says(direction === 'right' ? 'Client: ' : 'Client sees: ', left, '')),
          h('div', {}, arrow(direction, 'full'), says(direction === 'right' ? 'Server sees: ' : 'Server: ', right, ''))),
        h('div', {class: 'why'}, 'changed: ' + reasons)],
      more: 1 + Math.max(left.length, right.length) - 1,
    };
  }

  lonelyRewrite(line) {
    const {record} = line;
    return {children: [h('div', {class: 'text event'}, h('span', {class: 'tag'}, 'changed'), ' ', wire(record.before), ' to ', wire(record.after),
      ` (${String(record.why)})`)], more: 0};
  }

  finding(record) {
    const row = Object.hasOwn(this.explanations, String(record.finding)) ? this.explanations[record.finding] : {};
    const element = findingCard(record, row);
    const closed = this.many || record.severity === 'note';
    if (closed) element.fold();
    return element.element;
  }

  // --- data connections ---

  lane(line) {
    if (this.lanes === 0) return null;
    const before = new Map([...this.open].map(([id, {lane, phase}]) => [id, {lane, was: phase, is: phase}]));
    this.move(line, before);
    for (const [id, {lane, is}] of before) {
      if (is) this.open.set(id, {lane, phase: is});
      else this.open.delete(id);
    }
    const bars = [...before].map(([id, {lane, was, is}]) => {
      const element = h('i', {class: 'lane', 'data-was': was || '', 'data-is': is || '', 'data-channel': id, title: `data connection ${id}`});
      element.style.gridColumn = lane + 1;
      if (line.channel === id && line.kind === 'burst') element.classList.add('burst');
      if (line.channel === id && !is) element.classList.add(line.kind === 'closed' && isFailure(line.record) ? 'broken' : 'clean');
      return element;
    });
    return h('div', {class: 'lanes'}, bars);
  }

  move(line, bars) {
    const phase = PHASES[line.kind];
    if (phase === undefined || line.channel === null) return;
    if (!bars.has(line.channel)) {
      if (!phase) return;
      const used = new Set([...bars.values()].map(({lane}) => lane));
      const free = Array.from({length: this.lanes}, (_, i) => i).find((i) => !used.has(i));
      bars.set(line.channel, {lane: free ?? this.lanes - 1, was: '', is: phase});
      return;
    }
    bars.get(line.channel).is = phase;
  }
}

// What a data connection is after such a line; '': gone.
const PHASES = {exposed: 'waiting', opened: 'connected', first: 'moving', last: 'connected', burst: 'connected', closed: '', 'still-open': ''};

// 1, 2, 5, 10, 20, ...
function rounded(value) {
  const power = 10 ** Math.floor(Math.log10(Math.min(1e6, Math.max(1e-6, value))));
  const step = value / power;
  return power * (step < 1.5 ? 1 : step < 3.5 ? 2 : step < 7.5 ? 5 : 10);
}

function arrow(direction, span) {
  return h('div', {class: `arrow to-${direction} over-${span}`});
}

function says(who, children, className) {
  return h('div', {class: `text ${className}`}, h('span', {class: 'unseen'}, who), children);
}

function event(text, className) {
  return {children: [h('div', {class: 'text event'}, text)], className, more: 0};
}

const replyClass = (code) => (isCount(code) ? `code-${Math.min(6, Math.floor(code / 100))}` : 'code-0');

function codeAndText(code, text) {
  if (typeof text !== 'string' || !/^\d{3}/.test(text)) return wire(text);
  return [h('b', {class: 'code'}, text.slice(0, 3)), wire(text.slice(3))];
}

function ending(name) {
  if (!name || name === 'crlf') return null;
  return h('span', {class: 'escape'}, name === 'lf' ? '\\n' : name === 'none' ? '(no line end)' : String(name));
}

// Hidden, but found by the browser's search and printed.
function folded(children, label) {
  const rest = h('div', {class: 'folded', hidden: 'until-found'}, children);
  const button = h('button', {type: 'button', class: 'plain small', 'aria-expanded': 'false'}, label);
  const show = (open) => {
    if (open) rest.removeAttribute('hidden');
    else rest.setAttribute('hidden', 'until-found');
    button.setAttribute('aria-expanded', String(open));
  };
  button.addEventListener('click', () => show(rest.hasAttribute('hidden')));
  rest.addEventListener('beforematch', () => show(true));
  return h('div', {class: 'fold'}, button, rest);
}

// --- rewrites ---

const withoutEnd = (text) => text.replace(/\r?\n$/, '');

function differsInText(before, after) {
  return typeof before !== 'string' || typeof after !== 'string' ||
    before.split(/\r?\n/).join('\n') !== after.split(/\r?\n/).join('\n');
}

// The lines of `text`, with what is not in `other` marked. Line ends are shown if they are all that differs.
function rewritten(text, other) {
  if (typeof text !== 'string' || typeof other !== 'string') return [h('div', {}, wire(text))];
  if (!differsInText(text, other)) {
    return text.split(/(?<=\n)/).map((line) => h('div', {}, wire(withoutEnd(line)), h('span', {class: 'escape changed-text'}, escapeOf(line.slice(withoutEnd(line).length)))));
  }
  const [mine, its] = [withoutEnd(text), withoutEnd(other)];
  let start = 0;
  while (start < mine.length && mine[start] === its[start]) ++start;
  let end = 0;
  while (end < Math.min(mine.length, its.length) - start && mine[mine.length - 1 - end] === its[its.length - 1 - end]) ++end;
  // Whole numbers: "(10,0,0,5" and "(10,0,0,7" differ in a number, not in a digit.
  while (start > 0 && /\w/.test(mine[start - 1])) --start;
  while (end > 0 && /\w/.test(mine[mine.length - end])) --end;
  const middle = mine.slice(start, mine.length - end);
  return [h('div', {}, wirePart(mine.slice(0, start)),
    middle ? h('span', {class: 'changed-text'}, end > 0 ? wirePart(middle) : wire(middle)) : null, wire(mine.slice(mine.length - end)))];
}

// --- findings ---

function findingCard(record, row) {
  const severity = RANK[record.severity] ? record.severity : 'note';
  const explanation = h('div', {class: 'explanation'},
    row.seen ? h('p', {}, h('b', {}, 'How it is seen: '), row.seen) : null,
    row.remedy ? h('p', {}, h('b', {}, 'What to do: '), row.remedy) : null,
    h('p', {class: 'origin'}, h('b', {}, 'Source: '), String(record.source ?? row.source ?? '?')));
  const button = h('button', {type: 'button', class: 'plain small explain', 'aria-expanded': 'true'}, 'Explanation');
  const show = (open) => {
    if (open) explanation.removeAttribute('hidden');
    else explanation.setAttribute('hidden', 'until-found');
    button.setAttribute('aria-expanded', String(open));
  };
  button.addEventListener('click', () => show(explanation.hasAttribute('hidden')));
  explanation.addEventListener('beforematch', () => show(true));
  const detail = record.detail !== undefined && record.detail !== '' ? h('p', {class: 'detail'}, wire(record.detail)) : null;
  const element = h('div', {class: `finding ${severity}`},
    h('p', {class: 'finding-head'}, badge(severity), ' ', h('strong', {}, wire(String(record.title ?? row.title ?? ''), 'prose')), ' ', button),
    detail,
    h('p', {class: 'finding-facts'}, h('code', {}, wire(String(record.finding))), ' \u00b7 blame: ', h('b', {}, wire(String(record.blame ?? row.blame ?? '?'))),
      isCount(record.to) && record.to > 0 ? ` \u00b7 command ${record.to}` : ''),
    explanation);
  return {element, fold: () => show(false)};
}

const MARKS = {error: '\u00d7', warning: '!', note: 'i'};

function badge(severity, text) {
  return h('span', {class: `badge ${severity}`}, h('span', {class: 'mark', 'aria-hidden': 'true'}, MARKS[severity] || ''), text ?? severity);
}
