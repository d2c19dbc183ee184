//! What an nginx executable, or a module for it, says of itself, read from its
//! bytes without running it: on any machine, for any machine.
//!
//! Both have an array `ngx_modules` of `ngx_module_t` and one of their names,
//! which nginx itself looks up in a module (`ngx_load_module` in
//! src/core/nginx.c). Each `ngx_module_t` carries the number of nginx's version
//! and the signature that it was compiled with. What `nginx -V` prints stands in
//! the executable as text.

use std::collections::BTreeSet;

use crate::nginx::configure::Arguments;
use crate::nginx::elf::{Elf, ElfError, Symbol};
use crate::nginx::signature::Signature;
use crate::nginx::version::Version;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// nginx itself.
    Nginx,
    /// What `load_module` takes: a shared object with one or more modules.
    Module,
}

/// What a file says of itself.
#[derive(Debug, Clone)]
pub struct Binary {
    /// nginx or a module.
    pub kind: Kind,
    /// Which machine it is for, in Debian's word for it where there is one.
    pub architecture: String,
    /// The version of nginx that it is, or was compiled for.
    pub version: Option<Version>,
    /// What `--build=` gave the executable: `Ubuntu`.
    pub build: Option<String>,
    /// The signature that it was compiled with.
    pub signature: Option<Signature>,
    /// What nginx was configured with; modules do not tell.
    pub arguments: Option<Arguments>,
    /// Its modules, in its order.
    pub modules: Vec<Module>,
    /// The shared libraries that it wants.
    pub libraries: Vec<String>,
    /// The names of nginx's kind that others can use of it ([`PREFIXES`]).
    pub defined: BTreeSet<String>,
    /// The names of that kind that others must define before it is loaded.
    pub undefined: BTreeSet<String>,
}

/// One `ngx_module_t`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// `ngx_http_echo_module`.
    pub name: String,
    /// The version of nginx that it was compiled for.
    pub version: Option<Version>,
    /// The signature that it was compiled with.
    pub signature: Option<Signature>,
}

/// Why a file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// No ELF file, or a damaged one.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// A program or library that has nothing of nginx.
    #[error("neither nginx nor a module of it: it has no `ngx_modules`")]
    Neither,
}

/// How the names of nginx, its modules and the development kit begin. Other
/// names are of libraries.
pub const PREFIXES: [&str; 2] = ["ngx_", "ndk_"];

/// nginx has about 50 modules, and takes 128 more.
const MODULES: u64 = 4096;
/// Of nginx's kind; 3000 is what it has.
const NAMES: usize = 1 << 16;
const LONGEST_NAME: usize = 256;

impl Binary {
    /// Reads an ELF file.
    pub fn read(bytes: &[u8]) -> Result<Binary, BinaryError> {
        let elf = Elf::parse(bytes)?;
        let modules = modules(&elf);
        let banner = text_behind(bytes, b"nginx version: nginx/");
        let kind = match (elf.address_of("ngx_core_module").is_some(), &modules, &banner) {
            (true, _, Some(_)) | (_, None, Some(_)) => Kind::Nginx,
            (_, Some(_), _) => Kind::Module,
            (_, None, None) => return Err(BinaryError::Neither),
        };
        let modules = modules.unwrap_or_default();
        let said = banner.filter(|_| kind == Kind::Nginx);
        let said_version = said.as_deref().and_then(|banner| banner.split(' ').next()?.parse().ok());
        let build = said.as_deref().and_then(|banner| banner.split_once(" (")?.1.strip_suffix(')')).map(str::to_string);
        let arguments = text_behind(bytes, b"configure arguments: ").filter(|_| kind == Kind::Nginx);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ours = |name: &[u8]| name.len() <= LONGEST_NAME && PREFIXES.iter().any(|p| name.starts_with(p.as_bytes()));
        let names = |keep: &dyn Fn(&Symbol<'_>) -> bool| -> BTreeSet<String> {
            let found = elf.symbols().iter().filter(|symbol| symbol.global && ours(symbol.name) && keep(symbol));
            found.take(NAMES).map(|symbol| text(symbol.name)).collect()
        };
        Ok(Binary {
            kind,
            architecture: architecture(&elf),
            version: modules.iter().find_map(|module| module.version).or(said_version),
            build,
            signature: modules.iter().find_map(|m| m.signature.clone()).or_else(|| Signature::find(bytes)),
            arguments: arguments.map(|line| Arguments::parse(&line)),
            modules,
            libraries: elf.libraries.iter().map(|name| text(name)).collect(),
            defined: names(&|symbol| symbol.defined),
            undefined: names(&|symbol| !symbol.defined && !symbol.weak),
        })
    }
}

/// The modules of both arrays; `None` where one of the arrays is not there.
fn modules(elf: &Elf<'_>) -> Option<Vec<Module>> {
    let (modules, names) = (elf.address_of("ngx_modules")?, elf.address_of("ngx_module_names")?);
    let word = elf.word_size();
    let nth = |array: u64, index: u64| elf.pointer_at(array.checked_add(index * word)?).filter(|pointer| *pointer != 0);
    let read = |index: u64| {
        let name = elf.text_at(nth(names, index)?).filter(|name| name.len() <= LONGEST_NAME)?;
        let module = nth(modules, index);
        // ctx_index, index, name, spare0 and spare1 stand before these, a word each
        let field = |number: u64| module?.checked_add(number * word);
        let signature = || std::str::from_utf8(elf.text_at(elf.pointer_at(field(6)?)?)?).ok()?.parse().ok();
        Some(Module {
            name: String::from_utf8_lossy(name).into_owned(),
            version: field(5).and_then(|at| elf.word_at(at)).map(Version),
            signature: signature(),
        })
    };
    Some((0..MODULES).map_while(read).collect())
}

/// The rest of the line behind a text that nginx prints.
fn text_behind(bytes: &[u8], text: &[u8]) -> Option<String> {
    let start = memchr::memmem::find(bytes, text)? + text.len();
    let rest = bytes.get(start..)?;
    let line = rest.get(..memchr::memchr2(0, b'\n', rest)?)?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// Debian's name for the machine, or ELF's number for it.
fn architecture(elf: &Elf<'_>) -> String {
    let name = match (elf.machine, elf.word_size(), elf.is_big_endian()) {
        (3, 4, false) => "i386",
        (62, 8, false) => "amd64",
        (62, 4, false) => "x32",
        (183, 8, false) => "arm64",
        // EF_ARM_ABI_FLOAT_HARD
        (40, 4, false) if elf.flags & 0x400 != 0 => "armhf",
        (40, 4, false) => "armel",
        (8, 4, false) => "mipsel",
        (8, 4, true) => "mips",
        (8, 8, false) => "mips64el",
        (8, 8, true) => "mips64",
        (20, 4, true) => "powerpc",
        (21, 8, true) => "ppc64",
        (21, 8, false) => "ppc64el",
        (22, 8, true) => "s390x",
        (43, 8, true) => "sparc64",
        (243, 8, false) => "riscv64",
        (258, 8, false) => "loong64",
        (machine, word, big) => {
            let order = if big { "big" } else { "little" };
            return format!("machine {machine}, {} bits, {order} endian", word * 8);
        }
    };
    name.to_string()
}
