//! Every measure once, over little data: answers are checked, times are not.
#![allow(clippy::unwrap_used)]

use ogive_benches::{
    DataFiles, DataSize, Runs, knn_join, make_data, memory, overhead, scan, top_k,
};

#[test]
fn every_measure_runs() {
    let folder = tempfile::tempdir().unwrap();
    let files = DataFiles::new(&folder.path().join("data"));
    let size = DataSize {
        rows: 6_000,
        lossless_rows: 500,
        large_repeats: 2,
    };
    assert!(make_data(&files, None, size).unwrap());
    assert!(!make_data(&files, None, size).unwrap());
    let runs = Runs { warm: 0, timed: 2 };
    for threads in [1, 2] {
        assert_eq!(scan(&files, threads, runs).unwrap().len(), 15);
        let set = ["ogive.enable_search_plan = true".to_string()];
        let found = top_k(&files, threads, runs, &set).unwrap();
        assert_eq!(found.len(), 10);
        for figure in &found {
            let recall = figure
                .get("recall")
                .and_then(serde_json::Value::as_f64)
                .unwrap();
            assert!(recall >= 0.8, "{figure}");
        }
        assert_eq!(knn_join(&files, threads, runs).unwrap().len(), 1);
        assert_eq!(overhead(&files, threads, runs, &[]).unwrap().len(), 16);
        assert_eq!(memory(&files, threads, 64 << 20).unwrap().len(), 2);
    }
}
