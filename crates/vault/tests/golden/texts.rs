use ogive_vault::{Query, ReadAs, RowValues, decode, quoted};

use crate::expected::{expected, open, same_value};

#[test]
fn documents_and_searches() {
    let mut checked = 0;
    for name in crate::expected::FILES {
        let wanted = expected(name);
        let Some(tables) = wanted["texts"].as_array() else {
            continue;
        };
        let file = open(name);
        assert_eq!(file.contents.texts.len(), tables.len(), "{name}");
        for wanted in tables {
            let table_name = wanted["table"].as_str().unwrap();
            let table = file
                .contents
                .texts
                .iter()
                .find(|table| table.name == table_name)
                .unwrap();
            let columns: Vec<&str> = wanted["columns"]
                .as_array()
                .unwrap()
                .iter()
                .map(|c| c.as_str().unwrap())
                .collect();
            assert_eq!(table.columns, columns);
            let query = ogive_vault::text_query(table);
            let mut columns = vec![("t.rowid".to_owned(), ReadAs::Integer)];
            columns.extend(
                table
                    .columns
                    .iter()
                    .map(|c| (format!("t.{}", quoted(c)), ReadAs::Text)),
            );
            columns.push(("v.value".to_owned(), ReadAs::Bytes));
            let query = Query {
                columns,
                order: Some("t.rowid".to_owned()),
                ..query
            };
            let documents = wanted["documents"].as_array().unwrap();
            let mut seen = 0;
            query
                .to_select()
                .run(&file.reader, &file.vault.place(), |batch| {
                    for row in 0..batch.rows {
                        let wanted = &documents[seen];
                        seen += 1;
                        let RowValues::Integers(ids) = &batch.columns[0].values else {
                            panic!()
                        };
                        assert_eq!(ids[row], wanted["id"].as_i64().unwrap());
                        for (at, text) in wanted["texts"].as_array().unwrap().iter().enumerate() {
                            let RowValues::Texts(texts) = &batch.columns[1 + at].values else {
                                panic!()
                            };
                            assert_eq!(texts.get(row), text.as_str().unwrap().as_bytes());
                        }
                        let RowValues::Bytes(values) = &batch.columns.last().unwrap().values else {
                            panic!()
                        };
                        assert!(
                            same_value(&decode(values.get(row)).unwrap(), &wanted["value"]),
                            "{wanted}"
                        );
                    }
                    true
                })
                .unwrap();
            assert_eq!(seen, documents.len(), "{name}.{table_name}");
            checked += 1;
        }
    }
    assert!(checked >= 3);
}
