//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ogive_cvc::Compression;

const EXAMPLES: &str = "\
Examples:
  ogive embeddings.cvc                            open a file as table `embeddings` and ask for SQL
  ogive docs.parquet embeddings.npy -c 'SELECT d.title FROM docs d JOIN embeddings e ON e._row = d.id
    ORDER BY e.vector <-> (SELECT vector FROM embeddings WHERE _row = 0) LIMIT 10'
  ogive -c \"SELECT count(*) FROM 'vectors/*.cvc'\" --format json --quiet
  echo \"SELECT 1;\" | ogive                        read SQL from stdin
  ogive pack embeddings.npy embeddings.cvc --compression int8
  ogive verify embeddings.cvc                     exit status 1 when a chunk is damaged

Rows go to stdout, everything else to stderr. Exit status: 0 done, 1 the work failed, 2 the call was wrong.
A file that is called like a command is opened with a path: ./pack";

/// One SQL over compressed vector files, where they lie.
#[derive(Debug, Parser)]
#[command(name = "ogive", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do, if not to run SQL.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// SQL over files.
    #[command(flatten)]
    pub query: QueryArguments,
}

/// Everything beside running SQL.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compress vectors into a CVC file
    Pack(PackArguments),
    /// Say what a file holds
    Info(InfoArguments),
    /// Check every byte of files; exit status 1 if one is damaged
    Verify(VerifyArguments),
    /// Write a file's rows in another format; file extensions decide which
    Convert(ConvertArguments),
    /// Rewrite a CVC file of version 0 as version 1, with checksums and the same vectors
    Upgrade(UpgradeArguments),
    /// Put, get, list and delete values of a SQLite vault's key-value table
    #[command(subcommand)]
    Kv(KvCommand),
    /// Build, refresh, verify, list and drop indexes of vector files
    #[command(subcommand)]
    Index(IndexCommand),
    /// Pack source code for a model's context window
    Context(Box<ContextArguments>),
    /// Compress pages of your own files, and say what that saves
    #[command(subcommand)]
    Pages(PagesCommand),
    /// Say what this build and this machine can do
    Doctor(DoctorArguments),
}

/// `ogive [PATH…] [-c SQL | -f FILE]`.
#[derive(Debug, Args)]
pub struct QueryArguments {
    /// Files, directories and URLs to open, each as a table called like it without its extension
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Open a file, directory or URL under a name of your own; may be given several times
    #[arg(long = "as", value_name = "NAME=PATH", value_parser = parse_named)]
    pub named: Vec<NamedPath>,
    /// Run this SQL, or a command of the prompt such as \\d, and leave; may be given several times
    #[arg(
        short = 'c',
        long = "command",
        value_name = "SQL",
        allow_hyphen_values = true,
        conflicts_with = "file"
    )]
    pub sql: Vec<String>,
    /// Run the SQL of this file and leave; `-` is stdin
    #[arg(short = 'f', long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How rows are printed; `table` shortens long vectors, and only `json` prints before all rows are known
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// No row counts, times and progress on stderr; warnings and errors stay
    #[arg(short, long)]
    pub quiet: bool,
    /// Memory for sorting, grouping and joining; beyond it they use the disk (B, KB, MB, GB: steps of 1024)
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_limit: Option<usize>,
    /// Threads for each query, 1 to 1024 [default: one for each processor]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_threads)]
    pub threads: Option<usize>,
}

/// What `--as NAME=PATH` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// The table's name.
    pub name: String,
    /// Where it is.
    pub path: String,
}

/// `ogive pack IN OUT.cvc`.
#[derive(Debug, Args)]
pub struct PackArguments {
    /// .npy, .fvecs, .bvecs, .ivecs, .parquet, or .csv of numbers
    pub input: PathBuf,
    /// The .cvc file to write
    pub output: PathBuf,
    /// How values are stored: fp16 (2 bytes), int8 (1 byte), lossless, none (a columnar file of float32)
    #[arg(long, value_name = "NAME", default_value = "fp16")]
    pub compression: Compression,
    /// Rows in each chunk, the unit of reading and checking
    #[arg(long, value_name = "N", default_value = "100000", value_parser = parse_positive)]
    pub chunk_rows: usize,
    /// Align chunks to pages, for programs that map the file into memory
    #[arg(long)]
    pub mmap: bool,
    /// The Parquet column to pack; needed when there are several of vectors
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// Replace the output file if there is one
    #[arg(long)]
    pub force: bool,
    /// No progress on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive info FILE`.
#[derive(Debug, Args)]
pub struct InfoArguments {
    /// A file or URL
    pub file: String,
    /// How the facts are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Nothing on stderr but warnings and errors, as ever
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive pages`.
#[derive(Debug, clap::Subcommand)]
pub enum PagesCommand {
    /// Compare the algorithms: ratio, speed both ways by one thread, and what zram, a vault or Parquet would save
    Bench(PagesBenchArguments),
}

/// `ogive pages bench FILE…`.
#[derive(Debug, Args)]
pub struct PagesBenchArguments {
    /// Files or block devices, cut into pages of 4 KiB
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Bytes to measure at most, taken from all parts of the files
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "256MB")]
    pub sample: usize,
    /// Draw ratio against speed into this SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Replace the picture if there is one
    #[arg(long)]
    pub force: bool,
    /// Format of the tables
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Nothing on stderr but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Nothing on stderr but warnings and errors, as ever
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive verify FILE…`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// .cvc, .npy, .fvecs, .bvecs and .ivecs files, or URLs of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// No progress on stderr, and nothing on stdout for files that are sound
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive convert IN OUT`.
#[derive(Debug, Args)]
pub struct ConvertArguments {
    /// .cvc, .npy, .fvecs, .bvecs, .ivecs, .parquet, .csv, .json, .arrow
    pub input: String,
    /// The file to write: an extension of the same list
    pub output: PathBuf,
    /// The column to write to .npy, .fvecs, .bvecs or .ivecs; needed when there are several of vectors
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// How a .cvc output stores values [default: lossless for one column of float32 vectors, else none]
    #[arg(long, value_name = "NAME")]
    pub compression: Option<Compression>,
    /// Round numbers that a .cvc output cannot hold, as is done with numbers read from text
    #[arg(long)]
    pub lossy: bool,
    /// Replace the output file if there is one
    #[arg(long)]
    pub force: bool,
    /// No progress on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive upgrade IN OUT`.
#[derive(Debug, Args)]
pub struct UpgradeArguments {
    /// A .cvc file of version 0
    pub input: PathBuf,
    /// The .cvc file to write
    pub output: PathBuf,
    /// Replace the output file if there is one
    #[arg(long)]
    pub force: bool,
    /// Nothing on stderr but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive kv`.
#[derive(Debug, clap::Subcommand)]
pub enum KvCommand {
    /// Store standard input under a key; file and table are made if they are not there
    Put(KvKey),
    /// Write a key's value to standard output
    Get(KvKey),
    /// Print the keys, one a line, in order
    List(KvTableArguments),
    /// Delete a key
    Delete(KvKey),
}

/// A key in a table of a file.
#[derive(Debug, Args)]
pub struct KvKey {
    /// The SQLite file
    pub file: PathBuf,
    /// The key-value table
    pub table: String,
    /// The key, as text
    #[arg(allow_hyphen_values = true)]
    pub key: String,
}

/// A table of a file.
#[derive(Debug, Args)]
pub struct KvTableArguments {
    /// The SQLite file
    pub file: PathBuf,
    /// The key-value table
    pub table: String,
    /// Only keys that start so
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prefix: Option<String>,
}

/// `ogive index ..`.
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Build an index of a file's vectors: the same answers, faster
    Build(IndexBuildArguments),
    /// Build the indexes of files that have changed, or are new, again
    Refresh(IndexTableArguments),
    /// Read every byte of the indexes of files; exit status 1 if one is damaged or not of what its file is now
    Verify(IndexTableArguments),
    /// List the indexes of files
    Stats(IndexTableArguments),
    /// Drop an index of files; the files stay
    Drop(IndexDropArguments),
    /// Remove indexes in a directory whose files are gone, and codes that no index names
    Gc(IndexGcArguments),
}

/// Where indexes are kept, and what is shown.
#[derive(Debug, Args)]
pub struct IndexOptions {
    /// The folder that keeps indexes, where they must not lie beside the data
    #[arg(long, value_name = "DIR")]
    pub location: Option<PathBuf>,
    /// Nothing on stderr but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive index build PATH`.
#[derive(Debug, Args)]
pub struct IndexBuildArguments {
    /// The file, directory, glob or URL
    pub path: String,
    /// The column; needed when there are several of vectors
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// The distance that searches will use; l2 serves inner products as well
    #[arg(long, value_name = "NAME", default_value = "l2")]
    pub metric: IndexMetric,
    /// The index's name [default: table_column_idx]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub options: IndexOptions,
}

/// Distances that indexes serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IndexMetric {
    /// Euclidean
    L2,
    /// Inner product
    Ip,
    /// Cosine
    Cosine,
}

/// Files with indexes.
#[derive(Debug, Args)]
pub struct IndexTableArguments {
    /// The file, directory, glob or URL
    pub path: String,
    #[command(flatten)]
    pub options: IndexOptions,
}

/// `ogive index drop PATH NAME`.
#[derive(Debug, Args)]
pub struct IndexDropArguments {
    /// The file, directory, glob or URL
    pub path: String,
    /// The index
    pub name: String,
    #[command(flatten)]
    pub options: IndexOptions,
}

/// `ogive index gc DIR`.
#[derive(Debug, Args)]
pub struct IndexGcArguments {
    /// The directory of data
    pub directory: PathBuf,
    /// Do not list what is removed
    #[arg(short, long)]
    pub quiet: bool,
}

/// `ogive context PATH`.
#[derive(Debug, Clone, Args)]
pub struct ContextArguments {
    /// The checkout: a folder, or one file
    pub path: PathBuf,
    /// How much of each file: full, structural, signature, summary, or auto, which chooses for each
    #[arg(long, value_name = "LEVEL", default_value = "auto")]
    pub level: String,
    /// The most tokens of the output, or of each chunk
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u64).range(1..))]
    pub budget: Option<u64>,
    /// Pack the files that this SQL selects: a column path, and level and score if it has them; the checkout is attached as code
    #[arg(long, value_name = "SQL")]
    pub query: Option<String>,
    /// Several chunks: semantic (what imports connect stays together), size (in order of paths) or balanced (of equal size)
    #[arg(long, value_name = "WAY")]
    pub chunks: Option<String>,
    /// The form of the output: markdown, json, xml, plain
    #[arg(long, default_value = "markdown")]
    pub format: String,
    /// A Jinja template of the output in place of a form: title, chunk, budget, encoding, files and left_out are known to it
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    pub template: Option<PathBuf>,
    /// How tokens are counted: o200k_base, cl100k_base, p50k_base, r50k_base
    #[arg(long, default_value = "o200k_base")]
    pub encoding: String,
    /// A path, folder or symbol that matters most; may be given several times
    #[arg(long, value_name = "PATH|SYMBOL")]
    pub focus: Vec<String>,
    /// Only paths that match this glob; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// No paths that match this glob; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Follow links
    #[arg(long)]
    pub follow: bool,
    /// Hidden files, too
    #[arg(long)]
    pub hidden: bool,
    /// Files that look like secrets, too
    #[arg(long)]
    pub secrets: bool,
    /// How alike files have to be, from 0 to 1, to be packed once; files of the same content always are
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub dedup_threshold: Option<f64>,
    /// The title of the output [default: the folder's name]
    #[arg(long)]
    pub title: Option<String>,
    /// Where to write: a file, or with --chunks a folder; a name that ends in .lz4 is one compressed file [default: stdout]
    #[arg(short, long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// Replace output files that are there
    #[arg(long)]
    pub force: bool,
    /// Print the tokens of each folder instead
    #[arg(long)]
    pub stats: bool,
    /// Where what is known of files is kept [default: the user's caches]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    pub cache: Option<PathBuf>,
    /// Keep nothing
    #[arg(long)]
    pub no_cache: bool,
    /// Pack again whenever a file changes, until Ctrl-C; needs -o, whose files are replaced
    #[arg(long, requires = "output", conflicts_with = "stats")]
    pub watch: bool,
    /// Say on stderr how far it is, also where that is no terminal
    #[arg(long)]
    pub progress: bool,
    /// No counts and no progress on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Boxes, for people
    Table,
    /// Comma-separated values with a header line
    Csv,
    /// Tab-separated values with a header line
    Tsv,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    NdJson,
}

fn parse_named(text: &str) -> Result<NamedPath, String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok(NamedPath {
            name: name.to_owned(),
            path: path.to_owned(),
        }),
        _ => Err("expected a name and a path, such as docs=2024/passages.cvc".to_owned()),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn parse_positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("expected a number above 0".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

/// More threads than any machine has processors are a slip, and starting them can fail.
const THREADS_MAX: usize = 1024;

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=THREADS_MAX) => Ok(threads),
        _ => Err(format!("expected a whole number from 1 to {THREADS_MAX}")),
    }
}

fn parse_size(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => {
            return Err(format!(
                "unknown unit '{}', expected B, KB, MB or GB",
                unit.trim()
            ));
        }
    };
    match number.parse::<usize>() {
        Ok(0) => Err("expected a size above 0".to_owned()),
        Ok(number) => number
            .checked_mul(1 << shift)
            .ok_or_else(|| "the size is too large".to_owned()),
        Err(_) => Err("expected a number and a unit, such as 256MB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("512"), Ok(512));
        assert_eq!(parse_size("256MB"), Ok(256 << 20));
        assert_eq!(parse_size("1 GiB"), Ok(1 << 30));
        for wrong in ["", "MB", "0", "-1", "1.5GB", "3 parsecs", "99999999999TB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_of_paths() {
        let named = parse_named("docs=a=b.cvc").unwrap();
        assert_eq!(
            (named.name.as_str(), named.path.as_str()),
            ("docs", "a=b.cvc")
        );
        for wrong in ["", "x", "=x", "x="] {
            assert!(parse_named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn threads() {
        assert_eq!(parse_threads("1"), Ok(1));
        assert_eq!(parse_threads("1024"), Ok(1024));
        for wrong in ["", "0", "-1", "1025", "100000", "2.5", "two"] {
            let error = parse_threads(wrong).unwrap_err();
            assert_eq!(error, "expected a whole number from 1 to 1024", "{wrong}");
        }
    }

    #[test]
    fn a_command_is_one_only_as_the_first_word() {
        let parse = |words: &[&str]| {
            Arguments::try_parse_from(words.iter()).map(|a| (a.command.is_some(), a.query.paths))
        };
        assert_eq!(parse(&["ogive", "doctor"]).unwrap(), (true, vec![]));
        assert_eq!(
            parse(&["ogive", "./doctor"]).unwrap(),
            (false, vec!["./doctor".to_owned()])
        );
        assert_eq!(
            parse(&["ogive", "x.cvc", "doctor"]).unwrap(),
            (false, vec!["x.cvc".to_owned(), "doctor".to_owned()])
        );
        assert!(parse(&["ogive", "-c", "SELECT 1", "-f", "x.sql"]).is_err());
        assert!(parse(&["ogive", "pack", "in.npy"]).is_err());
    }

    #[test]
    fn the_definition_holds_together() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
