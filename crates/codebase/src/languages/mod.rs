//! The languages: one file each, one line each here.
//!
//! A language is a [`Table`]: how its files are known, its grammar, and what the grammar's kinds of nodes mean.

mod import_text;
mod names;
mod table;

pub(crate) use table::{
    Definition, Exports, ImportSink, Mended, Resolve, Role, Source, Table, Visible, Words,
};

/// Declares the modules of the languages and lists their tables.
macro_rules! languages {
    ($($module:ident)*) => {
        $(mod $module;)*
        /// Every language, in the order of detection.
        pub(crate) static TABLES: &[&Table] = &[$(&$module::TABLE),*];
    };
}

languages! {
    text
    bash
    c
    cpp
    csharp
    css
    go
    html
    java
    javascript
    json
    kotlin
    lua
    markdown
    php
    python
    ruby
    rust
    scala
    sql
    swift
    toml
    tsx
    typescript
    yaml
}
