// What Prometheus answered, as Grafana's frames and transformations make it.
'use strict';

const number = text => text === 'NaN' ? NaN : Number(text);

function legend(format, labels) {
  if (format && format !== '__auto') return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');
  const {__name__, ...rest} = labels;
  const entries = Object.entries(rest);
  if (entries.length === 0) return __name__ ?? 'Value';
  return entries.length === 1 ? entries[0][1] : '{' + entries.map(([key, value]) => `${key}="${value}"`).join(', ') + '}';
}

// Series of numbers: [{name, points: [[milliseconds, value]]}].
const series = (panel, answers) => panel.targets.flatMap(target => (answers[target.refId] ?? []).map(one => ({
  name: legend(target.legendFormat, one.metric),
  labels: one.metric,
  points: (one.values ?? [one.value]).map(([at, value]) => [at * 1000, number(value)]),
})));

// One table of all queries: the rows that agree in their common labels are one.
function table(panel, answers) {
  let rows = [];
  const single = panel.targets.length === 1;
  for (const target of panel.targets) {
    const field = single ? 'Value' : 'Value #' + target.refId;
    for (const {metric, value} of answers[target.refId] ?? []) {
      const {__name__, ...labels} = metric;
      const fits = row => Object.entries(labels).every(([key, text]) => !(key in row) || row[key] === text)
        && Object.keys(labels).some(key => key in row) && !(field in row);
      const row = rows.find(fits);
      if (row) Object.assign(row, labels, {[field]: number(value[1])});
      else rows.push({...labels, [field]: number(value[1])});
    }
  }
  let columns = [...new Set(rows.flatMap(row => Object.keys(row)))];
  for (const {id, options} of panel.transformations ?? []) {
    if (id === 'sortBy') {
      const {field, desc} = options.sort[0];
      const order = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : String(a ?? '').localeCompare(String(b ?? ''));
      const known = rows.filter(row => row[field] !== undefined), unknown = rows.filter(row => row[field] === undefined);
      known.sort((a, b) => desc ? order(b[field], a[field]) : order(a[field], b[field]));
      rows = [...known, ...unknown];
    } else if (id === 'organize') {
      const kept = columns.filter(name => !options.excludeByName[name]);
      kept.sort((a, b) => (options.indexByName[a] ?? 99) - (options.indexByName[b] ?? 99));
      const renamed = name => options.renameByName[name] || name;
      rows = rows.map(row => Object.fromEntries(kept.filter(name => name in row).map(name => [renamed(name), row[name]])));
      columns = kept.map(renamed);
    } else if (id === 'groupingToMatrix') {
      const {columnField, rowField, valueField} = options, corner = `${rowField}\\${columnField}`;
      const matrix = new Map();
      const names = [...new Set(rows.map(row => row[columnField]))];
      for (const row of rows) {
        if (!matrix.has(row[rowField])) matrix.set(row[rowField], {[corner]: row[rowField]});
        matrix.get(row[rowField])[row[columnField]] = row[valueField];
      }
      rows = [...matrix.values()];
      columns = [corner, ...names];
    }
  }
  return {columns, rows};
}
