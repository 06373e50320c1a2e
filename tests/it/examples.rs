//! The examples do what the README says.

use std::process::Command;

use ogive::SessionBuilder;

/// Every statement of the quick start runs, and the search finds passages about its question.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quickstart_runs() {
    let root = env!("CARGO_MANIFEST_DIR");
    let script = std::fs::read_to_string(format!("{root}/examples/quickstart.sql")).unwrap();
    // The command runs in the project's folder; a test need not.
    let script = script.replace("examples/data/", &format!("{root}/examples/data/"));
    let session = SessionBuilder::new().build().unwrap();
    let mut answers = Vec::new();
    for statement in session.parse(&script).unwrap() {
        let frame = session.execute(statement).await.unwrap();
        answers.push(frame.to_string().await.unwrap());
    }
    assert_eq!(answers.len(), 4);
    assert!(
        answers[0].contains("5000") && answers[0].contains("fp16"),
        "{}",
        answers[0]
    );
    assert_eq!(answers[1].lines().count(), 5 + 4, "{}", answers[1]);
    assert!(
        answers[3].contains("topk=[l2(vector), k=5, access=exact]"),
        "{}",
        answers[3]
    );
}

/// The example is built with the tests; here it runs.
#[test]
fn embedding_runs() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_ogive"))
        .parent()
        .unwrap()
        .join("examples/embed");
    if !program.exists() {
        // `cargo test --test it` alone does not build examples.
        println!("skipped: {} is not built", program.display());
        return;
    }
    let output = Command::new(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.contains("| later |") || text.contains("| read "),
        "{text}"
    );
    assert_eq!(
        text.matches("| later").count() + text.matches("| read").count(),
        3,
        "{text}"
    );
}
