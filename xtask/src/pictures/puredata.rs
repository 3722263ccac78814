//! chat.pd in Pd, on a display that nobody sees: it was opened before its server ran, and two people have talked.

use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::path;
use crate::process;
use crate::repository::{self, Profile};
use crate::steps::puredata::{self, Program, Seen, Who};

const NAME: &str = "puredata.png";
/// What chat.json says.
const PORT: u16 = 3000;
const LIMIT: Duration = Duration::from_secs(20);
/// Pd draws what it has been told within this time.
const DRAWING: Duration = Duration::from_secs(1);
/// Twice the size, for screens with fine pixels.
const ZOOM: u32 = 2;
/// The menu above the patch stays out of the picture.
const MENU: u32 = 32;

/// What has to be installed, and the Debian package that has it.
const NEEDED: [(&str, &str); 4] =
    [("Xvfb", "xvfb"), ("wish", "puredata-gui"), ("import", "imagemagick"), ("node", "nodejs")];

pub fn make() -> Result<()> {
    let missing = NEEDED.iter().find(|(program, _)| process::find(program).is_none());
    let missing =
        missing.map(|(program, package)| format!("{program} is missing: install the Debian package {package}"));
    if let Some(reason) = puredata::missing().map(str::to_owned).or(missing) {
        println!("{NAME} is left as it is: {reason}");
        return Ok(());
    }
    if TcpStream::connect(("127.0.0.1", PORT)).is_ok() {
        bail!("something listens at port {PORT} already");
    }
    puredata::build(Profile::Debug)?;
    let folder = puredata::folder().join("picture");
    let (width, height) = copy_patch(&folder)?;
    let (_screen, display) = screen(width, height + MENU)?;
    let patch = folder.join("chat.pd");
    let (seen, sees) = mpsc::channel();

    // Somebody connects and clicks on the message, while the server does not run yet.
    let click = "chat-connect bang; pd-chat.pd mouse 520 124 1 0; pd-chat.pd mouseup 520 124 1 0";
    let click = format!("{click}; pd-chat.pd zoom {ZOOM}");
    let mut command = puredata::pd(&["-stderr", "-font-weight", "normal", "-send", &click, "-open"]);
    command.arg(&patch).env("DISPLAY", &display);
    let _pd = Program::start(&mut command, Who::Pd, seen.clone())?;
    wait_for(&sees, "localhost_refused")?;
    let _server = puredata::chat_server(PORT, seen)?;
    wait_for(&sees, "chat: symbol Good\\ morning!")?;

    // Somebody else answers.
    let (others, _) = mpsc::channel();
    let say =
        "; chat-connect bang; chat-say symbol Ada:\\ Good\\ morning.; chat-say symbol Ada:\\ The\\ lights\\ are\\ on.";
    let mut command = puredata::pd(&["-nogui", "-send", say, "-open"]);
    let _other = Program::start(command.arg(&patch), Who::Pd, others)?;
    wait_for(&sees, "chat: symbol Ada:\\ The\\ lights\\ are\\ on.")?;
    std::thread::sleep(DRAWING);

    let taken = folder.join("window.png");
    let mut command = process::command("import");
    command.env("DISPLAY", &display).args(["-window", &format!("chat.pd  - {}", folder.display())]).arg(&taken);
    process::run(command)?;
    // A picture of few colours stays small if they are listed.
    let mut command = process::command("mogrify");
    command.args(["-crop", &format!("{width}x{height}+0+{MENU}"), "+repage"]);
    command.args(["+dither", "-colors", "64", "-depth", "8", "-strip"]);
    command.args(["-define", "png:compression-level=9", "-define", "png:exclude-chunks=date,time"]).arg(&taken);
    process::run(command)?;
    std::fs::copy(taken, path(NAME)).map(drop).context("writing the picture")
}

/// The patch and its settings in a folder of their own, with a window that has room for it when zoomed. Its size.
fn copy_patch(folder: &Path) -> Result<(u32, u32)> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("chat.json"), repository::read(puredata::CHAT_SETTINGS)?)?;
    let patch = repository::read(puredata::CHAT)?;
    let (window, rest) = patch.split_once('\n').context("the patch is empty")?;
    let words: Vec<&str> = window.split(' ').collect();
    let ["#N", "canvas", _, _, width, height, font] = words[..] else { bail!("the patch begins with \"{window}\"") };
    let (width, height) = (width.parse::<u32>()? * ZOOM, height.parse::<u32>()? * ZOOM);
    std::fs::write(folder.join("chat.pd"), format!("#N canvas 0 0 {width} {height} {font}\n{rest}"))?;
    Ok((width, height))
}

/// An X server, and the name of its display.
fn screen(width: u32, height: u32) -> Result<(Program, String)> {
    let mut command = process::command("Xvfb");
    command.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", &format!("{width}x{height}x24")]);
    command.stdin(Stdio::null());
    let (seen, sees) = mpsc::channel();
    let screen = Program::start(&mut command, Who::Server, seen)?;
    loop {
        match sees.recv_timeout(LIMIT) {
            Ok(Seen::Line(_, line)) if line.parse::<u32>().is_ok() => return Ok((screen, format!(":{line}"))),
            Ok(Seen::Line(..)) => {}
            _ => bail!("Xvfb does not start"),
        }
    }
}

fn wait_for(sees: &Receiver<Seen>, text: &str) -> Result<()> {
    let mut lines = Vec::new();
    loop {
        match sees.recv_timeout(LIMIT) {
            Ok(Seen::Line(_, line)) if line.contains(text) => return Ok(()),
            Ok(Seen::Line(_, line)) => lines.push(line),
            _ => bail!("waited for \"{text}\", saw\n{}", lines.join("\n")),
        }
    }
}
