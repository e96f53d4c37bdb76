// Draws a dashboard much as Grafana would: its grid, titles, units, thresholds, legends.
'use strict';

const {dashboard, answers, marks, from, to, variables, opened} = JSON.parse(document.getElementById('data').textContent);
const ROW = 38, WIDTH = 1408, COLUMN = (WIDTH + 8) / 24;

const text = (template) => template.replace(/\$(\w+)/g, (whole, name) => variables[name] ?? whole);

function element(name, attributes = {}, ...children) {
  const svg = ['svg', 'path', 'rect', 'line', 'text', 'g'].includes(name);
  const made = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter(child => child !== null));
  return made;
}

const nothing = panel => element('div', {class: 'nothing'}, panel.fieldConfig.defaults.noValue ?? 'No data');

function nice(max) {
  const raw = max / 4, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].map(step => step * power).find(step => step >= raw);
}

// The plain axes of a plot: lines at round values with their units, and what is written below.
function axes(svg, width, height, left, max, config, below, label) {
  const step = nice(max || 1), bottom = height - 20;
  for (let value = 0; value <= max * 1.001 + (max ? 0 : 1); value += step) {
    const y = bottom - value / (max || 1) * (bottom - 8);
    svg.append(element('line', {x1: left, x2: width, y1: y, y2: y, stroke: 'var(--line)'}),
      element('text', {x: left - 6, y: y + 4, 'text-anchor': 'end'}, written(value, {...config, decimals: undefined}, to)));
  }
  for (const [x, words] of below) svg.append(element('text', {x, y: height - 4, 'text-anchor': 'middle'}, words));
  if (label) svg.append(element('text', {transform: `translate(11 ${height / 2}) rotate(-90)`, 'text-anchor': 'middle'}, text(label)));
}

const PANELS = {
  stat(panel, found, width, height) {
    const all = series(panel, found);
    if (all.length === 0) return nothing(panel);
    const box = element('div', {class: 'stat'});
    for (const one of all) {
      const config = settings(panel.fieldConfig, one.name);
      const last = one.points.filter(point => !Number.isNaN(point[1])).at(-1)?.[1];
      const {text: value, color} = shown(last, config, to);
      const share = width / all.length - 24;
      const word = panel.options.textMode === 'name' ? one.name : value;
      const size = Math.min(32, share / Math.max(word.length, 3) * 1.75);
      const tile = element('div', {}, element('div', {class: 'value', style: `font-size:${size}px`}, word),
        panel.options.textMode === 'value_and_name' ? element('div', {class: 'name'}, one.name) : null);
      if (color && panel.options.colorMode === 'background') tile.style.cssText = `background:${color};color:${on(color)}`;
      else if (color && panel.options.colorMode === 'value') tile.firstChild.style.color = color;
      if (panel.options.graphMode === 'area' && one.points.length > 1) {
        const values = one.points.map(point => point[1]), min = Math.min(...values), max = Math.max(...values) - min || 1, high = height * 0.3;
        const path = one.points.map(([at, v]) => `${(at - from) / (to - from) * share},${high - (v - min) / max * (high - 4) - 2}`).join(' L');
        tile.prepend(element('svg', {width: share, height: high}, element('path', {d: `M${path}`, fill: 'none', stroke: '#56B4E9', 'stroke-width': 2})));
      }
      box.append(tile);
    }
    return box;
  },

  table(panel, found) {
    const {columns, rows} = table(panel, found);
    if (rows.length === 0) return nothing(panel);
    const body = element('table'), head = element('tr');
    const configs = Object.fromEntries(columns.map(name => [name, settings(panel.fieldConfig, name)]));
    const numbers = columns.filter(name => rows.some(row => typeof row[name] === 'number') && !rows.some(row => shown(row[name], configs[name], to).mapped) && configs[name].custom.align !== 'left');
    for (const name of columns) head.append(element('th', numbers.includes(name) ? {class: 'number'} : {}, name));
    body.append(head);
    for (const row of rows) {
      const line = element('tr');
      for (const name of columns) {
        const config = configs[name], cell = config.custom.cellOptions?.type;
        const {text: words, color} = shown(row[name], config, to);
        const made = element('td', numbers.includes(name) ? {class: 'number'} : {});
        if (cell === 'gauge' && typeof row[name] === 'number')
          made.append(element('span', {class: 'gauge', style: `width:${row[name] / (config.max ?? 1) * 70}px;background:${config.color.fixedColor}`}));
        made.append(words);
        if (color && cell === 'color-text') made.style.color = color;
        if (color && cell === 'color-background') made.style.cssText += `background:${color};color:${on(color)}`;
        if (config.links && row[name]) made.style.color = '#6e9fff';
        line.append(made);
      }
      body.append(line);
    }
    return element('div', {class: 'table'}, body);
  },

  timeseries(panel, found, width, height) {
    const all = series(panel, found);
    if (all.length === 0) return nothing(panel);
    const begin = panel.timeFrom ? to - 730 * 86400e3 : from;
    const stacked = panel.fieldConfig.defaults.custom.stacking.mode === 'normal';
    const lines = Math.min(all.length, 4) * 18, high = height - lines - 12, wide = width - 16, left = panel.fieldConfig.defaults.custom.axisLabel ? 84 : 66;
    const sums = new Map();
    const paths = all.map(one => one.points.map(([at, value]) => {
      const low = stacked ? sums.get(at) ?? 0 : 0;
      if (stacked) sums.set(at, low + value);
      return [at, low + value, low];
    }));
    const max = Math.max(...paths.flat().map(point => point[1]).filter(Number.isFinite), 0) * 1.05;
    const min = panel.fieldConfig.defaults.min;
    const x = at => left + (at - begin) / (to - begin) * (wide - left), y = value => high - 20 - value / (max || 1) * (high - 28);
    const svg = element('svg', {width: wide, height: high});
    const days = (to - begin) / 86400e3, every = days > 90 ? 91 : days > 20 ? 5 : days > 2 ? 1 : 0.25;
    const below = [];
    for (let at = Math.ceil(begin / (every * 86400e3)) * every * 86400e3; at < to; at += every * 86400e3)
      below.push([x(at), days > 90 ? time(at).slice(0, 7) : days > 2 ? time(at).slice(5, 10) : time(at).slice(11, 16)]);
    axes(svg, wide, high, left, max, panel.fieldConfig.defaults, below, panel.fieldConfig.defaults.custom.axisLabel);
    for (const {at, color, words} of marks.filter(mark => mark.at >= begin && mark.at <= to))
      svg.append(element('line', {x1: x(at), x2: x(at), y1: 8, y2: high - 20, stroke: color, 'stroke-dasharray': '3 3'}, element('title', {}, words)));
    const gap = 2.2 * Math.max((to - begin) / 300, 3 * 3600e3);
    all.forEach((one, index) => {
      const config = settings(panel.fieldConfig, one.name), color = PALETTE[index % PALETTE.length];
      let d = '', area = '', run = [];
      const close = () => {
        if (run.length && stacked) area += 'M' + run.map(p => `${x(p[0])},${y(p[1])}`).join(' L') + ' L' + run.toReversed().map(p => `${x(p[0])},${y(p[2])}`).join(' L') + 'Z';
        run = [];
      };
      for (const point of paths[index].filter(point => Number.isFinite(point[1]))) {
        if (run.length && point[0] - run.at(-1)[0] > gap) close();
        d += `${run.length ? 'L' : 'M'}${x(point[0])},${y(point[1])} `;
        run.push(point);
      }
      close();
      if (area) svg.append(element('path', {d: area, fill: color, 'fill-opacity': 0.25}));
      const dash = config.custom.lineStyle?.dash?.join(' ') ?? '';
      svg.append(element('path', {d, fill: 'none', stroke: color, 'stroke-width': 2, 'stroke-dasharray': dash}));
    });
    const rows = all.map((one, index) => element('tr', {}, element('td', {}, element('i', {style: `background:${PALETTE[index % PALETTE.length]}`}), one.name),
      element('td', {}, 'Last: ' + written(one.points.at(-1)[1], settings(panel.fieldConfig, one.name), to))));
    return element('div', {class: 'plot', 'data-min': min ?? ''}, svg, element('table', {class: 'legend'}, ...rows.slice(0, 4)));
  },

  barchart(panel, found, width, height) {
    const {columns, rows} = table(panel, found);
    if (rows.length === 0) return nothing(panel);
    const [corner, ...names] = columns, label = panel.fieldConfig.defaults.custom.axisLabel;
    const high = height - 34, wide = width - 16, left = label ? 84 : 66;
    const max = Math.max(...rows.map(row => names.reduce((sum, name) => sum + (row[name] ?? 0), 0))) * 1.05;
    const svg = element('svg', {width: wide, height: high}), each = (wide - left) / rows.length;
    const every = Math.ceil(60 / each);
    axes(svg, wide, high, left, max, panel.fieldConfig.defaults, rows.map((row, index) => [left + (index + 0.5) * each, index % every ? '' : row[corner]]), label);
    rows.forEach((row, index) => {
      let top = high - 20;
      names.forEach((name, at) => {
        const tall = (row[name] ?? 0) / max * (high - 28);
        top -= tall;
        svg.append(element('rect', {x: left + index * each + each * 0.1, y: top, width: each * 0.8, height: tall, fill: PALETTE[at % PALETTE.length], 'fill-opacity': 0.8}));
      });
    });
    const keys = names.map((name, at) => element('span', {}, element('i', {style: `background:${PALETTE[at % PALETTE.length]}`}), name));
    return element('div', {class: 'plot'}, svg, element('div', {class: 'legend inline'}, ...keys));
  },

  bargauge(panel, found) {
    const all = series(panel, found).sort((a, b) => b.points[0][1] - a.points[0][1]);
    if (all.length === 0) return nothing(panel);
    const max = Math.max(...all.map(one => Math.abs(one.points[0][1])));
    const box = element('div', {class: 'ranking'});
    for (const one of all) {
      const value = one.points[0][1], {text: words} = shown(value, panel.fieldConfig.defaults, to);
      box.append(element('div', {}, element('b', {}, one.name),
        element('u', {}, element('i', {style: `width:${Math.max(value, 0) / max * 100}%;background:${panel.fieldConfig.defaults.color.fixedColor}`})), words));
    }
    return box;
  },

  'state-timeline'(panel, found, width, height) {
    const all = series(panel, found);
    if (all.length === 0) return nothing(panel);
    const left = 170, wide = width - 16, high = height - 34, each = (high - 20) / all.length;
    const svg = element('svg', {width: wide, height: high}), seen = new Map();
    const x = at => left + (at - from) / (to - from) * (wide - left);
    all.forEach((one, index) => {
      svg.append(element('text', {x: left - 6, y: each * (index + 0.5) + 4, 'text-anchor': 'end'}, one.name));
      one.points.forEach(([at, value], place) => {
        const {text: words, color} = shown(value, panel.fieldConfig.defaults, to);
        seen.set(words, color);
        const end = one.points[place + 1]?.[0] ?? to;
        svg.append(element('rect', {x: x(at), width: Math.max(x(end) - x(at), 0) + 0.5, y: each * index + each * 0.05, height: each * 0.9, fill: color ?? 'var(--cell)'}));
      });
      one.points.forEach(([at, value], place) => {
        const {text: words, color} = shown(value, panel.fieldConfig.defaults, to);
        if (place === 0 || one.points[place - 1][1] !== value)
          svg.append(element('text', {x: x(at) + 6, y: each * (index + 0.5) + 4, style: `fill:${color ? on(color) : 'inherit'}`}, words));
      });
    });
    const keys = [...seen].map(([words, color]) => element('span', {}, element('i', {style: `background:${color ?? 'var(--cell)'}`}), words));
    return element('div', {class: 'plot'}, svg, element('div', {class: 'legend inline'}, ...keys));
  },
};

const main = document.querySelector('main');
document.querySelector('h1').textContent = dashboard.title;
for (const variable of dashboard.templating.list) if (variable.name !== 'datasource')
  document.querySelector('.variables').append(element('span', {}, `${variable.label} `, element('b', {}, variables[variable.name] === '.+' ? 'All' : variables[variable.name])));

// What is opened moves what is below it.
let moved = 0, bottom = 0;
const place = (made, {x, y, w, h}, extra) => {
  made.style.cssText = `left:${x * COLUMN}px;top:${(y + extra) * ROW}px;width:${w * COLUMN - 8}px;height:${h * ROW - 8}px`;
  bottom = Math.max(bottom, (y + extra + h) * ROW);
  main.append(made);
};
function draw(panel, extra) {
  const at = panel.gridPos, width = at.w * COLUMN - 10, height = at.h * ROW - 38;
  const box = element('section', {class: 'panel', 'data-title': panel.title, title: panel.description}, element('h2', {}, text(panel.title)));
  box.append(PANELS[panel.type](panel, answers[panel.id], width, height));
  place(box, at, extra);
}
for (const panel of dashboard.panels) {
  if (panel.type !== 'row') { draw(panel, moved); continue; }
  const open = !panel.collapsed || opened;
  place(element('div', {class: 'row'}, `${open ? '⌄' : '›'} ${panel.title} `, element('small', {}, open ? '' : `(${panel.panels.length} panels)`)), panel.gridPos, moved);
  if (panel.collapsed && opened) {
    panel.panels.forEach(inner => draw(inner, moved));
    moved += Math.max(...panel.panels.map(inner => inner.gridPos.y + inner.gridPos.h)) - panel.gridPos.y - 1;
  }
}
main.style.height = `${bottom}px`;
