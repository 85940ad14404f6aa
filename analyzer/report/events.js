// What a line says that is neither command nor reply: connections, data, TLS, damage. By the line's
// kind; a kind that is not here is shown as the record it is.

const END_WORDS = {fin: 'FIN', rst: 'RST', timeout: 'timeout', limit: 'a limit', refused: 'refused', shutdown: 'the proxy was stopped',
  'connect-failed': 'the server could not be reached', 'not-ftp': 'not FTP', open: 'still open'};
const CHANNEL_WORDS = {fin: 'FIN', rst: 'RST', timeout: 'it stalled', 'never-connected': 'nobody connected in time',
  'connect-failed': 'the other side could not be reached', replaced: 'a newer one replaced it', 'session-ended': 'the session ended',
  refused: 'the connection was refused', open: 'still open when the capture ended'};

const legText = (leg) => (leg && typeof leg === 'object' ? `${leg.from} \u2192 ${leg.to}` : null);

// One leg, or both when they are two connections.
function legsText(record) {
  const legs = [legText(record.client), legText(record.server)].filter((leg) => leg !== null);
  return [...new Set(legs)].join(', ');
}

const directionText = (data) =>
  data.direction === 'download' ? 'to the client' : data.direction === 'upload' ? 'to the server' : '';

function dataEvent(record, className, ...text) {
  return {children: [h('div', {class: 'text data-text'}, h('span', {class: 'tag data-tag'}, `data ${record.id}`), ' ', ...text)],
    className: `data-line ${className}`, more: 0};
}

function amount(data) {
  const parts = [humanBytes(data.bytes)];
  if (data.direction) parts[0] += ' ' + directionText(data);
  if (isCount(data.duration_us) && data.bytes > 0) parts.push(`in ${humanDuration(data.duration_us)}`);
  if (isCount(data.rate)) parts.push(humanRate(data.rate));
  return parts.join(', ');
}

function closing(data) {
  const how = CHANNEL_WORDS[data.how] || String(data.how);
  if (data.how !== 'fin' && data.how !== 'rst') return data.why ? `${how}: ${data.why}` : how;
  return data.closed_first ? `${data.closed_first} closed first (${how})` : `closed (${how})`;
}

const strangers = (data) => (data.strangers > 0 ? `; ${many(data.strangers, 'stranger')} turned away` : '');
const missing = (data) => (data.missing > 0 ? `; ${humanBytes(data.missing)} not in the capture` : '');

function payloadNotes(data) {
  const notes = [];
  if (data.payload) notes.push(`saved as ${data.payload}`);
  if (data.type) notes.push(data.type);
  if (data.sha256) notes.push(`SHA-256 ${data.sha256}`);
  return notes.length ? h('div', {class: 'payload'}, wire(notes.join(', '))) : null;
}

const EVENTS = {
  session(record, session) {
    const proxied = session.proxy !== null;
    const text = proxied ? `connects to ${record.proxy}, for ${record.server}` : `connects to ${record.server}`;
    return {children: [arrow('right', proxied ? 'left' : 'full'), says('Client: ', [wire(text)], proxied ? 'half' : '')], className: 'life', more: 0};
  },
  connected(record, session) {
    if (session.proxy === null) return {children: [arrow('left', 'full'), says('Server: ', [wire('accepts the connection')], '')], className: 'life from-server', more: 0};
    return {children: [arrow('right', 'right'), says('Proxy: ', [wire(`connects to ${record.server} from ${record.from}`)], 'half at-right')], className: 'life', more: 0};
  },
  exposed(record, session) {
    if (record.kind === 'data') return dataEvent(record, '', record.setup === 'unknown' ? 'on its way' : `expected (${record.setup})`);
    const then = session.proxy === null ? '' : `, then connects to ${record.target}`;
    return dataEvent(record, '', wire(`waits for the ${record.facing} at ${record.address}${then} (${record.setup})`));
  },
  opened(record) {
    return dataEvent(record, '', wire(`connected: ${legsText(record)}`));
  },
  first(record) {
    return dataEvent(record, '', `first byte ${directionText(record)}`);
  },
  burst(record) {
    return dataEvent(record, '', `all bytes at once ${directionText(record)}`);
  },
  last(record) {
    return dataEvent(record, '', 'last byte');
  },
  closed(record) {
    const used = isBytes(record.verb) ? record.verb : record.bytes > 0 ? 'command unknown' : 'unused';
    return dataEvent(record, isFailure(record) ? 'bad' : '', h('b', {}, wire(String(used))), ` ${amount(record)}; ${closing(record)}${strangers(record)}${missing(record)}`,
      payloadNotes(record));
  },
  'still-open'(record) {
    return dataEvent(record, '', `${amount(record)}; ${closing(record)}${missing(record)}`, payloadNotes(record));
  },
  opaque() {
    return event('TLS begins: what follows is encrypted', 'opaque-line');
  },
  tls(record) {
    const list = (value) => (Array.isArray(value) ? value.join(', ') : '');
    const facts = [record.version && `TLS ${record.version}`, record.sni && `for ${record.sni}`, list(record.alpn) && `ALPN ${list(record.alpn)}`,
      list(record.names) && `certificate of ${list(record.names)}`, record.resumed === true ? 'resumed' : record.resumed === false ? 'a new session' : null];
    const end = record.close_notify || {};
    const notify = ['client', 'server'].filter((side) => end[side] === false).map((side) => `no close_notify from the ${side}`);
    const where = record.channel === null || record.channel === undefined ? 'control connection' : `data ${record.channel}`;
    return {children: [h('div', {class: 'text event'}, h('span', {class: 'tag'}, 'TLS'), ' ', wire([where, ...facts, ...notify].filter(Boolean).join(', ')))], className: '', more: 0};
  },
  gap(record) {
    return event(`${humanBytes(record.bytes)} from the ${record.from} are missing in the capture`, 'bad');
  },
  overlap(record) {
    return {children: [h('div', {class: 'text event'}, `Bytes from the ${record.from} came twice and differently: taken `, wire(record.kept), ', not ', wire(record.other))], className: 'bad', more: 0};
  },
  end(record, session) {
    if (record.by === null) return event('The capture ends here', 'life');
    const by = record.by === 'client' || record.by === 'server' ? record.by : 'proxy';
    const how = END_WORDS[record.how] || String(record.how);
    const why = isBytes(record.why) && record.why !== '' ? [': ', wire(record.why)] : [];
    const text = [`The ${by} ends the session (${how})`, ...why];
    const way = by === 'server' ? arrow('left', 'full') : arrow('right', by === 'proxy' && session.proxy !== null ? 'right' : 'full');
    return {children: [by === 'proxy' ? null : way, h('div', {class: by === 'server' ? 'text' : 'text event'}, text)].filter(Boolean),
      className: 'life' + (by === 'server' ? ' from-server' : ''), more: 0};
  },
};
