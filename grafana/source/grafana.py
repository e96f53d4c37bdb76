"""Builders of Grafana's JSON: panels, tables, variables, dashboards. They know nothing of what is drawn."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Okabe and Ito's colours: apart from each other for every kind of sight, on light and on dark. Colour is never alone:
# a state has an icon and a word, too.
OK = "#0072B2"
WARN = "#E69F00"
BAD = "#D55E00"
OFF = "#999999"
SERIES = "palette-classic"

GRAFANA = "10.0.0"
NAMES = {
    "barchart": "Bar chart",
    "bargauge": "Bar gauge",
    "stat": "Stat",
    "state-timeline": "State timeline",
    "table": "Table",
    "timeseries": "Time series",
}


def steps(*pairs, base="text"):
    """Thresholds: the base colour below the first pair, then each pair's colour from its value on."""
    first = [{"color": base, "value": None}]
    return {"mode": "absolute", "steps": first + [{"color": color, "value": value} for value, color in pairs]}


def words(mapping):
    """Value mappings: a number is shown as a word with an icon, in a colour."""
    options = {
        str(value): {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(mapping.items())
    }
    return [{"type": "value", "options": options}]


def quiet(mapping):
    """The same for cells of tables: what is well has its icon, and the colour of any other text."""
    return words({value: (text, "text" if color == OK else color) for value, (text, color) in mapping.items()})


def target(expr, legend="__auto", table=False, instant=True):
    """A query; its letter is given when its panel is made."""
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expr,
        "legendFormat": legend,
        "format": "table" if table else "time_series",
        "instant": instant,
        "range": not instant,
    }


def over_time(expr, legend):
    """A query over the time range."""
    return target(expr, legend, instant=False)


def named(targets):
    return [{**query, "refId": chr(ord("A") + index)} for index, query in enumerate(targets)]


def override(name, **properties):
    """Settings of the fields of one name."""
    return {"matcher": {"id": "byName", "options": name}, "properties": properties_of(properties)}


def override_matching(pattern, **properties):
    """Settings of the fields whose names match a regular expression."""
    return {"matcher": {"id": "byRegexp", "options": pattern}, "properties": properties_of(properties)}


def properties_of(properties):
    return [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]


def panel(kind, title, description, targets, width, options, *, unit, custom=None, color=None, thresholds=None,
          mappings=None, overrides=(), **more):
    """A panel of any kind. `more` are settings of its fields; `panel_` names settings of the panel itself."""
    defaults = {
        "color": color or {"mode": "thresholds"},
        "mappings": mappings or [],
        "thresholds": thresholds or steps(),
        "unit": unit,
    }
    if custom:
        defaults["custom"] = custom
    own = {name.removeprefix("panel_"): value for name, value in more.items() if name.startswith("panel_")}
    defaults.update({name: value for name, value in more.items() if not name.startswith("panel_")})
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": width},
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
        "targets": named(targets),
        **own,
    }


def stat(title, description, targets, width, *, unit="short", filled=True, sparkline=False, name=False,
         text=None, **more):
    """Numbers. `filled`: the whole tile is coloured; `name`: the legend stands with the number."""
    plain = more.get("thresholds") is None and more.get("mappings") is None
    options = {
        "colorMode": "none" if plain else "background" if filled else "value",
        "graphMode": "area" if sparkline else "none",
        "justifyMode": "center",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": text or ("value_and_name" if name else "value"),
        "wideLayout": False,
    }
    return panel("stat", title, description, targets, width, options, unit=unit, **more)


LEGEND = {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": True}
TOOLTIP = {"mode": "multi", "sort": "desc"}


def timeseries(title, description, targets, width, *, unit, stacked=False, style="line", limits=False, axis="",
               **more):
    """Lines or bars over time, from zero on. `limits` draws the thresholds as lines."""
    custom = {
        "axisBorderShow": False,
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": axis,
        "axisPlacement": "auto",
        "barAlignment": 0,
        "drawStyle": style,
        "fillOpacity": 60 if style == "bars" else 25 if stacked else 8,
        "gradientMode": "none",
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "insertNulls": False,
        "lineInterpolation": "linear",
        "lineWidth": 1 if style == "bars" else 2,
        "pointSize": 5,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if limits else "off"},
    }
    more = {"min": 0, **more}
    if more["min"] is None:
        del more["min"]
    color = more.pop("color", {"mode": SERIES})
    return panel("timeseries", title, description, targets, width, {"legend": LEGEND, "tooltip": TOOLTIP},
                 unit=unit, custom=custom, color=color, **more)


def bars(title, description, expr, width, *, row, column, unit, **more):
    """Stacked bars: one for each value of the label `row`, in the colours of the label `column`."""
    custom = {
        "axisBorderShow": False,
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": more.pop("axis", ""),
        "axisPlacement": "auto",
        "fillOpacity": 80,
        "gradientMode": "none",
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "lineWidth": 1,
        "scaleDistribution": {"type": "linear"},
        "thresholdsStyle": {"mode": "off"},
    }
    field = f"{row}\\{column}"
    options = {
        "barRadius": 0,
        "barWidth": 0.8,
        "fullHighlight": False,
        "groupWidth": 0.7,
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "orientation": "vertical",
        "showValue": "never",
        "stacking": "normal",
        "tooltip": TOOLTIP,
        "xField": field,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 100,
    }
    matrix = {"columnField": column, "rowField": row, "valueField": "Value", "emptyValue": "null"}
    transformations = [
        {"id": "groupingToMatrix", "options": matrix},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": False}]}},
    ]
    return panel("barchart", title, description, [target(expr, table=True)], width, options, unit=unit,
                 custom=custom, color={"mode": SERIES}, min=0, panel_transformations=transformations, **more)


def ranking(title, description, expr, legend, width, *, unit, **more):
    """Horizontal bars, the longest first."""
    options = {
        "displayMode": "basic",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "text",
    }
    color = more.pop("color", {"mode": "fixed", "fixedColor": OK})
    return panel("bargauge", title, description, [target(expr, legend)], width, options, unit=unit, color=color, **more)


def timeline(title, description, targets, width, mapping, **more):
    """States over time, a line each."""
    custom = {"fillOpacity": 80, "hideFrom": {"legend": False, "tooltip": False, "viz": False}, "lineWidth": 0}
    options = {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.9,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel("state-timeline", title, description, targets, width, options, unit="none", custom=custom,
                 mappings=words(mapping), **more)


def column(name, expr=None, label=None, **properties):
    """A column of a table: the value of a query, or a label of one. A name of None: it only sorts the rows."""
    return {"name": name, "expr": expr, "label": label, "properties": properties}


def link(dashboard, title, variables):
    """A link of a cell to a dashboard."""
    kept = "${datasource:queryparam}&${instance:queryparam}"
    return [{"title": title, "url": f"/d/{dashboard}?{kept}&{variables}&${{__url_time_range}}", "targetBlank": False}]


def table(title, description, columns, width, *, sort, without=(), **more):
    """A table whose rows are joined by their labels. `sort` names a column; a `-` before it turns the order around.
    `without` are labels that only join."""
    queries = [entry for entry in columns if entry["expr"]]
    fields = {}
    for entry in columns:
        fields[id(entry)] = entry["label"] or f"Value #{chr(ord('A') + queries.index(entry))}"
    # With one query Grafana leaves the letter out.
    if len(queries) == 1:
        fields = {key: "Value" if field == "Value #A" else field for key, field in fields.items()}
    shown = [entry for entry in columns if entry["name"]]
    hidden = [entry for entry in columns if not entry["name"]]
    by_name = {entry["name"]: fields[id(entry)] for entry in shown}
    field = fields[id(hidden[0])] if sort in ("rank", "-rank") else by_name[sort.removeprefix("-")]
    order = {"fields": {}, "sort": [{"field": field, "desc": sort.startswith("-")}]}
    organize = {
        "excludeByName": {name: True for name in ["Time", *without, *(fields[id(entry)] for entry in hidden)]},
        "includeByName": {},
        "indexByName": {fields[id(entry)]: index for index, entry in enumerate(shown)},
        "renameByName": {fields[id(entry)]: entry["name"] for entry in shown},
    }
    options = {
        "cellHeight": "sm",
        "footer": {"countRows": False, "enablePagination": True, "reducer": ["sum"], "show": False},
        "showHeader": True,
    }
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False}
    overrides = [override(entry["name"], **entry["properties"]) for entry in shown if entry["properties"]]
    return panel("table", title, description, [target(entry["expr"], table=True) for entry in queries], width, options,
                 unit="none", custom=custom, overrides=overrides,
                 panel_transformations=[
                     {"id": "merge", "options": {}},
                     {"id": "sortBy", "options": order},
                     {"id": "organize", "options": organize},
                 ], **more)


TEXT_COLOR = {"type": "color-text"}
CELL_COLOR = {"type": "color-background", "mode": "basic"}
GAUGE = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}


def line(height, *panels):
    """Panels side by side."""
    assert sum(one["gridPos"]["w"] for one in panels) == 24, [one["title"] for one in panels]
    return height, panels


def row(title, *lines, collapsed=False):
    """Lines of panels under a heading, which may be closed. Without a title there is no heading."""
    return title, lines, collapsed


def arrange(rows):
    """Gives each panel its place and number."""
    result, y, number = [], 0, 0
    for title, lines, collapsed in rows:
        inside = []
        heading_height = 1 if title else 0
        if title:
            number += 1
            heading = {
                "id": number,
                "type": "row",
                "title": title,
                "collapsed": collapsed,
                "panels": [],
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
            }
        below = y + heading_height
        for height, panels in lines:
            x = 0
            for one in panels:
                number += 1
                width = one["gridPos"]["w"]
                inside.append({"id": number, **one, "gridPos": {"h": height, "w": width, "x": x, "y": below}})
                x += width
            below += height
        if title:
            result.append({**heading, "panels": inside if collapsed else []})
        if not collapsed:
            result += inside
        # What is closed takes the place of its heading alone.
        y = y + heading_height if collapsed else below
    return result


def variable(name, label, query, *, multi=True, **more):
    """A variable with the values of a label."""
    result = {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "regex": "",
        "multi": multi,
        "includeAll": multi,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]} if multi else {},
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }
    if multi:
        result["allValue"] = ".+"
    return {**result, **more}


def choice(name, label, description, values, chosen):
    """A variable with fixed values."""
    options = [{"selected": value == chosen, "text": value, "value": value} for value in values]
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "custom",
        "query": ",".join(values),
        "current": {"selected": True, "text": chosen, "value": chosen},
        "options": options,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "skipUrlSync": False,
    }


def annotation(name, expr, color, title, text):
    """Marks in time: each value of the query is an instant, in milliseconds."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": expr,
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": "",
        "step": "5m",
        "useValueForTime": "on",
    }


def requires(panels):
    """What grafana.com wants to know before it takes a dashboard."""
    kinds = {one["type"] for one in panels} | {inner["type"] for one in panels for inner in one.get("panels", [])}
    return [
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": GRAFANA},
        {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
    ] + [{"type": "panel", "id": kind, "name": NAMES[kind], "version": ""} for kind in sorted(kinds - {"row"})]


def dashboard(uid, title, description, tags, variables, rows, *, links, annotations, refresh="5m", since="now-7d"):
    """A whole dashboard. `__inputs` is empty: the variable chooses the data source, on an import as everywhere."""
    panels = arrange(rows)
    data_source = {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "current": {},
        "options": [],
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "skipUrlSync": False,
    }
    return {
        "__inputs": [],
        "__elements": {},
        "__requires": requires(panels),
        "uid": uid,
        "title": title,
        "description": description,
        "tags": tags,
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "timezone": "browser",
        "weekStart": "",
        "refresh": refresh,
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "links": links,
        "annotations": {"list": annotations},
        "templating": {"list": [data_source, *variables]},
        "panels": panels,
    }
