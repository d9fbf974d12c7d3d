//! What people see: the transcripts in `tests/cmd/`, held against what the program prints.
//! `TRYCMD=overwrite cargo test --test cli` writes them anew.

use std::path::Path;

#[test]
fn transcripts() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("frieze", Path::new(env!("CARGO_BIN_EXE_frieze")));
    // Whatever is set where the tests run.
    let same =
        [("COLUMNS", "100"), ("NO_COLOR", "1"), ("FRIEZE_BASE_URL", ""), ("RUST_LOG", "warn")];
    for (name, value) in same {
        cases.env(name, value);
    }
    cases.case("tests/cmd/*.md");
    if !cfg!(feature = "embedded") {
        cases.skip("tests/cmd/embedded.md").skip("tests/cmd/images.md");
    }
}
