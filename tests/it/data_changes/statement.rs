//! Statements that change rows, as text and as what they do to a `Vec` of rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::expression::{
    COLUMNS, Condition, DivideByZero, Expr, Grammar, Kind, Plain, Query, Row, Scope, Source,
    Tables, Text, Value,
};
use crate::generated::Random;

/// What a table says of its rows.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// `id` is the primary key, `name` is unique.
    pub keys: bool,
    /// `score` and `v`.
    pub not_null: Vec<usize>,
    pub defaults: BTreeMap<usize, Value>,
}

impl Rules {
    pub fn default_of(&self, column: usize) -> Value {
        self.defaults.get(&column).cloned().unwrap_or(Value::Null)
    }

    /// SQLSTATE of what rows must not be.
    fn check(&self, rows: &[Row]) -> Result<(), Failure> {
        self.check_nulls(rows)?;
        for key in if self.keys { &[0, 1][..] } else { &[] } {
            for (number, row) in rows.iter().enumerate() {
                if row[*key] != Value::Null && rows[..number].iter().any(|r| r[*key] == row[*key]) {
                    return Err(Failure::Refused(vec!["23505"]));
                }
            }
        }
        Ok(())
    }

    fn check_nulls(&self, rows: &[Row]) -> Result<(), Failure> {
        let primary = if self.keys { &[0][..] } else { &[] };
        let mut columns = self.not_null.iter().chain(primary);
        match columns.any(|column| rows.iter().any(|row| row[*column] == Value::Null)) {
            true => Err(Failure::Refused(vec!["23502"])),
            false => Ok(()),
        }
    }
}

/// Why a statement changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// It is an error with one of these SQLSTATEs.
    Refused(Vec<&'static str>),
    /// What it does is not defined.
    Undefined,
}

impl From<DivideByZero> for Failure {
    fn from(_: DivideByZero) -> Self {
        Self::Refused(vec!["22012"])
    }
}

/// What a statement returned and what the table is then.
#[derive(Debug, Clone)]
pub struct Done {
    pub count: usize,
    pub returned: Option<Vec<Row>>,
    pub table: String,
    pub rows: Vec<Row>,
}

/// `USING` or `FROM`.
#[derive(Debug, Clone)]
enum Others {
    None,
    /// `(VALUES ..) AS o(id, name)`, whose ids are of one row each.
    Values(Vec<Row>),
    Table(String),
}

const OTHER: &str = "o";

#[derive(Debug, Clone)]
struct Top {
    /// `ORDER BY`, which `UPDATE` has not.
    column: Option<usize>,
    descending: bool,
    limit: usize,
}

#[derive(Debug, Clone)]
enum Returning {
    None,
    Star,
    Exprs(Vec<Expr>),
}

#[derive(Debug, Clone)]
enum Rows {
    Values(Vec<Vec<Expr>>),
    Query(Vec<Expr>, Query),
}

/// Columns that are set; `None` is the word `DEFAULT`.
type Sets = Vec<(usize, Option<Expr>)>;

#[derive(Debug, Clone)]
struct Conflict {
    /// `id` or `name`; `None` only with `DO NOTHING`.
    key: Option<usize>,
    update: Option<(Sets, Option<Condition>)>,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum What {
    Delete,
    /// `None` is the word `DEFAULT`.
    Update(Sets),
    Insert {
        columns: Vec<usize>,
        rows: Rows,
        conflict: Option<Conflict>,
    },
    Truncate,
}

#[derive(Debug, Clone)]
pub struct Statement {
    table: String,
    alias: Option<&'static str>,
    what: What,
    others: Others,
    filter: Option<Condition>,
    top: Option<Top>,
    returning: Returning,
}

impl Statement {
    pub fn table(&self) -> &str {
        &self.table
    }

    fn name(&self) -> &str {
        self.alias.unwrap_or(&self.table)
    }

    /// Any statement over one of the tables.
    pub fn of(random: &mut Random, rules: &BTreeMap<String, Rules>, tables: &Tables) -> Self {
        let names: Vec<&str> = tables.keys().map(String::as_str).collect();
        let table = random.pick(&names).to_string();
        let alias = *random.pick(&[None, None, Some("x")]);
        let name = alias.unwrap_or(&table).to_string();
        let rules = &rules[&table];
        let few = tables[&table].len() < 4;
        let many = tables[&table].len() > 24;
        let mut grammar = Grammar {
            random,
            tables: &names,
        };
        let target: Source = (name, 4);
        let mut statement = Self {
            table,
            alias,
            what: What::Delete,
            others: Others::None,
            filter: None,
            top: None,
            returning: Returning::None,
        };
        match grammar.random.below(20) {
            0 if !few => statement.what = What::Truncate,
            0..=8 if !many || few => {
                statement.what = insert(&mut grammar, rules, &target);
            }
            kind => {
                statement.others = others(&mut grammar);
                let mut sources = vec![target.clone()];
                match &statement.others {
                    Others::None => {}
                    Others::Values(_) => sources.push((OTHER.to_string(), 2)),
                    Others::Table(_) => sources.push((OTHER.to_string(), 4)),
                }
                let depth = grammar.random.below(3) as usize;
                let mut filter = grammar.condition(&sources, depth, Plain::Whole);
                if sources.len() > 1 {
                    let column = |source: &Source| Expr::Column(source.0.clone(), 0);
                    let (a, b) = (column(&sources[0]), column(&sources[1]));
                    let same = Condition::Compare("=", a, b);
                    filter = Condition::And(Box::new(same), Box::new(filter));
                }
                statement.filter = Some(filter).filter(|_| {
                    sources.len() > 1 || grammar.random.below(if many { 4 } else { 30 }) > 0
                });
                let updates = kind < 14;
                if sources.len() == 1 && grammar.random.below(6) == 0 {
                    statement.top = Some(match updates {
                        true => Top {
                            column: None,
                            descending: false,
                            limit: *grammar.random.pick(&[0, 1000]),
                        },
                        false => Top {
                            column: Some(grammar.random.below(3) as usize),
                            descending: grammar.random.below(2) == 0,
                            limit: grammar.random.below(4) as usize,
                        },
                    });
                }
                if updates {
                    let defined = match statement.others {
                        Others::Table(_) => &sources[..1],
                        _ => &sources[..],
                    };
                    statement.what = What::Update(sets(&mut grammar, defined, true));
                }
            }
        }
        if !matches!(statement.what, What::Truncate) {
            statement.returning = returning(&mut grammar, &target, &statement.others);
        }
        statement
    }

    pub fn write(&self, text: &mut Text) {
        let alias = self
            .alias
            .map_or(String::new(), |alias| format!(" AS {alias}"));
        let (table, joined) = (&self.table, matches!(self.others, Others::None));
        match &self.what {
            What::Truncate => return text.push(format!("TRUNCATE {table}")),
            What::Delete => text.push(format!("DELETE FROM {table}{alias}")),
            What::Update(sets) => {
                text.push(format!("UPDATE {table}{alias} SET "));
                write_sets(text, sets);
            }
            What::Insert {
                columns,
                rows,
                conflict,
            } => {
                text.push(format!("INSERT INTO {table}{alias} ({}) ", names(columns)));
                write_rows(text, rows);
                if let Some(conflict) = conflict {
                    write_conflict(text, conflict);
                }
            }
        }
        if !joined {
            let word = if matches!(self.what, What::Delete) {
                "USING"
            } else {
                "FROM"
            };
            text.push(format!(" {word} "));
            match &self.others {
                Others::Values(rows) => {
                    let rows = rows
                        .iter()
                        .map(|row| format!("({}, {})", row[0].sql(), row[1].sql()));
                    let rows = rows.collect::<Vec<_>>().join(", ");
                    text.push(format!("(VALUES {rows}) AS {OTHER}(id, name)"));
                }
                Others::Table(other) => text.push(format!("{other} AS {OTHER}")),
                Others::None => {}
            }
        }
        if let Some(filter) = &self.filter {
            text.push(" WHERE ");
            text.condition(filter);
        }
        match &self.returning {
            Returning::None => {}
            Returning::Star if joined => text.push(" RETURNING *"),
            Returning::Star => text.push(format!(" RETURNING {}.*", self.name())),
            Returning::Exprs(exprs) => {
                text.push(" RETURNING ");
                for (number, expr) in exprs.iter().enumerate() {
                    text.push(if number == 0 { "" } else { ", " });
                    text.expr(expr);
                    text.push(format!(" AS r{number}"));
                }
            }
        }
        if let Some(top) = &self.top {
            if let Some(column) = top.column {
                let direction = if top.descending { "DESC" } else { "ASC" };
                let (name, column) = (self.name(), COLUMNS[column].0);
                text.push(format!(" ORDER BY {name}.{column} {direction}"));
            }
            text.push(format!(" LIMIT {}", top.limit));
        }
    }

    /// What the statement does to the tables.
    ///
    /// # Errors
    /// It fails, or does one of several things.
    pub fn apply(&self, rules: &BTreeMap<String, Rules>, tables: &Tables) -> Result<Done, Failure> {
        let rules = &rules[&self.table];
        let scope = Scope::new(tables);
        let mut rows = tables[&self.table].clone();
        // The changed rows, with what else is in sight of RETURNING.
        let mut changed: Vec<(Row, Option<Row>)> = Vec::new();
        match &self.what {
            What::Truncate => rows.clear(),
            What::Insert {
                columns,
                rows: source,
                conflict,
            } => {
                let new = new_rows(rules, columns, source, &scope)?;
                rules.check_nulls(&new)?;
                match conflict {
                    None => {
                        changed.extend(new.iter().map(|row| (row.clone(), None)));
                        rows.extend(new);
                    }
                    Some(conflict) => {
                        let done = conflict.apply(self.name(), rules, &scope, &mut rows, new)?;
                        changed.extend(done.into_iter().map(|row| (row, None)));
                    }
                }
            }
            What::Delete | What::Update(_) => {
                let mut named = Vec::new();
                for (number, row) in rows.iter().enumerate() {
                    let scope = scope.with(self.name(), row);
                    for other in self.matches(tables) {
                        let scope = match &other {
                            Some(other) => scope.with(OTHER, other),
                            None => scope.clone(),
                        };
                        let holds = match &self.filter {
                            None => Some(true),
                            Some(filter) => filter.holds(&scope)?,
                        };
                        if holds == Some(true) {
                            named.push((number, other));
                            break;
                        }
                    }
                }
                if let Some(top) = &self.top {
                    named = top.of(&rows, named)?;
                }
                let old = rows.clone();
                for (number, other) in &named {
                    let mut scope = scope.with(self.name(), &old[*number]);
                    if let Some(other) = other {
                        scope = scope.with(OTHER, other);
                    }
                    if let What::Update(sets) = &self.what {
                        set(rules, sets, &scope, &mut rows[*number])?;
                    }
                    changed.push((rows[*number].clone(), other.clone()));
                }
                if matches!(self.what, What::Delete) {
                    let mut number = 0;
                    rows.retain(|_| {
                        number += 1;
                        !named.iter().any(|(gone, _)| *gone == number - 1)
                    });
                }
            }
        }
        let refused = rules.check(&rows);
        let returned = self.returned(&scope, &changed);
        // Which of both is found first is left open.
        if let (Err(Failure::Refused(mut states)), Err(_)) = (refused.clone(), &returned) {
            states.push("22012");
            return Err(Failure::Refused(states));
        }
        refused?;
        let returned = returned?;
        let count = match self.what {
            What::Truncate => tables[&self.table].len(),
            _ => changed.len(),
        };
        Ok(Done {
            count,
            returned,
            table: self.table.clone(),
            rows,
        })
    }

    fn returned(
        &self,
        scope: &Scope,
        changed: &[(Row, Option<Row>)],
    ) -> Result<Option<Vec<Row>>, DivideByZero> {
        let exprs = match &self.returning {
            Returning::None => return Ok(None),
            Returning::Star => {
                return Ok(Some(changed.iter().map(|(row, _)| row.clone()).collect()));
            }
            Returning::Exprs(exprs) => exprs,
        };
        let mut returned = Vec::new();
        for (row, other) in changed {
            let mut scope = scope.with(self.name(), row);
            if let Some(other) = other {
                scope = scope.with(OTHER, other);
            }
            let values = exprs.iter().map(|expr| expr.value(&scope));
            returned.push(values.collect::<Result<Row, _>>()?);
        }
        Ok(Some(returned))
    }

    fn matches(&self, tables: &Tables) -> Vec<Option<Row>> {
        match &self.others {
            Others::None => vec![None],
            Others::Values(rows) => rows.iter().cloned().map(Some).collect(),
            Others::Table(other) => tables[other].iter().cloned().map(Some).collect(),
        }
    }
}

impl Top {
    /// The first rows in PostgreSQL's order, in which NULL is the greatest.
    fn of(
        &self,
        rows: &[Row],
        mut named: Vec<(usize, Option<Row>)>,
    ) -> Result<Vec<(usize, Option<Row>)>, Failure> {
        if let Some(column) = self.column {
            let key = |number: usize| &rows[number][column];
            named.sort_by(|(a, _), (b, _)| {
                let (a, b) = (key(*a), key(*b));
                let nulls = (*a == Value::Null).cmp(&(*b == Value::Null));
                let order = nulls.then_with(|| a.compare(b).unwrap_or(Ordering::Equal));
                match self.descending {
                    true => order.reverse(),
                    false => order,
                }
            });
            if self.limit > 0
                && named.len() > self.limit
                && key(named[self.limit - 1].0) == key(named[self.limit].0)
            {
                return Err(Failure::Undefined);
            }
        }
        named.truncate(self.limit);
        Ok(named)
    }
}

impl Conflict {
    /// Returns the rows that were inserted or changed.
    fn apply(
        &self,
        name: &str,
        rules: &Rules,
        scope: &Scope,
        rows: &mut Vec<Row>,
        new: Vec<Row>,
    ) -> Result<Vec<Row>, Failure> {
        let keys = match self.key {
            Some(key) => vec![key],
            None if rules.keys => vec![0, 1],
            None => Vec::new(),
        };
        let there = rows.clone();
        let mut changed = vec![false; there.len()];
        let mut inserted = Vec::new();
        for row in new {
            let same = |other: &Row| {
                keys.iter()
                    .any(|key| row[*key] != Value::Null && row[*key] == other[*key])
            };
            let old = there.iter().position(same);
            match (&self.update, old, inserted.iter().any(same)) {
                (_, None, false) => inserted.push(row),
                (None, _, _) => {}
                (Some(_), None, true) => return Err(Failure::Refused(vec!["21000"])),
                (Some((sets, filter)), Some(old), _) => {
                    let scope = scope.with(name, &there[old]).with("excluded", &row);
                    let holds = match filter {
                        None => Some(true),
                        Some(filter) => filter.holds(&scope)?,
                    };
                    if holds == Some(true) {
                        if std::mem::replace(&mut changed[old], true) {
                            return Err(Failure::Refused(vec!["21000"]));
                        }
                        set(rules, sets, &scope, &mut rows[old])?;
                    }
                }
            }
        }
        let mut done: Vec<Row> = (0..there.len())
            .filter(|number| changed[*number])
            .map(|number| rows[number].clone())
            .collect();
        done.extend(inserted.iter().cloned());
        rows.extend(inserted);
        Ok(done)
    }
}

fn set(
    rules: &Rules,
    sets: &[(usize, Option<Expr>)],
    scope: &Scope,
    row: &mut Row,
) -> Result<(), DivideByZero> {
    for (column, value) in sets {
        row[*column] = match value {
            None => rules.default_of(*column),
            Some(value) => value.value(scope)?,
        };
    }
    Ok(())
}

fn new_rows(
    rules: &Rules,
    columns: &[usize],
    source: &Rows,
    scope: &Scope,
) -> Result<Vec<Row>, DivideByZero> {
    let blank: Row = (0..4).map(|column| rules.default_of(column)).collect();
    let mut new = Vec::new();
    match source {
        Rows::Values(rows) => {
            for values in rows {
                let mut row = blank.clone();
                for (column, value) in columns.iter().zip(values) {
                    row[*column] = value.value(scope)?;
                }
                new.push(row);
            }
        }
        Rows::Query(exprs, query) => {
            for there in &scope.tables[&query.table] {
                let scope = scope.with(&query.alias, there);
                if query.filter.holds(&scope)? != Some(true) {
                    continue;
                }
                let mut row = blank.clone();
                for (column, expr) in columns.iter().zip(exprs) {
                    row[*column] = expr.value(&scope)?;
                }
                new.push(row);
            }
        }
    }
    Ok(new)
}

fn names(columns: &[usize]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| COLUMNS[*column].0).collect();
    names.join(", ")
}

fn write_sets(text: &mut Text, sets: &[(usize, Option<Expr>)]) {
    for (number, (column, value)) in sets.iter().enumerate() {
        text.push(if number == 0 { "" } else { ", " });
        text.push(format!("{} = ", COLUMNS[*column].0));
        match value {
            None => text.push("DEFAULT"),
            Some(value) => text.expr(value),
        }
    }
}

fn write_rows(text: &mut Text, rows: &Rows) {
    match rows {
        Rows::Values(rows) => {
            text.push("VALUES ");
            for (number, row) in rows.iter().enumerate() {
                text.push(if number == 0 { "(" } else { "), (" });
                for (place, value) in row.iter().enumerate() {
                    text.push(if place == 0 { "" } else { ", " });
                    match value {
                        // DataFusion's VALUES are not of literals and parameters of pgvector's types at once.
                        Expr::Literal(vector, Kind::Vector) if rows.len() > 1 => {
                            text.push(vector.sql());
                        }
                        value => text.expr(value),
                    }
                }
            }
            text.push(")");
        }
        Rows::Query(exprs, query) => {
            text.push("SELECT ");
            for (number, expr) in exprs.iter().enumerate() {
                text.push(if number == 0 { "" } else { ", " });
                text.expr(expr);
                text.push(format!(" AS c{number}"));
            }
            text.push(format!(" FROM {} AS {} WHERE ", query.table, query.alias));
            text.condition(&query.filter);
        }
    }
}

fn write_conflict(text: &mut Text, conflict: &Conflict) {
    text.push(" ON CONFLICT");
    if let Some(key) = conflict.key {
        text.push(format!(" ({})", COLUMNS[key].0));
    }
    match &conflict.update {
        None => text.push(" DO NOTHING"),
        Some((sets, filter)) => {
            text.push(" DO UPDATE SET ");
            write_sets(text, sets);
            if let Some(filter) = filter {
                text.push(" WHERE ");
                text.condition(filter);
            }
        }
    }
}

fn others(grammar: &mut Grammar) -> Others {
    match grammar.random.below(8) {
        0 => {
            let first = grammar.random.below(4) as i64;
            let rows = (first..first + 3).map(|id| {
                let name = *grammar.random.pick(&["a", "k", "m"]);
                vec![Value::Int(id), Value::Text(name.to_string())]
            });
            Others::Values(rows.collect())
        }
        1 => Others::Table(grammar.random.pick(grammar.tables).to_string()),
        _ => Others::None,
    }
}

fn sets(grammar: &mut Grammar, sources: &[Source], whole: bool) -> Vec<(usize, Option<Expr>)> {
    let mut columns: Vec<usize> = (0..4).filter(|_| grammar.random.below(3) == 0).collect();
    if columns.is_empty() {
        columns.push(2);
    }
    if grammar.random.below(2) == 0 {
        columns.reverse();
    }
    columns
        .into_iter()
        .map(|column| {
            let value = match grammar.random.below(12) {
                0 => None,
                _ => Some(grammar.expr(sources, COLUMNS[column].1, whole)),
            };
            (column, value)
        })
        .collect()
}

fn insert(grammar: &mut Grammar, rules: &Rules, target: &Source) -> What {
    let mut columns = vec![0, 1, 2, 3];
    match grammar.random.below(4) {
        0 => columns.reverse(),
        1 => {
            let left_out = grammar.random.below(4) as usize;
            columns.remove(left_out);
        }
        _ => {}
    }
    let conflict = (rules.keys && grammar.random.below(2) == 0).then(|| {
        let key = *grammar.random.pick(&[Some(0), Some(0), Some(1), None]);
        let update = (key.is_some() && grammar.random.below(3) > 0).then(|| {
            let sources = [target.clone(), ("excluded".to_string(), 4)];
            let sets = sets(grammar, &sources, false);
            let filter = (grammar.random.below(2) == 0).then(|| grammar.simple(&sources));
            (sets, filter)
        });
        Conflict { key, update }
    });
    // Which of two rows of a query comes first is not defined.
    let rows = match grammar.random.below(4) {
        0 if conflict.is_none() => {
            let alias = "s".to_string();
            let sources = [(alias.clone(), 4)];
            let exprs = columns
                .iter()
                .map(|column| match (rules.keys, column) {
                    (true, 0) => Expr::Plus(
                        Box::new(Expr::Column(alias.clone(), 0)),
                        Value::Int(20 + grammar.random.below(60) as i64),
                    ),
                    (true, 1) => Expr::Literal(Value::Null, Kind::Text),
                    _ => grammar.expr(&sources, COLUMNS[*column].1, true),
                })
                .collect();
            let filter = Box::new(grammar.condition(&sources, 1, Plain::Whole));
            let table = grammar.random.pick(grammar.tables).to_string();
            Rows::Query(
                exprs,
                Query {
                    table,
                    alias,
                    column: 0,
                    filter,
                },
            )
        }
        _ => {
            let rows = (0..1 + grammar.random.below(3)).map(|_| {
                columns
                    .iter()
                    .map(|column| match (grammar.random.below(3), column) {
                        // Keys that are mostly new.
                        (0..=1, 0) => {
                            let id = Value::Int(grammar.random.below(40) as i64);
                            Expr::Literal(id, Kind::Int)
                        }
                        (0..=1, 1) if rules.keys => {
                            let name = format!("n{}", grammar.random.below(40));
                            Expr::Literal(Value::Text(name), Kind::Text)
                        }
                        _ => grammar.literal(COLUMNS[*column].1),
                    })
                    .collect()
            });
            Rows::Values(rows.collect())
        }
    };
    What::Insert {
        columns,
        rows,
        conflict,
    }
}

fn returning(grammar: &mut Grammar, target: &Source, others: &Others) -> Returning {
    let mut sources = vec![target.clone()];
    if matches!(others, Others::Values(_)) {
        sources.push((OTHER.to_string(), 2));
    }
    match grammar.random.below(6) {
        0 => Returning::Star,
        1..=2 => {
            let kinds = COLUMNS.map(|(_, kind)| kind);
            let mut exprs: Vec<Expr> = (0..1 + grammar.random.below(3))
                .map(|_| {
                    let kind = *grammar.random.pick(&kinds);
                    grammar.expr(&sources, kind, false)
                })
                .collect();
            if grammar.random.below(4) == 0 {
                let by = grammar.random.below(8) as i64;
                let id = Expr::Column(target.0.clone(), 0);
                exprs.push(Expr::Quotient(Box::new(id), by));
            }
            Returning::Exprs(exprs)
        }
        _ => Returning::None,
    }
}
