//! An ELF executable or shared object as the dynamic linker sees it: loaded
//! segments, dynamic symbols, relocations (System V gABI, chapters 4 and 5;
//! Linux Standard Base for DT_GNU_HASH). Any machine, 32 or 64 bits, either
//! byte order. Sections are not looked at: they may be stripped, and the linker
//! does not need them either.
//!
//! It reads and never follows an offset without asking whether it is inside.

use std::collections::BTreeMap;
use std::ops::Range;

/// Why bytes are not understood as ELF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// No ELF header.
    #[error("not an ELF file")]
    NotElf,
    /// The header says what the gABI does not know.
    #[error("an ELF file of an unknown class, byte order or version")]
    Unknown,
    /// Neither an executable nor a shared object: an object file, a core.
    #[error("an ELF file that is neither a program nor a shared object")]
    NotLinked,
    /// No dynamic section: linked statically, or debug information only.
    #[error("an ELF file without dynamic symbols")]
    NotDynamic,
    /// A table that does not lie inside the file.
    #[error("the ELF file is damaged: {0} is not inside it")]
    Damaged(&'static str),
}

/// What the linker knows of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its name, without a version.
    pub name: &'a [u8],
    /// Its address, 0 where it is not defined here.
    pub address: u64,
    /// Whether this file defines it.
    pub defined: bool,
    /// Whether it may stay undefined (`STB_WEAK`).
    pub weak: bool,
    /// Whether others may see it (`STB_GLOBAL`, `STB_WEAK` and GNU's unique ones).
    pub global: bool,
}

/// A file, its tables found and checked.
pub struct Elf<'a> {
    layout: Layout<'a>,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags`, whose meaning depends on the machine.
    pub flags: u64,
    /// From addresses to places in the file, of the PT_LOAD segments.
    segments: Vec<(Range<u64>, u64)>,
    symbols: Vec<Symbol<'a>>,
    /// Names of the libraries it wants, in order (DT_NEEDED).
    pub libraries: Vec<&'a [u8]>,
    /// What the linker writes, by address: the symbol, and what is added to it
    /// where the relocation says so and not the place itself.
    relocations: BTreeMap<u64, (usize, Option<u64>)>,
}

/// How numbers stand in the file.
#[derive(Clone, Copy)]
struct Layout<'a> {
    bytes: &'a [u8],
    wide: bool,
    big: bool,
}

impl<'a> Layout<'a> {
    fn number(&self, offset: u64, size: usize) -> Option<u64> {
        let start = usize::try_from(offset).ok()?;
        let bytes = self.bytes.get(start..start.checked_add(size)?)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.big {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        })
    }

    /// The size of an address in bytes.
    fn word(&self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    /// One of two places, by class.
    fn of<T>(&self, wide: T, narrow: T) -> T {
        if self.wide { wide } else { narrow }
    }

    /// A text up to its final zero, which has to come soon: many symbols could
    /// name one long text.
    fn text(&self, offset: u64) -> Option<&'a [u8]> {
        const LONGEST: usize = 1 << 16;
        let rest = self.bytes.get(usize::try_from(offset).ok()?..)?;
        let rest = rest.get(..LONGEST).unwrap_or(rest);
        rest.get(..memchr::memchr(0, rest)?)
    }
}

/// The dynamic entries that are looked at, by tag; the last one counts.
type Dynamic = BTreeMap<u64, u64>;

const DT_NEEDED: u64 = 1;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_REL: u64 = 17;
const DT_RELSZ: u64 = 18;
const DT_MIPS_SYMTABNO: u64 = 0x7000_0011;
const DT_GNU_HASH: u64 = 0x6fff_fef5;

const EM_MIPS: u16 = 8;
const EM_S390: u16 = 22;
const EM_ALPHA: u16 = 0x9026;

impl<'a> Elf<'a> {
    /// Reads the header and the tables of the dynamic section.
    pub fn parse(bytes: &'a [u8]) -> Result<Elf<'a>, ElfError> {
        let layout = Self::layout(bytes)?;
        let half = |offset| layout.number(offset, 2).ok_or(ElfError::Damaged("the header"));
        if !matches!(half(16)?, 2 | 3) {
            return Err(ElfError::NotLinked);
        }
        let machine = half(18)? as u16;
        let flags = layout.number(layout.of(48, 36), 4).ok_or(ElfError::Damaged("the header"))?;
        let mut elf = Elf {
            layout,
            machine,
            flags,
            segments: Vec::new(),
            symbols: Vec::new(),
            libraries: Vec::new(),
            relocations: BTreeMap::new(),
        };
        let (dynamic, needed) = elf.program_headers(half(layout.of(54, 42))?, half(layout.of(56, 44))?)?;
        elf.read_symbols(&dynamic)?;
        elf.read_relocations(&dynamic)?;
        let strings = dynamic.get(&DT_STRTAB).copied().unwrap_or_default();
        let name = |offset: &u64| layout.text(elf.place(strings)?.checked_add(*offset)?);
        elf.libraries = needed.iter().filter_map(name).collect();
        Ok(elf)
    }

    fn layout(bytes: &'a [u8]) -> Result<Layout<'a>, ElfError> {
        match bytes {
            [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, 1, ..] => {
                Ok(Layout { bytes, wide: *class == 2, big: *order == 2 })
            }
            [0x7f, b'E', b'L', b'F', ..] => Err(ElfError::Unknown),
            _ => Err(ElfError::NotElf),
        }
    }

    /// Takes the segments, and reads the dynamic one: its entries, and the
    /// places of the names of needed libraries.
    fn program_headers(&mut self, size: u64, count: u64) -> Result<(Dynamic, Vec<u64>), ElfError> {
        const PT_LOAD: u64 = 1;
        const PT_DYNAMIC: u64 = 2;
        let layout = self.layout;
        let damaged = ElfError::Damaged("the table of program headers");
        let start = layout.number(layout.of(32, 28), layout.word()).ok_or(damaged)?;
        let mut dynamic = None;
        for index in 0..count {
            let at = start.checked_add(index * size).ok_or(damaged)?;
            let field = |wide: u64, narrow: u64| layout.number(at.checked_add(layout.of(wide, narrow))?, layout.word());
            let values = (field(8, 4), field(16, 8), field(32, 16));
            let (Some(offset), Some(address), Some(length)) = values else { return Err(damaged) };
            match layout.number(at, 4) {
                Some(PT_LOAD) => {
                    let end = address.checked_add(length).ok_or(damaged)?;
                    self.segments.push((address..end, offset));
                }
                Some(PT_DYNAMIC) => dynamic = Some((offset, length)),
                _ => {}
            }
        }
        let (offset, length) = dynamic.filter(|(_, length)| *length > 0).ok_or(ElfError::NotDynamic)?;
        self.dynamic(offset, length)
    }

    fn dynamic(&self, offset: u64, length: u64) -> Result<(Dynamic, Vec<u64>), ElfError> {
        let word = self.layout.word() as u64;
        let mut entries = Dynamic::new();
        let mut needed = Vec::new();
        for index in 0..length / (2 * word) {
            let number = |at: u64| self.layout.number(offset.checked_add(at)?, self.layout.word());
            let entry = (number(index * 2 * word), number((index * 2 + 1) * word));
            match entry {
                (Some(0), _) => break,
                (Some(DT_NEEDED), Some(value)) => needed.push(value),
                (Some(tag), Some(value)) => drop(entries.insert(tag, value)),
                _ => return Err(ElfError::Damaged("the dynamic section")),
            }
        }
        Ok((entries, needed))
    }

    /// Where an address lies in the file.
    fn place(&self, address: u64) -> Option<u64> {
        let (range, offset) = self.segments.iter().find(|(range, _)| range.contains(&address))?;
        offset.checked_add(address - range.start)
    }

    fn at(&self, address: u64, size: usize) -> Option<u64> {
        self.layout.number(self.place(address)?, size)
    }

    /// How many dynamic symbols there are. ELF does not say; the linker's hash
    /// tables do.
    fn symbol_count(&self, dynamic: &Dynamic) -> Option<u64> {
        let given = dynamic.get(&DT_MIPS_SYMTABNO).filter(|_| self.machine == EM_MIPS);
        if let Some(count) = given {
            return Some(*count);
        }
        if let Some(hash) = dynamic.get(&DT_HASH) {
            // two machines have this table of 64-bit words
            let size = if self.layout.wide && matches!(self.machine, EM_S390 | EM_ALPHA) { 8 } else { 4 };
            return self.at(hash.checked_add(size as u64)?, size);
        }
        let hash = *dynamic.get(&DT_GNU_HASH)?;
        let buckets = self.at(hash, 4)?;
        let first = self.at(hash.checked_add(4)?, 4)?;
        let bloom = self.at(hash.checked_add(8)?, 4)?;
        let start = hash.checked_add(16)?.checked_add(bloom.checked_mul(self.layout.word() as u64)?)?;
        let chains = start.checked_add(buckets.checked_mul(4)?)?;
        let mut last = 0;
        for bucket in 0..buckets {
            last = last.max(self.at(start + bucket * 4, 4)?);
        }
        if last < first {
            return Some(first);
        }
        // the chain of the last bucket ends with an odd hash
        loop {
            let hash = self.at(chains.checked_add((last - first).checked_mul(4)?)?, 4)?;
            last += 1;
            if hash & 1 == 1 {
                return Some(last);
            }
        }
    }

    fn read_symbols(&mut self, dynamic: &Dynamic) -> Result<(), ElfError> {
        let damaged = ElfError::Damaged("the table of dynamic symbols");
        let table = |tag| dynamic.get(&tag).and_then(|address| self.place(*address));
        let (symbols, strings) = table(DT_SYMTAB).zip(table(DT_STRTAB)).ok_or(ElfError::NotDynamic)?;
        let count = self.symbol_count(dynamic).ok_or(damaged)?;
        let layout = self.layout;
        let size = layout.of(24, 16);
        // a count that the file cannot hold must not take memory
        let end = count.checked_mul(size).and_then(|length| symbols.checked_add(length));
        if end.is_none_or(|end| end > layout.bytes.len() as u64) {
            return Err(damaged);
        }
        let read = |index: u64| {
            let at = symbols + index * size;
            let name = layout.text(strings.checked_add(layout.number(at, 4)?)?)?;
            let address = layout.number(at + layout.of(8, 4), layout.word())?;
            let binding = layout.number(at + layout.of(4, 12), 1)? >> 4;
            let section = layout.number(at + layout.of(6, 14), 2)?;
            Some(Symbol {
                name,
                address,
                defined: section != 0,
                weak: binding == 2,
                global: matches!(binding, 1 | 2 | 10),
            })
        };
        self.symbols = (0..count).map(read).collect::<Option<_>>().ok_or(damaged)?;
        Ok(())
    }

    fn read_relocations(&mut self, dynamic: &Dynamic) -> Result<(), ElfError> {
        let layout = self.layout;
        let word = layout.word() as u64;
        for (table, length, size) in [(DT_REL, DT_RELSZ, 2 * word), (DT_RELA, DT_RELASZ, 3 * word)] {
            let (Some(address), Some(length)) = (dynamic.get(&table), dynamic.get(&length)) else { continue };
            let damaged = ElfError::Damaged("a table of relocations");
            let start = self.place(*address).ok_or(damaged)?;
            for index in 0..length / size {
                let number = |at: u64| layout.number(start.checked_add(index * size)?.checked_add(at)?, layout.word());
                let (Some(target), Some(info)) = (number(0), number(word)) else { return Err(damaged) };
                // the low half is where MIPS of this class and order keeps the symbol
                let symbol = match (layout.wide, self.machine == EM_MIPS && !layout.big) {
                    (true, true) => info & 0xffff_ffff,
                    (true, false) => info >> 32,
                    (false, _) => info >> 8,
                };
                let addend = if table == DT_RELA { Some(number(2 * word).ok_or(damaged)?) } else { None };
                let symbol = usize::try_from(symbol).map_err(|_| damaged)?;
                self.relocations.insert(target, (symbol, addend));
            }
        }
        Ok(())
    }

    /// All dynamic symbols.
    pub fn symbols(&self) -> &[Symbol<'a>] {
        &self.symbols
    }

    /// The address of a symbol that others may see.
    pub fn address_of(&self, name: &str) -> Option<u64> {
        let found = self.symbols.iter().find(|s| s.defined && s.global && s.name == name.as_bytes());
        found.map(|symbol| symbol.address)
    }

    /// The size of an address in bytes: 4 or 8.
    pub fn word_size(&self) -> u64 {
        self.layout.word() as u64
    }

    /// Whether the most significant byte comes first.
    pub fn is_big_endian(&self) -> bool {
        self.layout.big
    }

    /// The word at an address, as it stands in the file.
    pub fn word_at(&self, address: u64) -> Option<u64> {
        self.at(address, self.layout.word())
    }

    /// The address that stands at an address once the file is loaded at 0.
    /// `None` where there is nothing, or only what another file defines.
    pub fn pointer_at(&self, address: u64) -> Option<u64> {
        let stored = self.word_at(address)?;
        let Some((symbol, addend)) = self.relocations.get(&address) else { return Some(stored) };
        let base = match *symbol {
            0 => 0,
            index => self.symbols.get(index).filter(|symbol| symbol.defined)?.address,
        };
        let sum = base.wrapping_add(addend.unwrap_or(stored));
        Some(if self.layout.wide { sum } else { sum & 0xffff_ffff })
    }

    /// The text at an address, without its final zero.
    pub fn text_at(&self, address: u64) -> Option<&'a [u8]> {
        self.layout.text(self.place(address)?)
    }
}
