mod generate;
fn main() -> anyhow::Result<()> { generate::write() }
