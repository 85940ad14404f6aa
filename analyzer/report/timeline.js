// The overview of a session, to scale from end to end: how long each command waited for its reply,
// the data connections, the findings. One drawing of a few paths, whatever the number of lines.

const WIDE = 1000;         // units of the drawing across; stretched to the page's width
const BAND = 14;           // units high: commands, then each lane of data connections
const TIMELINE_LANES = 4;

class Timeline {
  constructor(session, pick) {
    this.session = session;
    this.lines = session.lines;
    this.start = this.lines[0].time;
    this.length = Math.max(1, this.lines[this.lines.length - 1].time - this.start);
    const channels = this.channels();
    const lanes = Math.min(TIMELINE_LANES, Math.max(0, ...channels.map(({lane}) => lane + 1)));
    const high = BAND * (lanes + 1) + 10;
    this.cursor = svg('path', {class: 'cursor', d: ''});
    this.drawing = svg('svg', {viewBox: `0 0 ${WIDE} ${high}`, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
      ...this.replies(), ...channels.flatMap((channel) => this.bar(channel)), ...this.findings(high), this.cursor);
    this.drawing.style.height = `${high * 1.4}px`;
    this.drawing.addEventListener('click', (event) => {
      const box = this.drawing.getBoundingClientRect();
      pick(this.nearest(this.start + ((event.clientX - box.left) / box.width) * this.length));
    });
    this.high = high;
    this.element = h('div', {class: 'timeline', title: 'Click: go to the line of that moment'}, this.drawing, this.ticks(), legend());
  }

  x(time) {
    return ((time - this.start) / this.length) * WIDE;
  }

  box(from, to, top, height) {
    const left = this.x(from);
    const width = Math.max(2, this.x(to) - left);
    return `M${left.toFixed(1)} ${top}h${width.toFixed(1)}v${height}h-${width.toFixed(1)}z`;
  }

  // From each command to its reply.
  replies() {
    const paths = {good: [], bad: [], none: []};
    for (const line of this.lines) {
      const {record} = line;
      if (line.kind !== 'reply' || record.preliminary) continue;
      const waited = isCount(record.latency_us) ? record.latency_us : 0;
      const kind = record.code >= 400 ? 'bad' : isCount(record.to) ? 'good' : 'none';
      paths[kind].push(this.box(Math.max(this.start, line.time - waited), line.time, 10, BAND - 4));
    }
    return Object.entries(paths).map(([kind, boxes]) => svg('path', {class: `wait ${kind}`, d: boxes.join('')}));
  }

  channels() {
    const found = new Map();
    for (const line of this.lines) {
      if (line.channel === null) continue;
      let channel = found.get(line.channel);
      if (!channel) found.set(line.channel, (channel = {id: line.channel, from: line.time, to: line.time, record: null, at: {}}));
      channel.to = line.time;
      channel.at[line.kind] = line.time;
      if (line.record.kind === 'data') channel.record = line.record;
    }
    const ends = [];  // of the lanes
    const channels = [...found.values()].sort((a, b) => a.from - b.from);
    for (const channel of channels) {
      if (!channel.record) channel.to = this.start + this.length;  // its end is not in the log
      let lane = ends.findIndex((end) => end <= channel.from);
      if (lane < 0) lane = Math.min(ends.length, TIMELINE_LANES - 1);
      ends[lane] = channel.to;
      channel.lane = lane;
    }
    return channels;
  }

  bar(channel) {
    const top = 10 + BAND * (channel.lane + 1);
    const {opened, last} = channel.at;
    const first = channel.at.first ?? channel.at.burst;
    const broken = channel.record && isFailure(channel.record) ? ' broken' : '';
    const parts = [svg('path', {class: `data-bar waiting${broken}`, d: this.box(channel.from, channel.to, top + 3, BAND - 10)})];
    if (opened !== undefined) parts.push(svg('path', {class: `data-bar connected${broken}`, d: this.box(opened, channel.to, top, BAND - 4)}));
    if (first !== undefined) parts.push(svg('path', {class: `data-bar moving${broken}`, d: this.box(first, last ?? first, top, BAND - 4)}));
    return parts;
  }

  findings(high) {
    const marks = {note: [], warning: [], error: []};
    for (const line of this.lines) {
      const rank = rankOf(line);
      if (rank > 0) marks[SEVERITIES[rank]].push(`M${this.x(line.time).toFixed(1)} 0v${high}`);
    }
    return Object.entries(marks).map(([severity, paths]) => svg('path', {class: `flag ${severity}`, d: paths.join('')}));
  }

  // Marks at round times, four to eight of them.
  ticks() {
    const step = rounded(this.length / 6);
    const marks = [];
    for (let at = 0; at <= this.length; at += step) {
      const mark = h('span', {class: 'tick'}, at === 0 ? '0' : round(at));
      mark.style.left = `${(at / this.length) * 100}%`;
      if (at / this.length > 0.85) mark.classList.add('last');
      marks.push(mark);
    }
    return h('div', {class: 'ticks', 'aria-hidden': 'true'}, marks);
  }

  nearest(time) {
    return this.lines.reduce((best, line) => (Math.abs(line.time - time) < Math.abs(best.time - time) ? line : best));
  }

  point(line) {
    this.cursor.setAttribute('d', `M${this.x(line.time).toFixed(1)} 0v${this.high}`);
  }
}

function legend() {
  const entry = (className, text) => h('span', {}, h('i', {class: `swatch ${className}`}), text);
  return h('p', {class: 'legend'}, entry('good', 'a command waits for its reply'), entry('bad', 'which is 4yz or 5yz'),
    entry('waiting', 'data: a port waits'), entry('connected', 'connected'), entry('moving', 'bytes move'), entry('found-here', 'a finding'));
}
