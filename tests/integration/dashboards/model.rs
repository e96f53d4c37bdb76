//! Dashboards and their queries, as far as the checks have to understand them.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// One dashboard file.
pub(super) struct Dashboard {
    text: String,
    json: Value,
}

/// One panel of a dashboard.
pub(super) struct Panel<'a>(&'a Value);

/// One variable of a dashboard.
pub(super) struct Variable<'a>(&'a Value);

/// One selector of a query: `function(name{matchers}[window])`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector {
    /// The function or aggregation right around it; empty where there is none.
    pub(super) function: String,
    /// The name of the series.
    pub(super) name: String,
    /// What stands between the braces.
    pub(super) matchers: String,
    /// The window with its brackets; empty where there is none.
    pub(super) window: String,
}

/// Every dashboard that ships.
pub(super) fn load() -> Vec<Dashboard> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/dashboards");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let json =
                serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
            Dashboard { text, json }
        })
        .collect()
}

impl Dashboard {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    pub(super) fn uid(&self) -> &str {
        self.json["uid"].as_str().expect("uid")
    }

    /// Panels and the headings between them, those below a closed heading among them.
    pub(super) fn panels(&self) -> impl Iterator<Item = Panel<'_>> {
        self.open_panels().flat_map(|panel| std::iter::once(Panel(panel.0)).chain(panel.inner()))
    }

    /// What is to be seen before anybody opens a heading.
    pub(super) fn open_panels(&self) -> impl Iterator<Item = Panel<'_>> {
        self.json["panels"].as_array().expect("panels").iter().map(Panel)
    }

    /// The queries whose results are marked on every graph.
    pub(super) fn annotations(&self) -> impl Iterator<Item = &Value> {
        self.json["annotations"]["list"].as_array().into_iter().flatten()
    }

    pub(super) fn variables(&self) -> Vec<Variable<'_>> {
        let list = self.json["templating"]["list"].as_array().expect("variables");
        list.iter().map(Variable).collect()
    }

    /// Every query with the name of the panel or the variable that makes it.
    pub(super) fn expressions(&self) -> Vec<(String, String)> {
        let panels = self.panels().flat_map(|panel| {
            let title = panel.title().to_owned();
            panel.expressions().into_iter().map(move |expression| (title.clone(), expression))
        });
        let variables = self.variables();
        let variables = variables.iter().filter(|variable| variable.kind() == "query").map(|variable| {
            let query = variable.json()["definition"].as_str().unwrap_or_default();
            (variable.name().to_owned(), query.to_owned())
        });
        let annotations = self.annotations().map(|annotation| {
            let text = |key: &str| annotation[key].as_str().unwrap_or_default().to_owned();
            (text("name"), text("expr"))
        });
        panels.chain(variables).chain(annotations).collect()
    }
}

impl<'a> Panel<'a> {
    pub(super) fn json(&self) -> &'a Value {
        self.0
    }

    pub(super) fn kind(&self) -> &'a str {
        self.0["type"].as_str().expect("type")
    }

    pub(super) fn title(&self) -> &'a str {
        self.0["title"].as_str().expect("title")
    }

    /// The panels below a closed heading.
    pub(super) fn inner(&self) -> impl Iterator<Item = Self> + use<'a> {
        self.0["panels"].as_array().into_iter().flatten().map(Panel)
    }

    /// A number of its place on the grid: x, y, w or h.
    pub(super) fn place(&self, key: &str) -> u64 {
        self.0["gridPos"][key].as_u64().expect("a place")
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = &'a Value> {
        self.0["targets"].as_array().into_iter().flatten()
    }

    pub(super) fn expressions(&self) -> Vec<String> {
        self.targets().map(|target| target["expr"].as_str().expect("expr").to_owned()).collect()
    }
}

impl<'a> Variable<'a> {
    pub(super) fn json(&self) -> &'a Value {
        self.0
    }

    pub(super) fn name(&self) -> &'a str {
        self.0["name"].as_str().expect("name")
    }

    pub(super) fn kind(&self) -> &'a str {
        self.0["type"].as_str().expect("type")
    }

    /// The series and the label of a `label_values(series, label)`.
    pub(super) fn label_values(&self) -> Option<(&'a str, &'a str)> {
        let query = self.0["definition"].as_str()?;
        let inner = query.strip_prefix("label_values(")?.strip_suffix(')')?;
        let (series, label) = inner.rsplit_once(',')?;
        Some((series.trim(), label.trim()))
    }
}

impl Selector {
    /// The labels that its matchers name.
    pub(super) fn labels(&self) -> Vec<&str> {
        static LABEL: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r#"(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*""#).unwrap());
        LABEL
            .captures_iter(&self.matchers)
            .filter_map(|found| found.get(1))
            .map(|label| label.as_str())
            .collect()
    }
}

/// The selectors of a query; see [`bare_names`] for those without braces.
pub(super) fn selectors(expression: &str) -> Vec<Selector> {
    static SELECTOR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?:(\w+)\s*\(\s*)?\b([A-Za-z_][A-Za-z0-9_:]*)\{([^}]*)\}(\[[^\]]*\])?"#).unwrap()
    });
    SELECTOR
        .captures_iter(expression)
        .map(|found| {
            let part = |index| found.get(index).map_or("", |part| part.as_str()).to_owned();
            Selector { function: part(1), name: part(2), matchers: part(3), window: part(4) }
        })
        .collect()
}

/// How many names of series have no braces after them.
pub(super) fn bare_names(expression: &str) -> usize {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b([A-Za-z_][\w:]*)(\{)?").unwrap());
    let names = NAME.captures_iter(expression).filter(|found| found.get(2).is_none());
    let of_series = |name: &str| {
        ["lyvecloud_", "process_", "scrape_", "ALERTS"].iter().any(|prefix| name.starts_with(prefix))
            || name.contains(':')
            || name == "up"
    };
    names.filter(|found| of_series(&found[1])).count()
}

/// The names of the variables in a query; `$1` of a replacement is none.
pub(super) fn variables_in(expression: &str) -> Vec<String> {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{?([A-Za-z_]\w*)").unwrap());
    VARIABLE.captures_iter(expression).map(|found| found[1].to_owned()).collect()
}

/// The labels that a query's first aggregation by label keeps, unless an aggregation around it takes them all away.
pub(super) fn outer_grouping(expression: &str) -> Vec<&str> {
    static GROUPING: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(?:sum|min|max|count|avg)(?: by \(([^)]*)\))? ?\(").unwrap());
    let first = GROUPING.captures(expression).and_then(|found| found.get(1));
    first.map_or_else(Vec::new, |labels| labels.as_str().split(',').map(str::trim).collect())
}

#[test]
fn selectors_are_found_with_what_is_around_them() {
    let found = selectors(r#"sum by (a) (rate(x_total{job=~"$job", b!="c"}[$__range])) / scalar(up{})"#);
    let selector = |function: &str, name: &str, matchers: &str, window: &str| Selector {
        function: function.to_owned(),
        name: name.to_owned(),
        matchers: matchers.to_owned(),
        window: window.to_owned(),
    };
    let rate = selector("rate", "x_total", r#"job=~"$job", b!="c""#, "[$__range]");
    assert_eq!(rate.labels(), ["job", "b"]);
    assert_eq!(found, [rate, selector("scalar", "up", "", "")]);
    assert_eq!(variables_in(r#"x{a="${b:regex}"}[$__range] $1"#), ["b", "__range"]);
    assert_eq!(outer_grouping("topk(3, max by (a, b) (x{}))"), ["a", "b"]);
    assert_eq!(outer_grouping("sum(max by (a, b) (x{}))"), Vec::<&str>::new());
}
