//! The words that nginx was configured with, and those of them that a module of
//! one flavor is configured with again.

use std::fmt;

/// What `configure` was called with, word by word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments {
    /// Without the shell's quotes.
    pub words: Vec<String>,
}

/// A part of nginx that distributions build as a module of its own, and that
/// another module may be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `stream`: proxying TCP and UDP.
    Stream,
    /// `mail`: proxying mail.
    Mail,
}

impl Part {
    /// Its name in recipes and in `configure`.
    pub fn name(self) -> &'static str {
        match self {
            Part::Stream => "stream",
            Part::Mail => "mail",
        }
    }

    fn option(self) -> String {
        format!("--with-{}", self.name())
    }
}

/// The flavor was built without a part that a module needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this nginx is built without {0}, which the module needs")]
pub struct NoPart(pub &'static str);

/// What a module's build of one flavor is configured with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForModules {
    /// The arguments in nginx's own order, neither quoted nor with compiler or
    /// linker options.
    pub arguments: Vec<String>,
    /// `-DNAME` and `-DNAME=VALUE` of the compiler options: they change headers.
    pub defines: Vec<String>,
}

impl Arguments {
    /// Splits the line that `nginx -V` prints behind `configure arguments:`.
    /// `configure` has put quotes around values with blanks; they are the
    /// shell's, and are read as the shell reads them (POSIX 2.2), without
    /// expanding anything.
    pub fn parse(line: &str) -> Arguments {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match (quote, c) {
                (None, ' ' | '\t' | '\n') => words.extend(word.take()),
                (None, '\'' | '"') => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (Some(open), c) if open == c => quote = None,
                (None, '\\') => word.get_or_insert_default().extend(characters.next()),
                (Some('"'), '\\') => {
                    // within double quotes a backslash quotes these only
                    let next = characters.next();
                    let quoted = next.is_some_and(|next| matches!(next, '"' | '\\' | '$' | '`'));
                    let word = word.get_or_insert_default();
                    word.extend((!quoted).then_some('\\'));
                    word.extend(next);
                }
                _ => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        Arguments { words }
    }

    /// The value of `--name=value`, the last one of several, as configure takes it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.words.iter().rev().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether a part is there: linked in, or as a module beside.
    pub fn has(&self, part: Part) -> bool {
        let option = part.option();
        self.words.iter().any(|word| *word == option || word.strip_prefix(&option) == Some("=dynamic"))
    }

    /// The words for building modules that load into this nginx, without what
    /// only nginx itself needs: modules added to it or built beside it, and the
    /// options of compiler and linker, which are the builder's business. The
    /// parts in `needs` are put back where they are built beside.
    ///
    /// `_FORTIFY_SOURCE` is not kept: it changes no header, and the builder's
    /// own value would collide with it.
    pub fn for_modules(&self, needs: &[Part]) -> Result<ForModules, NoPart> {
        if let Some(part) = needs.iter().find(|part| !self.has(**part)) {
            return Err(NoPart(part.name()));
        }
        let dropped = ["--add-module=", "--add-dynamic-module=", "--with-cc-opt=", "--with-ld-opt="];
        let needed: Vec<String> = needs.iter().map(|part| format!("{}=dynamic", part.option())).collect();
        let keep = |word: &&String| {
            needed.contains(word)
                || !(word.ends_with("=dynamic") || dropped.iter().any(|option| word.starts_with(option)))
        };
        let arguments = self.words.iter().filter(keep).cloned().collect();
        Ok(ForModules { arguments, defines: self.defines() })
    }

    fn defines(&self) -> Vec<String> {
        let options = Arguments::parse(self.value("--with-cc-opt").unwrap_or_default()).words;
        let mut defines = Vec::new();
        let mut options = options.into_iter();
        while let Some(option) = options.next() {
            let Some(define) = option.strip_prefix("-D") else { continue };
            // `-D NAME` is one option in two words
            let define = if define.is_empty() { options.next().unwrap_or_default() } else { define.to_string() };
            let name = define.split('=').next().unwrap_or_default();
            if !name.is_empty() && name != "_FORTIFY_SOURCE" {
                defines.push(format!("-D{define}"));
            }
        }
        defines
    }
}

/// One argument a line.
impl fmt::Display for ForModules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arguments.iter().try_for_each(|argument| writeln!(f, "{argument}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "--with-cc-opt='-g -O2 -fPIC -Wdate-time -D_FORTIFY_SOURCE=2 -DTCP_FASTOPEN=23 -D NGX_X' \
        --with-ld-opt='-Wl,-z,relro' --prefix=/usr/share/nginx --modules-path=/usr/lib/nginx/modules --with-compat \
        --with-http_xslt_module=dynamic --with-mail=dynamic --with-mail_ssl_module --with-stream \
        --add-module=/build/a --add-dynamic-module=/build/nginx/debian/modules/http-echo";

    #[test]
    fn words_are_the_shells() {
        let words = |line: &str| Arguments::parse(line).words;
        assert_eq!(words("  --a  --b='x y'  "), ["--a", "--b=x y"]);
        assert_eq!(words(r#"--a="x \"y\" \n" '' --b=\ c'd'e"#), ["--a=x \"y\" \\n", "", "--b= cde"]);
        assert_eq!(words("--a='never closed"), ["--a=never closed"]);
        assert_eq!(words("").len(), 0);
        assert_eq!(words(LINE).len(), 11);
    }

    #[test]
    fn modules_get_what_changes_headers() {
        let arguments = Arguments::parse(LINE);
        let built = arguments.for_modules(&[]).unwrap();
        assert_eq!(
            built.to_string(),
            "--prefix=/usr/share/nginx\n--modules-path=/usr/lib/nginx/modules\n--with-compat\n--with-mail_ssl_module\n--with-stream\n"
        );
        assert_eq!(built.defines, ["-DTCP_FASTOPEN=23", "-DNGX_X"]);
    }

    #[test]
    fn needed_parts_come_back_or_are_missed() {
        let arguments = Arguments::parse(LINE);
        let built = arguments.for_modules(&[Part::Mail, Part::Stream]).unwrap();
        assert_eq!(built.arguments.iter().filter(|a| *a == "--with-mail=dynamic").count(), 1);
        assert!(!built.to_string().contains("--with-stream=dynamic"), "it is linked in");
        let light = Arguments::parse("--with-compat --without-http_geo_module");
        assert_eq!(
            light.for_modules(&[Part::Stream]).unwrap_err().to_string(),
            "this nginx is built without stream, which the module needs"
        );
    }
}
