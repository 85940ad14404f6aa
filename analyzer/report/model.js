// From records to what is shown: sessions with their totals, and the lines of a session with what
// belongs to each (rewrites, findings). Knows nothing of the document.
//
// Records come from a file that anybody may have written: no field is trusted to be there or to be
// of its type. A record that makes no sense becomes a line that shows it as it is.

const RANK = {note: 1, warning: 2, error: 3};
const SEVERITIES = ['', 'note', 'warning', 'error'];
// Records of the process or of the capture as a whole; README.md "lost".
const NO_SESSIONS = ['ftpscope', 'capture'];

// {sessions: [Session], notes: [record]} of the log's lines.
function readLog(text) {
  const sessions = new Map();
  const notes = [];
  for (const record of recordsOf(text)) {
    if (NO_SESSIONS.includes(record.session)) {
      notes.push(record);
      continue;
    }
    let session = sessions.get(record.session);
    if (!session) sessions.set(record.session, (session = new Session(record.session)));
    session.add(record);
  }
  for (const session of sessions.values()) session.sum();
  return {sessions: [...sessions.values()], notes};
}

function recordsOf(text) {
  const lines = text.split('\n').filter((line) => line !== '');
  try {
    return JSON.parse('[' + lines.join(',') + ']');  // several times faster than one by one
  } catch {
    return lines.map((line) => JSON.parse(line));
  }
}

class Session {
  constructor(id) {
    this.id = id;
    this.records = [];
    this.opened = null;     // the record of kind session
    this.connected = null;
    this.end = null;
    this.user = null;
    this.channels = new Map();
    this.up = 0;
    this.down = 0;
    this.transfers = 0;
    this.failed = 0;
    this.counts = [0, 0, 0, 0];  // findings by RANK
  }

  add(record) {
    this.records.push(record);
    switch (record.kind) {
      case 'session': this.opened = record; break;
      case 'connected': this.connected = record; break;
      case 'end': this.end = record; break;
      case 'command': if (record.verb === 'USER' && isBytes(record.argument)) this.user = record.argument; break;
      case 'finding': ++this.counts[RANK[record.severity] || 1]; break;
      case 'channel': this.channel(record)[record.event === 'opened' ? 'opened' : 'exposed'] = record; break;
      case 'data': this.addData(record); break;
    }
  }

  channel(record) {
    const id = record.id;
    if (!this.channels.has(id)) this.channels.set(id, {id, exposed: null, opened: null, data: null});
    return this.channels.get(id);
  }

  addData(data) {
    this.channel(data).data = data;
    if (isCount(data.bytes_to_server)) this.up += data.bytes_to_server;
    if (isCount(data.bytes_to_client)) this.down += data.bytes_to_client;
    const failed = isFailure(data);
    if (failed || isCount(data.to) || data.bytes > 0) ++this.transfers;
    if (failed) ++this.failed;
  }

  sum() {
    const records = this.records;
    if (records.some((record, i) => i > 0 && record.seq < records[i - 1].seq)) {
      records.sort((a, b) => a.seq - b.seq);
    }
    this.start = timeOf(records[0].ts);
    const last = timeOf(records[records.length - 1].ts);
    this.duration = this.end && isCount(this.end.duration_us) ? this.end.duration_us : last - this.start;
    this.worst = this.counts.findLastIndex((count) => count > 0);
    if (this.worst < 0) this.worst = 0;
    // In a capture, and in a server's own log, nobody stands between the two.
    this.proxy = this.opened && typeof this.opened.proxy === 'string' ? this.opened.proxy : null;
    this.client = this.opened ? this.opened.client : null;
    this.server = this.opened ? this.opened.server : this.connected ? this.connected.server : null;
    if (!this.opened && (this.connected || this.channels.size)) this.proxy = '';  // its record is lost
  }

  // Made when it is first looked at.
  get lines() {
    if (!this.madeLines) this.madeLines = new LinesOf(this).lines;
    return this.madeLines;
  }
}

const FAILURES = ['rst', 'timeout', 'never-connected', 'never_connected', 'connect-failed', 'connect_failed', 'refused'];
const isFailure = (data) => FAILURES.includes(data.how);

// What is a line by itself has a group of the filter; other kinds are "other".
const GROUPS = {command: 'command', reply: 'reply', reply_part: 'reply', rewrite: 'rewrite', channel: 'data', data: 'data',
  finding: 'finding'};

class LinesOf {
  constructor(session) {
    this.session = session;
    this.lines = [];
    this.lineOf = new Map();     // record -> line
    this.commands = new Map();   // command id -> line
    this.byProxy = new Set();    // ids that the server never saw
    session.records.forEach((record, i) => this.add(record, i));
    session.records.forEach((record, i) => record.kind === 'finding' && this.addFinding(record, i));
    for (const id of this.byProxy) {
      if (this.commands.has(id)) this.commands.get(id).stopped = true;
    }
    this.lines.sort((a, b) => a.time - b.time || a.order - b.order);
    this.lines.forEach((line, i) => (line.index = i));
  }

  line(kind, record, order, time) {
    const own = timeOf(record.ts);
    const line = {kind, record, order, time: Number.isFinite(time) ? time : Number.isFinite(own) ? own : this.session.start,
      group: GROUPS[record.kind] || 'other', rewrites: [], findings: [], channel: null, stopped: false};
    this.lines.push(line);
    return line;
  }

  add(record, order) {
    const before = this.session.records[order - 1];
    const missing = record.seq - (before ? before.seq + 1 : 0);
    if (missing > 0) this.line('missing', record, order - 0.5).count = missing;
    switch (record.kind) {
      case 'finding': return;
      case 'rewrite': return this.addRewrite(record, order);
      case 'channel': return this.addChannel(record, order);
      case 'data': return this.addData(record, order);
    }
    const line = this.line(record.kind, record, order);
    this.lineOf.set(record, line);
    if (record.kind === 'command') this.commands.set(record.id, line);
    if (record.kind === 'reply' && record.by === 'proxy') this.byProxy.add(record.to);
  }

  // Stands with the line that was changed, which comes right before it.
  addRewrite(record, order) {
    const ofReply = /^\d{3}$/.test(record.what);
    for (let i = order - 1; i >= 0 && i >= order - 8; --i) {
      const other = this.session.records[i];
      if (!belongs(record, other) || (ofReply && other.kind === 'command')) continue;
      this.lineOf.get(other).rewrites.push(record);
      this.lineOf.set(record, this.lineOf.get(other));
      return;
    }
    this.lineOf.set(record, this.line('rewrite', record, order));
  }

  addChannel(record, order) {
    const line = this.line(record.event === 'opened' ? 'opened' : 'exposed', record, order);
    line.channel = record.id;
    this.lineOf.set(record, line);
  }

  // The record comes when all is over: its times become lines of their own, where they belong.
  addData(record, order) {
    const channel = this.session.channels.get(record.id);
    const at = (kind, time) => {
      if (typeof time === 'string') this.line(kind, record, order, timeOf(time)).channel = record.id;
    };
    if (!channel.exposed) at('exposed', record.exposed);
    if (!channel.opened) at('opened', record.connected);
    if (record.last_byte === record.first_byte) at('burst', record.first_byte);
    else {
      at('first', record.first_byte);
      at('last', record.last_byte);
    }
    const closed = typeof record.closed === 'string' ? timeOf(record.closed) : NaN;
    const line = this.line(record.how === 'open' ? 'still-open' : 'closed', record, order, closed);
    line.channel = record.id;
    this.lineOf.set(record, line);
  }

  addFinding(record, order) {
    const line = this.concerned(record, order);
    if (line) {
      line.findings.push(record);
    } else {
      this.line('finding', record, order).findings.push(record);
    }
  }

  // The line that a finding is about: of those of its moment the nearest, else the command's reply,
  // else the command. A finding about data has its own moment in time.
  concerned(finding, order) {
    const records = this.session.records;
    const near = (step) => {
      for (let i = order + step; records[i] && records[i].ts === finding.ts; i += step) {
        if (this.lineOf.has(records[i]) && belongs(finding, records[i])) return this.lineOf.get(records[i]);
      }
      return null;
    };
    const found = near(-1) || near(1);
    if (found) return found;
    const name = String(finding.finding);
    if (name.startsWith('FTP-DATA-') || !isCount(finding.to)) return null;
    if (name.startsWith('FTP-REPLY-') || name.startsWith('FTP-227-')) {
      for (let i = order - 1; i >= 0; --i) {
        if (records[i].kind === 'reply' && records[i].to === finding.to) return this.lineOf.get(records[i]);
      }
    }
    return this.commands.get(finding.to) || null;
  }
}

// Whether a rewrite or a finding (`about`) can be about this record.
function belongs(about, record) {
  switch (record.kind) {
    case 'command': return record.id === about.to;
    case 'reply':
    case 'reply_part': return record.to === about.to;
    case 'data': return about.kind === 'finding' && isCount(about.to) && record.to === about.to;
    case 'channel':
    case 'finding':
    case 'rewrite': return false;
    default: return about.kind === 'finding' && !isCount(about.to);
  }
}

// --- what a line says, as plain text: for the search and for screen readers ---

const verbAndArgument = (command) =>
  plain(command.verb) + (isBytes(command.argument) ? ' ' + plain(command.argument) : '');

const linesOf = (reply) => (Array.isArray(reply.lines) ? reply.lines : []);

function textOf(line) {
  const record = line.record;
  const parts = [];
  switch (line.kind) {
    case 'command': parts.push(verbAndArgument(record)); break;
    case 'reply':
    case 'reply_part': parts.push(...linesOf(record).map(plain)); break;
    case 'finding':
    case 'missing':
    case 'rewrite': break;
    case 'first':
    case 'burst':
    case 'last': parts.push(`data ${record.id}`); break;
    default: parts.push(...leaves(record));
  }
  for (const rewrite of line.rewrites) parts.push(plain(rewrite.before), plain(rewrite.after), String(rewrite.why));
  for (const finding of line.findings) {
    parts.push(String(finding.finding), String(finding.title), plain(finding.detail ?? ''), String(finding.source));
  }
  return parts.join('\n');
}

// All values in a record that are text or numbers.
function leaves(value, depth = 0) {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  if (value === null || typeof value !== 'object' || depth > 8) return [];
  return Object.entries(value)
    .filter(([key]) => !['ts', 'session', 'seq', 'schema'].includes(key))
    .flatMap(([, inner]) => leaves(inner, depth + 1));
}

const rankOf = (line) => line.findings.reduce((worst, finding) => Math.max(worst, RANK[finding.severity] || 1), 0);

const isBad = (line) => line.kind === 'reply' && line.record.code >= 400;

// {text (lower case), kind, rank}: what the filters ask for.
function passes(line, wanted) {
  if (wanted.rank > 0 && rankOf(line) < wanted.rank) return false;
  if (wanted.kind === 'bad' && !isBad(line)) return false;
  if (wanted.kind === 'finding' && line.findings.length === 0) return false;
  if (wanted.kind === 'rewrite' && line.rewrites.length === 0 && line.group !== 'rewrite') return false;
  if (['command', 'reply', 'data', 'other'].includes(wanted.kind) && line.group !== wanted.kind) return false;
  if (!wanted.text) return true;
  if (line.searched === undefined) line.searched = textOf(line).toLowerCase();
  return line.searched.includes(wanted.text);
}
