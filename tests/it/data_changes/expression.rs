//! Expressions, as text for SQL and as the plain model reads them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::generated::Random;

/// The columns of every table.
pub const COLUMNS: [(&str, Kind); 4] = [
    ("id", Kind::Int),
    ("name", Kind::Text),
    ("score", Kind::Double),
    ("v", Kind::Vector),
];

pub type Row = Vec<Value>;
pub type Tables = BTreeMap<String, Vec<Row>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
    Double,
    Vector,
}

impl Kind {
    pub fn sql(self) -> &'static str {
        match self {
            Self::Int => "BIGINT",
            Self::Text => "TEXT",
            Self::Double => "DOUBLE",
            Self::Vector => "vector(2)",
        }
    }
}

/// Numbers are small and halves: sums and comparisons are exact.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Double(f64),
    Vector([f32; 2]),
}

impl Value {
    pub fn of(random: &mut Random, kind: Kind) -> Self {
        if random.below(6) == 0 {
            return Self::Null;
        }
        let number = random.below(9) as i64 - 1;
        match kind {
            Kind::Int => Self::Int(number),
            Kind::Text => Self::Text(random.pick(&["a", "b", "c", "d", "o'e", ""]).to_string()),
            Kind::Double => Self::Double(number as f64 / 2.0),
            Kind::Vector => Self::Vector([number as f32, random.below(4) as f32]),
        }
    }

    /// As a literal that stands anywhere.
    pub fn sql(&self) -> String {
        match self {
            Self::Null => "NULL".to_string(),
            Self::Int(value) => format!("{value}"),
            Self::Text(value) => format!("'{}'", value.replace('\'', "''")),
            Self::Double(value) => format!("{value:.1}"),
            Self::Vector([a, b]) => format!("'[{a},{b}]'"),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Double(value) => Some(*value),
            _ => None,
        }
    }

    /// PostgreSQL's order; `None` where one is NULL.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }
}

#[derive(Debug, Clone)]
pub enum Expr {
    /// A literal, or a parameter where the statement is prepared.
    Literal(Value, Kind),
    Column(String, usize),
    Plus(Box<Expr>, Value),
    Coalesce(Box<Expr>, Value),
    /// `v <-> '[..]'`, or `<+>`.
    Distance(Box<Expr>, &'static str, [f32; 2]),
    /// `(SELECT max(..) ..)`.
    Max(Query),
    Case(Box<Condition>, Box<Expr>, Box<Expr>),
    /// `6 / (e - k)`, which fails where `e` is `k`.
    Quotient(Box<Expr>, i64),
}

#[derive(Debug, Clone)]
pub enum Condition {
    Constant(Option<bool>),
    Compare(&'static str, Expr, Expr),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    IsNull(Expr, bool),
    InList(Expr, Vec<Expr>, bool),
    InQuery(Expr, Query, bool),
    Exists(Query, bool),
}

/// `SELECT alias.column FROM table AS alias WHERE filter`.
#[derive(Debug, Clone)]
pub struct Query {
    pub table: String,
    pub alias: String,
    pub column: usize,
    pub filter: Box<Condition>,
}

/// What names stand for.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    pub tables: &'a Tables,
    pub rows: Vec<(String, Row)>,
}

impl<'a> Scope<'a> {
    pub fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            rows: Vec::new(),
        }
    }

    pub fn with(&self, alias: &str, row: &Row) -> Self {
        let mut scope = self.clone();
        scope.rows.push((alias.to_string(), row.clone()));
        scope
    }
}

/// Why a statement fails.
#[derive(Debug, Clone, PartialEq)]
pub struct DivideByZero;

impl Expr {
    /// # Errors
    /// A division by zero.
    pub fn value(&self, scope: &Scope) -> Result<Value, DivideByZero> {
        Ok(match self {
            Self::Literal(value, _) => value.clone(),
            Self::Column(alias, column) => {
                let named = scope.rows.iter().rev().find(|(name, _)| name == alias);
                named.unwrap().1[*column].clone()
            }
            Self::Plus(expr, more) => match (expr.value(scope)?, more) {
                (Value::Int(a), Value::Int(b)) => Value::Int(a + b),
                (Value::Double(a), Value::Double(b)) => Value::Double(a + b),
                (Value::Vector(a), Value::Vector(b)) => Value::Vector([a[0] + b[0], a[1] + b[1]]),
                (Value::Text(a), Value::Text(b)) => Value::Text(a + b),
                _ => Value::Null,
            },
            Self::Coalesce(expr, other) => match expr.value(scope)? {
                Value::Null => other.clone(),
                value => value,
            },
            Self::Distance(expr, operator, to) => match expr.value(scope)? {
                Value::Vector(from) => {
                    let by = [0, 1].map(|d| f64::from(from[d] - to[d]));
                    Value::Double(match *operator {
                        "<->" => by[0].hypot(by[1]),
                        _ => by[0].abs() + by[1].abs(),
                    })
                }
                _ => Value::Null,
            },
            Self::Max(query) => {
                let mut most = Value::Null;
                for value in query.values(scope)? {
                    if most == Value::Null || value.compare(&most) == Some(Ordering::Greater) {
                        most = value;
                    }
                }
                most
            }
            Self::Case(when, then, other) => match when.holds(scope)? {
                Some(true) => then.value(scope)?,
                _ => other.value(scope)?,
            },
            Self::Quotient(expr, by) => match expr.value(scope)? {
                Value::Int(value) if value == *by => return Err(DivideByZero),
                Value::Int(value) => Value::Int(6 / (value - by)),
                _ => Value::Null,
            },
        })
    }
}

impl Query {
    fn values(&self, scope: &Scope) -> Result<Vec<Value>, DivideByZero> {
        let mut values = Vec::new();
        for row in &scope.tables[&self.table] {
            if self.filter.holds(&scope.with(&self.alias, row))? == Some(true) {
                values.push(row[self.column].clone());
            }
        }
        Ok(values)
    }
}

impl Condition {
    /// Three-valued: `None` is NULL.
    ///
    /// # Errors
    /// A division by zero.
    pub fn holds(&self, scope: &Scope) -> Result<Option<bool>, DivideByZero> {
        let negate = |value: Option<bool>, negated: bool| value.map(|value| value != negated);
        Ok(match self {
            Self::Constant(value) => *value,
            Self::Compare(operator, a, b) => {
                let order = a.value(scope)?.compare(&b.value(scope)?);
                order.map(|order| match *operator {
                    "=" => order.is_eq(),
                    "<>" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Self::And(a, b) => match (a.holds(scope)?, b.holds(scope)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(a, b) => match (a.holds(scope)?, b.holds(scope)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(condition) => condition.holds(scope)?.map(|value| !value),
            Self::IsNull(expr, negated) => Some((expr.value(scope)? == Value::Null) != *negated),
            Self::InList(expr, list, negated) => {
                let list = list.iter().map(|item| item.value(scope));
                let list = list.collect::<Result<Vec<_>, _>>()?;
                negate(is_among(&expr.value(scope)?, &list), *negated)
            }
            Self::InQuery(expr, query, negated) => {
                let list = query.values(scope)?;
                negate(is_among(&expr.value(scope)?, &list), *negated)
            }
            Self::Exists(query, negated) => Some(query.values(scope)?.is_empty() == *negated),
        })
    }
}

fn is_among(value: &Value, list: &[Value]) -> Option<bool> {
    let mut unknown = false;
    for item in list {
        match value.compare(item) {
            Some(order) if order.is_eq() => return Some(true),
            Some(_) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(false)
}

/// The text of a statement, and its parameters where it is to be prepared.
#[derive(Debug, Default)]
pub struct Text {
    pub sql: String,
    /// What literals that became parameters are.
    pub parameters: Option<Vec<(Value, Kind)>>,
}

impl Text {
    pub fn push(&mut self, text: impl AsRef<str>) {
        self.sql.push_str(text.as_ref());
    }

    pub fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(value, kind) => match &mut self.parameters {
                Some(parameters) if parameters.len() < 6 => {
                    parameters.push((value.clone(), *kind));
                    write!(self.sql, "${}", parameters.len()).unwrap();
                }
                _ => self.push(value.sql()),
            },
            Expr::Column(alias, column) => {
                self.push(format!("{alias}.{}", COLUMNS[*column].0));
            }
            Expr::Plus(expr, more) => {
                let operator = if matches!(more, Value::Text(_)) {
                    "||"
                } else {
                    "+"
                };
                self.push("(");
                self.expr(expr);
                self.push(format!(" {operator} {})", more.sql()));
            }
            Expr::Coalesce(expr, other) => {
                self.push("coalesce(");
                self.expr(expr);
                self.push(format!(", {})", other.sql()));
            }
            Expr::Distance(expr, operator, to) => {
                self.push("(");
                self.expr(expr);
                self.push(format!(" {operator} {})", Value::Vector(*to).sql()));
            }
            Expr::Max(query) => {
                self.push(format!(
                    "(SELECT max({}.{})",
                    query.alias, COLUMNS[query.column].0
                ));
                self.from(query);
            }
            Expr::Case(when, then, other) => {
                self.push("CASE WHEN ");
                self.condition(when);
                self.push(" THEN ");
                self.expr(then);
                self.push(" ELSE ");
                self.expr(other);
                self.push(" END");
            }
            Expr::Quotient(expr, by) => {
                self.push("6 / (");
                self.expr(expr);
                self.push(format!(" - {by})"));
            }
        }
    }

    fn from(&mut self, query: &Query) {
        self.push(format!(" FROM {} AS {} WHERE ", query.table, query.alias));
        self.condition(&query.filter);
        self.push(")");
    }

    pub fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Constant(value) => self.push(match value {
                None => "NULL",
                Some(true) => "true",
                Some(false) => "false",
            }),
            Condition::Compare(operator, a, b) => {
                self.expr(a);
                self.push(format!(" {operator} "));
                self.expr(b);
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.push("(");
                self.condition(a);
                self.push(match condition {
                    Condition::And(_, _) => " AND ",
                    _ => " OR ",
                });
                self.condition(b);
                self.push(")");
            }
            Condition::Not(inner) => {
                self.push("NOT (");
                self.condition(inner);
                self.push(")");
            }
            Condition::IsNull(expr, negated) => {
                self.expr(expr);
                self.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            Condition::InList(expr, list, negated) => {
                self.expr(expr);
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                for (number, item) in list.iter().enumerate() {
                    self.push(if number == 0 { "" } else { ", " });
                    self.expr(item);
                }
                self.push(")");
            }
            Condition::InQuery(expr, query, negated) => {
                self.expr(expr);
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.push(format!(
                    "SELECT {}.{}",
                    query.alias, COLUMNS[query.column].0
                ));
                self.from(query);
            }
            Condition::Exists(query, negated) => {
                self.push(if *negated {
                    "NOT EXISTS (SELECT 1"
                } else {
                    "EXISTS (SELECT 1"
                });
                self.from(query);
            }
        }
    }
}

/// A name in sight, and how many of [`COLUMNS`] it has.
pub type Source = (String, usize);

/// Makes expressions over what is in sight.
pub struct Grammar<'a> {
    pub random: &'a mut Random,
    pub tables: &'a [&'a str],
}

impl Grammar<'_> {
    fn column(&mut self, sources: &[Source], kind: Kind) -> Option<Expr> {
        let place = COLUMNS.iter().position(|(_, k)| *k == kind).unwrap();
        let having: Vec<&Source> = sources.iter().filter(|(_, n)| place < *n).collect();
        if having.is_empty() {
            return None;
        }
        Some(Expr::Column(self.random.pick(&having).0.clone(), place))
    }

    fn kind(&mut self) -> Kind {
        *self
            .random
            .pick(&[Kind::Int, Kind::Int, Kind::Text, Kind::Double])
    }

    pub fn literal(&mut self, kind: Kind) -> Expr {
        Expr::Literal(Value::of(self.random, kind), kind)
    }

    fn present(&mut self, kind: Kind) -> Value {
        loop {
            let value = Value::of(self.random, kind);
            if value != Value::Null {
                return value;
            }
        }
    }

    fn vector(&mut self) -> [f32; 2] {
        [self.random.below(5) as f32, self.random.below(4) as f32]
    }

    /// An expression of a kind. `whole` also has subqueries and `CASE`.
    pub fn expr(&mut self, sources: &[Source], kind: Kind, whole: bool) -> Expr {
        let Some(column) = self.column(sources, kind) else {
            return self.literal(kind);
        };
        match self.random.below(9) {
            0..=2 => column,
            3 => self.literal(kind),
            4 if kind != Kind::Text => {
                let more = self.present(kind);
                Expr::Plus(Box::new(column), more)
            }
            5 => {
                let other = self.present(kind);
                Expr::Coalesce(Box::new(column), other)
            }
            6 if kind == Kind::Double && sources.iter().any(|(_, n)| *n == 4) => {
                let from = self.column(sources, Kind::Vector).unwrap();
                Expr::Distance(Box::new(from), "<+>", self.vector())
            }
            7 if whole && kind != Kind::Vector => {
                let mut query = self.query(&[], kind);
                query.filter = Box::new(self.simple(&[(query.alias.clone(), 4)]));
                Expr::Max(query)
            }
            8 if whole && kind != Kind::Vector => {
                let when = self.simple(sources);
                let other = self.literal(kind);
                Expr::Case(Box::new(when), Box::new(column), Box::new(other))
            }
            _ => column,
        }
    }

    /// A condition without subqueries.
    pub fn simple(&mut self, sources: &[Source]) -> Condition {
        let kind = self.kind();
        let expr = self.column(sources, kind);
        let Some(expr) = expr else {
            return Condition::Constant(Some(true));
        };
        let has_vectors = sources.iter().any(|(_, n)| *n == 4);
        match self.random.below(12) {
            0 => Condition::Constant(*self.random.pick(&[None, Some(false), Some(true)])),
            1 => {
                let kind = *self.random.pick(&[Kind::Int, Kind::Text]);
                let column = self.column(sources, kind).unwrap();
                Condition::IsNull(column, self.random.below(2) == 0)
            }
            2 if has_vectors => {
                let column = self.column(sources, Kind::Vector).unwrap();
                Condition::IsNull(column, self.random.below(2) == 0)
            }
            3..=4 => {
                let list = (0..1 + self.random.below(3)).map(|_| self.literal(kind));
                let list = list.collect();
                Condition::InList(expr, list, self.random.below(2) == 0)
            }
            5..=6 if has_vectors => {
                let column = self.column(sources, Kind::Vector).unwrap();
                let distance = Expr::Distance(Box::new(column), "<->", self.vector());
                // No distance of whole numbers is a half.
                let radius = Value::Double(self.random.below(6) as f64 + 0.5);
                let operator = *self.random.pick(&["<", ">="]);
                Condition::Compare(operator, distance, Expr::Literal(radius, Kind::Double))
            }
            _ => {
                let operator = *self.random.pick(&["=", "=", "<>", "<", "<=", ">", ">="]);
                let other = self.expr(sources, kind, false);
                Condition::Compare(operator, expr, other)
            }
        }
    }

    fn query(&mut self, outer: &[Source], kind: Kind) -> Query {
        let alias = format!("q{}", outer.len());
        let column = COLUMNS.iter().position(|(_, k)| *k == kind).unwrap();
        Query {
            table: self.random.pick(self.tables).to_string(),
            alias,
            column,
            filter: Box::new(Condition::Constant(Some(true))),
        }
    }

    /// A condition with all there is. Of one that is not `plain`, DataFusion takes the NULL of `IN (SELECT ..)` for false.
    pub fn condition(&mut self, sources: &[Source], depth: usize, plain: Plain) -> Condition {
        let kind = self.kind();
        match self.random.below(10) {
            0..=1 if depth > 0 => Condition::And(
                Box::new(self.condition(sources, depth - 1, plain)),
                Box::new(self.condition(sources, depth - 1, plain)),
            ),
            2..=3 if depth > 0 => {
                let plain = plain.max(Plain::Part);
                Condition::Or(
                    Box::new(self.condition(sources, depth - 1, plain)),
                    Box::new(self.condition(sources, depth - 1, plain)),
                )
            }
            4 if depth > 0 => {
                Condition::Not(Box::new(self.condition(sources, depth - 1, Plain::No)))
            }
            5..=6 if plain < Plain::No => {
                let mut query = self.query(sources, kind);
                let inner = [(query.alias.clone(), 4)];
                query.filter = Box::new(self.simple(&inner));
                let expr = self.expr(sources, kind, false);
                let negated = plain == Plain::Whole && self.random.below(2) == 0;
                Condition::InQuery(expr, query, negated)
            }
            7 => {
                let mut query = self.query(sources, kind);
                let inner = [(query.alias.clone(), 4)];
                let mut filter = self.simple(&inner);
                if let Some(outer) = self.column(sources, kind)
                    && self.random.below(4) > 0
                {
                    let column = Expr::Column(query.alias.clone(), query.column);
                    let correlated = Condition::Compare("=", column, outer);
                    filter = Condition::And(Box::new(correlated), Box::new(filter));
                }
                query.filter = Box::new(filter);
                Condition::Exists(query, self.random.below(2) == 0)
            }
            _ => self.simple(sources),
        }
    }
}

/// Where a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plain {
    /// It is the whole one, or one of those that must all hold.
    Whole,
    /// Under `OR`, where NULL and false come to the same.
    Part,
    /// Under `NOT`.
    No,
}
