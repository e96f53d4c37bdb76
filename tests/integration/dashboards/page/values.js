// How Grafana writes values, as far as the dashboards use it: units, mappings, thresholds, overrides.
'use strict';

const scaled = (value, base, names, decimals) => {
  let index = 0, size = Math.abs(value);
  while (size >= base && index < names.length - 1) { size /= base; index++; }
  const digits = decimals ?? (size >= 100 || Number.isInteger(size) ? 0 : size >= 10 ? 1 : 2);
  return (value < 0 ? '-' : '') + size.toFixed(digits) + (names[index] ? ' ' + names[index] : '');
};

const duration = (seconds, decimals) => {
  if (seconds === 0) return '0 seconds';
  if (seconds < 0) return duration(-seconds, decimals) + ' ago';
  const units = [['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const words = [];
  for (const [name, length] of units) {
    if (words.length > (decimals ?? 0)) break;
    const count = Math.floor(seconds / length);
    if (count >= 1 || words.length) { words.push(count + ' ' + name + (count === 1 ? '' : 's')); seconds -= count * length; }
  }
  return words.join(', ') || seconds.toFixed(2) + ' seconds';
};

const time = milliseconds => new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ');

const plain = (value, decimals) => value.toFixed(decimals ?? (Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 2 : 1));

function written(value, config, now) {
  const {unit = 'none', decimals} = config;
  if (unit.startsWith('suffix:')) return plain(value, decimals) + ' ' + unit.slice(7).trim();
  switch (unit) {
    case 'decbytes': return scaled(value, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], decimals);
    case 'short': return scaled(value, 1000, ['', 'K', 'Mil', 'Bil'], decimals);
    case 'percentunit': return (value * 100).toFixed(decimals ?? 0) + '%';
    case 'locale': return value.toLocaleString('en-US', {minimumFractionDigits: decimals ?? 0, maximumFractionDigits: decimals ?? 2});
    case 's': return value === 0 ? '0 s' : value < 1 ? plain(value * 1000, value < 0.01 ? 1 : 0) + ' ms' : value < 120 ? plain(value) + ' s' : scaled(value / 60, 60, ['min', 'hour']);
    case 'dtdurations': return duration(value, decimals);
    case 'dateTimeAsIso': return time(value);
    case 'dateTimeFromNow': return value <= now ? duration((now - value) / 1000) + ' ago' : 'in ' + duration((value - now) / 1000);
    default: return plain(value, decimals);
  }
}

// What the overrides make of a field's settings.
function settings(fieldConfig, name) {
  const config = structuredClone(fieldConfig.defaults);
  config.custom ??= {};
  for (const {matcher, properties} of fieldConfig.overrides) {
    const meant = matcher.id === 'byName' ? matcher.options === name : new RegExp(matcher.options.replace(/^\/|\/$/g, '')).test(name);
    if (!meant) continue;
    for (const {id, value} of properties)
      if (id.startsWith('custom.')) config.custom[id.slice(7)] = value; else config[id] = value;
  }
  return config;
}

// A value as text, with the colour of its mapping or else of its threshold; null where it has none.
function shown(value, config, now) {
  for (const mapping of config.mappings ?? []) {
    const found = mapping.options[String(value)];
    if (found) return {text: found.text, color: colour(found.color), mapped: true};
  }
  if (typeof value !== 'number') return {text: value ?? '', color: null};
  let color = null;
  for (const step of config.thresholds?.steps ?? []) if (step.value === null || value >= step.value) color = step.color;
  return {text: written(value, config, now), color: colour(color)};
}

const colour = name => name === 'text' || name === 'transparent' || !name ? null : name;

// Black or white, whichever can be read on a colour.
function on(color) {
  const [r, g, b] = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16) / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#ffffff';
}

const PALETTE = ['#7EB26D', '#EAB839', '#6ED0E0', '#EF843C', '#E24D42', '#1F78C1', '#BA43A9', '#705DA0', '#508642', '#CCA300', '#447EBC', '#C15C17'];
