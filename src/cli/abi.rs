//! `pkgr abi`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::cli::{Context, Output};
use crate::deb::archive::{self, DebError, Limits};
use crate::deb::control::Paragraph;
use crate::diagnostic::{Diagnostic, Failure};
use crate::nginx::binary::{Binary, BinaryError, Kind};
use crate::nginx::loading::{self, Obstacle};

/// Tell what an nginx or a module is, and whether the one loads into the other
///
/// Reads an nginx executable, a module (.so), or a .deb with either, for any
/// architecture and without running anything: version, signature, configure
/// arguments, modules. With --against: whether each module would load into that
/// nginx, and why not. Modules count as loaded in the order given, so that one
/// that needs another comes behind it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// nginx executables, modules, and .debs with them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The nginx executable, or its .deb, that the modules are to load into
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// Reads and judges; fails where a module does not load.
pub fn run(args: &Args, _context: &Context) -> Result<Output, Failure> {
    let files = crate::diagnostic::all(args.files.iter().map(|path| read(path)))?;
    let against = args.against.as_deref().map(nginx_of).transpose()?;
    let mut output = Output::default();
    let mut loaded: Vec<&Binary> = Vec::new();
    let mut documents = Vec::new();
    for file in &files {
        let mut objects = Vec::new();
        for object in &file.objects {
            let mut document = document(object);
            output.text.push_str(&text(file, object));
            if let Some(nginx) = &against {
                let obstacles = loading::obstacles(&object.binary, &nginx.binary, &loaded);
                document.insert("loads".into(), json!(obstacles.is_empty()));
                document.insert("obstacles".into(), obstacles.iter().map(obstacle).collect());
                if obstacles.is_empty() {
                    loaded.push(&object.binary);
                    output.text.push_str(&format!("  loads into {}\n", nginx.place));
                } else {
                    output.text.push_str(&format!("  does not load into {}\n", nginx.place));
                    output.failures.push(refusal(object, nginx, &obstacles));
                }
            }
            objects.push(Value::Object(document));
        }
        documents.push(json!({"path": file.path, "package": file.package.as_ref().map(package), "objects": objects}));
    }
    output.json.insert("files".into(), Value::Array(documents));
    output.json.insert("against".into(), against.map_or(Value::Null, |nginx| Value::Object(self::document(&nginx))));
    Ok(output)
}

/// A file of the command line.
struct Named {
    path: PathBuf,
    /// Where it is a .deb.
    package: Option<Paragraph>,
    objects: Vec<Object>,
}

/// nginx or a module, itself or in a .deb.
struct Object {
    /// How messages name it.
    place: String,
    /// In a .deb.
    member: Option<String>,
    binary: Binary,
}

/// More than any nginx has; a module with PageSpeed and all its symbols has 300 MB.
const LARGEST: u64 = 1 << 30;

fn read(path: &Path) -> Result<Named, Failure> {
    let io = |error: std::io::Error| Failure::io("read", path, &error);
    let mut file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    (&mut file).take(8).read_to_end(&mut bytes).map_err(io)?;
    if archive::is_archive(&bytes) {
        return read_deb(path, bytes.chain(file));
    }
    file.take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
    let place = path.display().to_string();
    let binary = Binary::read(&bytes).map_err(|error| unreadable(&place, error))?;
    Ok(Named { path: path.to_path_buf(), package: None, objects: vec![Object { place, member: None, binary }] })
}

/// The executable and the modules of a package.
fn read_deb(path: &Path, input: impl Read) -> Result<Named, Failure> {
    let place = path.display().to_string();
    let wanted = |path: &[u8]| {
        let is_module = path.ends_with(b".so") && path.windows(9).any(|part| part == b"/modules/");
        path == b"usr/sbin/nginx" || is_module
    };
    let limits = Limits { kept: LARGEST, ..Limits::default() };
    let package = archive::read(input, &wanted, &limits).map_err(|error| bad_deb(&place, &error))?;
    let mut objects = Vec::new();
    for file in package.files {
        let member = String::from_utf8_lossy(&file.path).into_owned();
        let place = format!("{place}: {member}");
        match Binary::read(&file.content) {
            Ok(binary) => objects.push(Object { place, member: Some(member), binary }),
            // a library that a module brings along
            Err(BinaryError::Neither) => {}
            Err(error) => return Err(unreadable(&place, error)),
        }
    }
    if objects.is_empty() {
        let message = format!("{place} has neither nginx nor a module in it");
        let mut failure = Failure::environment(Diagnostic::error("no-nginx-in-deb", message));
        if let Some(depends) = package.control.get_filled("Depends") {
            failure = failure.because(format!("it depends on {depends}"));
        }
        return Err(failure.hint("a metapackage has no files of its own: name the package that has them"));
    }
    Ok(Named { path: path.to_path_buf(), package: Some(package.control), objects })
}

fn nginx_of(path: &Path) -> Result<Object, Failure> {
    let named = read(path)?;
    let nginx = named.objects.into_iter().find(|object| object.binary.kind == Kind::Nginx);
    nginx.ok_or_else(|| {
        let message = format!("{} is not nginx, but a module of it", path.display());
        Failure::environment(Diagnostic::error("not-nginx", message))
            .hint("--against takes an nginx executable or its .deb")
    })
}

fn bad_deb(place: &str, error: &DebError) -> Failure {
    Failure::environment(Diagnostic::error("bad-deb", format!("cannot read {place}: {error}")))
}

fn unreadable(place: &str, error: BinaryError) -> Failure {
    match error {
        BinaryError::Neither => Failure::recipe(Diagnostic::error("not-a-module", format!("{place} is {error}"))),
        BinaryError::Elf(_) => {
            let message = format!("cannot read {place}: {error}");
            Failure::environment(Diagnostic::error("not-nginx", message))
                .hint("nginx executables, modules (.so), and .debs with them can be read")
        }
    }
}

/// Where several modules fail, each is told with its reasons.
fn refusal(object: &Object, nginx: &Object, obstacles: &[Obstacle]) -> Failure {
    let message = format!("{} does not load into {}", object.place, nginx.place);
    let mut diagnostic = Diagnostic::error("does-not-load", message);
    for obstacle in obstacles {
        diagnostic = diagnostic.because(obstacle.to_string());
        if let Obstacle::Needs { module, .. } = obstacle {
            diagnostic = diagnostic.hint(format!("name the {module} module before it, as nginx has to load it before"));
        }
    }
    Failure::recipe(diagnostic)
}

fn text(file: &Named, object: &Object) -> String {
    let binary = &object.binary;
    let what = match binary.kind {
        Kind::Nginx => "nginx",
        Kind::Module => "module for nginx",
    };
    let version = binary.version.map_or("of an unknown version".to_string(), |version| version.to_string());
    let build = binary.build.as_ref().map_or(String::new(), |build| format!(" ({build})"));
    let mut text = format!("{}\n  {what} {version}{build}, {}\n", object.place, binary.architecture);
    if let Some(package) = &file.package {
        let field = |name| package.get(name).unwrap_or("?");
        text.push_str(&format!("  package    {} {} {}\n", field("Package"), field("Version"), field("Architecture")));
    }
    if let Some(signature) = &binary.signature {
        text.push_str(&format!("  signature  {signature}\n"));
    }
    let names: Vec<&str> = binary.modules.iter().map(|module| module.name.as_str()).collect();
    text.push_str(&list("modules", &names));
    let arguments: Vec<&str> = binary.arguments.iter().flat_map(|a| &a.words).map(String::as_str).collect();
    text.push_str(&list("configured", &arguments));
    text
}

fn list(title: &str, lines: &[&str]) -> String {
    let titles = std::iter::once(title).chain(std::iter::repeat(""));
    lines.iter().zip(titles).map(|(line, title)| format!("  {title:<10} {line}\n")).collect()
}

fn document(object: &Object) -> Map<String, Value> {
    let binary = &object.binary;
    let kind = match binary.kind {
        Kind::Nginx => "nginx",
        Kind::Module => "module",
    };
    let modules = binary.modules.iter().map(|module| {
        json!({
            "name": module.name,
            "nginx_version": module.version.map(|version| version.to_string()),
            "signature": module.signature.as_ref().map(ToString::to_string),
        })
    });
    let pairs = [
        ("place", json!(object.place)),
        ("member", json!(object.member)),
        ("kind", json!(kind)),
        ("architecture", json!(binary.architecture)),
        ("nginx_version", json!(binary.version.map(|version| version.to_string()))),
        ("nginx_version_number", json!(binary.version.map(|version| version.0))),
        ("build", json!(binary.build)),
        ("signature", json!(binary.signature.as_ref().map(ToString::to_string))),
        ("configure_arguments", json!(binary.arguments.as_ref().map(|arguments| &arguments.words))),
        ("modules", modules.collect()),
        ("libraries", json!(binary.libraries)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

fn package(control: &Paragraph) -> Value {
    json!({
        "name": control.get("Package"),
        "version": control.get("Version"),
        "architecture": control.get("Architecture"),
    })
}

fn obstacle(obstacle: &Obstacle) -> Value {
    json!({"code": obstacle.code(), "message": obstacle.to_string()})
}
