//! `ogive-bench`: takes one measure and prints a line of JSON for each figure.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ogive_benches::{
    DataFiles, DataSize, Figure, Result, Runs, bandwidth, knn_join, make_data, memory, overhead,
    scan, top_k,
};

// What the `ogive` command allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Takes one measure and prints a line of JSON for each figure")]
struct Arguments {
    /// Where the data is
    #[arg(long, default_value = "benches/data")]
    data: PathBuf,
    /// Threads that queries run on
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Runs that are timed
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// A setting of the sessions of `top_k` and `overhead`, as `name=value`; may be given more than once
    #[arg(long)]
    set: Vec<String>,
    #[command(subcommand)]
    measure: Measure,
}

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Measure {
    /// Writes the files, unless they are there
    Data {
        /// Real embeddings (.npy) to make them of; otherwise $OGIVE_BENCH_DATA, otherwise the example passages
        #[arg(long)]
        source: Option<PathBuf>,
        /// Rows
        #[arg(long, default_value_t = 200_000)]
        rows: usize,
    },
    /// What memory gives at best
    Bandwidth,
    /// Whole files
    Scan,
    /// The ten nearest rows
    TopK,
    /// The ten nearest rows of ten thousand queries
    KnnJoin,
    /// Ten rows in all
    Overhead,
    /// Memory taken
    Memory,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(figures) => {
            for figure in figures {
                println!("{figure}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<Vec<Figure>> {
    let Arguments {
        data,
        threads,
        runs,
        set,
        measure,
    } = arguments;
    let files = DataFiles::new(&data);
    let runs = Runs {
        warm: 3,
        timed: runs,
    };
    match measure {
        Measure::Data { source, rows } => {
            // 1,400,000 rows of 384 halves: 1 GB, four times the memory that `memory` allows.
            let size = DataSize {
                rows,
                lossless_rows: rows / 10,
                large_repeats: 7,
            };
            let source = source.or_else(|| std::env::var_os("OGIVE_BENCH_DATA").map(PathBuf::from));
            let made = make_data(&files, source.as_deref(), size)?;
            Ok(vec![
                Figure::new("data", "files")
                    .with("made", made)
                    .with("rows", rows),
            ])
        }
        Measure::Bandwidth => bandwidth(200_000 * 384 * 4, threads, runs),
        Measure::Scan => scan(&files, threads, runs),
        Measure::TopK => top_k(&files, threads, runs, &set),
        Measure::KnnJoin => knn_join(&files, threads, runs),
        Measure::Overhead => overhead(&files, threads, runs, &set),
        Measure::Memory => memory(&files, threads, 256 << 20),
    }
}
