//! What `test` and `check` consist of: a file a subject. Each step gives an [`Outcome`](crate::report::Outcome).

pub mod abi;
pub mod bench;
pub mod broker;
pub mod cases;
pub mod catalogue;
pub mod certificates;
pub mod compat;
pub mod contract;
pub mod cpp;
pub mod elf;
pub mod examples;
pub mod exports;
pub mod fuzzing;
pub mod generated;
pub mod harness;
pub mod header;
pub mod imports;
pub mod machine;
pub mod npm;
pub mod puredata;
pub mod python;
pub mod rust;
pub mod sanitizers;
pub mod supply;
pub mod tools;
