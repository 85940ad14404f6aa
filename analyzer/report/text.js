'use strict';
// Elements, bytes, numbers and times as a person reads them. Knows nothing of FTP.
//
// All that the page shows goes through h(), which makes elements and text nodes. Nothing in these
// scripts takes markup (innerHTML and its like): what came from the wire cannot become any. And
// h() shows as escapes what would be invisible or turn text round, wherever it comes from.

const $ = (id) => document.getElementById(id);

// h('p', {class: 'x', title: 't'}, 'text', element, null): an element. Attributes that are null or
// false are left out; children that are, too. Text with line ends in it comes as a text node.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Node) element.append(child);
    else element.append(...nodesOf(piecesOfText(String(child), ODD_INSIDE)));
  }
  return element;
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const textNode = (text) => document.createTextNode(text);

// --- bytes: in the log a string when they are UTF-8, else {"base64": "..."} ---

const isBytes = (value) =>
  typeof value === 'string' || (value !== null && typeof value === 'object' && typeof value.base64 === 'string');

// One character a byte, as atob() gives it.
function binaryOf(value) {
  try {
    return atob(value.base64);
  } catch {
    return '';
  }
}

function bytesOf(value) {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  return Uint8Array.from(binaryOf(value), (character) => character.charCodeAt(0));
}

// What would be invisible, move the text about or turn it round: shown as an escape. Blanks at the
// end matter to servers, so they are shown as well.
const ODD = /[\p{C}\p{Zl}\p{Zp}]|(?<![ \t])[ \t]+$/gu;
const ODD_INSIDE = /[\p{C}\p{Zl}\p{Zp}]/gu;  // of a part that is not the end
const NAMED = {'\r': '\\r', '\n': '\\n', '\t': '\\t', ' ': '\u00b7'};

function escapeOf(text) {
  return Array.from(text, (character) => {
    if (NAMED[character]) return NAMED[character];
    const code = character.codePointAt(0);
    if (code < 0x100) return '\\x' + code.toString(16).padStart(2, '0');
    return '\\u{' + code.toString(16) + '}';
  }).join('');
}

function piecesOfText(text, odd = ODD) {
  const pieces = [];
  let from = 0;
  for (const found of text.matchAll(odd)) {
    if (found.index > from) pieces.push([text.slice(from, found.index), false]);
    pieces.push([escapeOf(found[0]), true]);
    from = found.index + found[0].length;
  }
  if (from < text.length) pieces.push([text.slice(from), false]);
  return pieces;
}

const UTF8 = /([\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+/g;

// Not UTF-8 as a whole, but what is in it is shown as such.
function piecesOfBinary(binary) {
  const pieces = [];
  const escaped = (part) => {
    const hex = Array.from(part, (c) => '\\x' + c.charCodeAt(0).toString(16).padStart(2, '0'));
    if (hex.length) pieces.push([hex.join(''), true]);
  };
  let from = 0;
  for (const found of binary.matchAll(UTF8)) {
    escaped(binary.slice(from, found.index));
    const bytes = Uint8Array.from(found[0], (c) => c.charCodeAt(0));
    try {
      pieces.push(...piecesOfText(new TextDecoder('utf-8', {fatal: true}).decode(bytes)));
    } catch {
      escaped(found[0]);  // overlong forms and surrogates
    }
    from = found.index + found[0].length;
  }
  escaped(binary.slice(from));
  return pieces;
}

// [[text, whether it is an escape], ...]
function piecesOf(value) {
  if (typeof value === 'string') return piecesOfText(value);
  return isBytes(value) ? piecesOfBinary(binaryOf(value)) : [[jsonOf(value), true]];
}

const plain = (value) => piecesOf(value).map(([text]) => text).join('');

const nodesOf = (pieces) =>
  pieces.map(([text, escaped]) => (escaped ? h('span', {class: 'escape'}, text) : textNode(text)));

// Text from the wire as an element of its own, so that right-to-left text turns nothing around it.
function wire(value, className) {
  return h('bdi', {class: className ? 'wire ' + className : 'wire'}, nodesOf(piecesOf(value)));
}

// A part of a text, with more behind it.
const wirePart = (text) => h('bdi', {class: 'wire'}, nodesOf(piecesOfText(text, ODD_INSIDE)));

const DUMP_MAX = 16384;

function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, DUMP_MAX); at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16));
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    const left = hex.slice(0, 8).join(' ').padEnd(23);
    const right = hex.slice(8).join(' ').padEnd(23);
    lines.push(`${at.toString(16).padStart(6, '0')}  ${left}  ${right}  ${text.join('')}`);
  }
  if (bytes.length > DUMP_MAX) lines.push(`and ${bytes.length - DUMP_MAX} bytes more`);
  return lines.join('\n');
}

// A record as it is.
function jsonOf(value, indent) {
  try {
    return JSON.stringify(value, null, indent) ?? '';
  } catch {
    return 'nested too deeply to be shown';
  }
}

// --- numbers ---

const isCount = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;

function humanBytes(bytes) {
  if (!isCount(bytes)) return '?';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    ++unit;
  }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

const humanRate = (rate) => (isCount(rate) ? humanBytes(Math.round(rate)) + '/s' : '');

const threeDigits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

function humanDuration(us) {
  if (typeof us !== 'number' || !Number.isFinite(us)) return '?';
  if (us < 0) return '-' + humanDuration(-us);
  if (us < 1000) return `${Math.round(us)} \u00b5s`;
  if (us < 1e6) return `${threeDigits(us / 1e3)} ms`;
  if (us < 60e6) return `${threeDigits(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 48) return `${hours} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// Of a round number: 2 ms, not 2.00 ms.
const round = (us) => humanDuration(us).replace(/(\.\d*?)0+(?= )/, '$1').replace(/\.(?= )/, '');

const many = (count, word, plural) =>
  !isCount(count) ? `? ${word}s` : `${count.toLocaleString('en')} ${count === 1 ? word : plural || word + 's'}`;

// --- times: microseconds since 1970, NaN when there is none ---

function timeOf(text) {
  if (typeof text !== 'string') return NaN;
  const seconds = Date.parse(text.slice(0, 19) + 'Z');
  const fraction = /^\.(\d{1,6})/.exec(text.slice(19));
  return seconds * 1000 + (fraction ? Number(fraction[1].padEnd(6, '0')) : 0);
}

function clock(us, digits) {
  if (!Number.isFinite(us)) return '?';
  const seconds = Math.floor(us / 1e6);
  const text = new Date(seconds * 1000).toISOString().slice(11, 19);
  if (digits === 0) return text;
  return `${text}.${String(us - seconds * 1e6).padStart(6, '0').slice(0, digits)}`;
}

const date = (us) => (Number.isFinite(us) ? new Date(us / 1000).toISOString().slice(0, 10) : '?');
