// SPDX-License-Identifier: MIT
//! From tokens to a document, strictly by the grammar for what can be executed.
//!
//! It calls itself for what nests, [`NESTING_MAX`] deep at most. What stands twice and may not,
//! has two readings and is refused: names of operations and fragments, of arguments and variables.
//!
//! Spec: GraphQL, October 2021, §2.2 to §2.12.

use super::document::{
    Document, Field, Fragment, Inline, Operation, OperationKind, Selection, SelectionSet, Value,
};
use super::lexer::{Kind, Lexer, Token};
use super::{NESTING_MAX, QueryError};

type Parsed<T> = Result<T, QueryError>;

/// Reads a document.
///
/// # Errors
///
/// Where it is no document, or that it is too large for us.
pub fn parse(text: &str) -> Parsed<Document<'_>> {
    let mut lexer = Lexer::new(text);
    let next = lexer.token()?;
    let mut parser = Parser { lexer, next, nesting: 0 };
    let mut document = Document::default();
    while parser.next.kind != Kind::End {
        parser.definition(&mut document)?;
    }
    if document.operations.is_empty() {
        return Err(QueryError::Syntax(text.len()));
    }
    unique(document.operations.iter().map(|operation| operation.name.unwrap_or_default()))?;
    unique(document.fragments.iter().map(|fragment| fragment.name))?;
    document.fragments.sort_by_key(|fragment| fragment.name);
    Ok(document)
}

/// Refuses what stands twice.
fn unique<'n>(names: impl Iterator<Item = &'n str>) -> Parsed<()> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    match names.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(QueryError::Twice),
        false => Ok(()),
    }
}

struct Parser<'s> {
    lexer: Lexer<'s>,
    next: Token<'s>,
    nesting: usize,
}

impl<'s> Parser<'s> {
    fn take(&mut self) -> Parsed<Token<'s>> {
        let next = self.lexer.token()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn wrong<T>(&self) -> Parsed<T> {
        Err(QueryError::Syntax(self.next.start))
    }

    fn is(&self, punctuator: u8) -> bool {
        self.next.kind == Kind::Punctuator(punctuator)
    }

    /// Takes `punctuator` if it comes next.
    fn has(&mut self, punctuator: u8) -> Parsed<bool> {
        let is_next = self.is(punctuator);
        if is_next {
            self.take()?;
        }
        Ok(is_next)
    }

    fn expect(&mut self, punctuator: u8) -> Parsed<()> {
        if self.has(punctuator)? { Ok(()) } else { self.wrong() }
    }

    fn name(&mut self) -> Parsed<&'s str> {
        let Kind::Name(name) = self.next.kind else { return self.wrong() };
        self.take()?;
        Ok(name)
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= NESTING_MAX {
            return Err(QueryError::TooLarge);
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    fn definition(&mut self, document: &mut Document<'s>) -> Parsed<()> {
        if self.is(b'{') {
            let (kind, name, variables) = (OperationKind::Query, None, Vec::new());
            let set = self.selection_set()?;
            document.operations.push(Operation { kind, name, variables, set });
            return Ok(());
        }
        let at = self.next.start;
        let kind = match self.name()? {
            "fragment" => {
                let fragment = self.fragment()?;
                document.fragments.push(fragment);
                return Ok(());
            }
            "query" => OperationKind::Query,
            "mutation" => OperationKind::Mutation,
            "subscription" => OperationKind::Subscription,
            _ => return Err(QueryError::Syntax(at)),
        };
        let name = if let Kind::Name(_) = self.next.kind { Some(self.name()?) } else { None };
        let variables = self.variables()?;
        self.directives()?;
        let set = self.selection_set()?;
        document.operations.push(Operation { kind, name, variables, set });
        Ok(())
    }

    fn fragment(&mut self) -> Parsed<Fragment<'s>> {
        let at = self.next.start;
        let name = self.name()?;
        if name == "on" {
            return Err(QueryError::Syntax(at));
        }
        let on = self.on()?;
        self.directives()?;
        Ok(Fragment { name, on, set: self.selection_set()? })
    }

    /// `on` and a type, which it gives.
    fn on(&mut self) -> Parsed<&'s str> {
        if self.next.kind != Kind::Name("on") {
            return self.wrong();
        }
        self.take()?;
        self.name()
    }

    fn variables(&mut self) -> Parsed<Vec<(&'s str, Option<Value<'s>>)>> {
        let mut variables = Vec::new();
        if !self.has(b'(')? {
            return Ok(variables);
        }
        while !self.has(b')')? {
            self.expect(b'$')?;
            let name = self.name()?;
            self.expect(b':')?;
            self.type_of()?;
            let default = if self.has(b'=')? { Some(self.value()?) } else { None };
            self.directives()?;
            variables.push((name, default));
        }
        unique(variables.iter().map(|(name, _)| *name))?;
        if variables.is_empty() { self.wrong() } else { Ok(variables) }
    }

    fn type_of(&mut self) -> Parsed<()> {
        if self.has(b'[')? {
            self.nested(Self::type_of)?;
            self.expect(b']')?;
        } else {
            self.name()?;
        }
        self.has(b'!')?;
        Ok(())
    }

    /// Says whether there was any.
    fn directives(&mut self) -> Parsed<bool> {
        let mut is_any = false;
        while self.has(b'@')? {
            self.name()?;
            self.arguments()?;
            is_any = true;
        }
        Ok(is_any)
    }

    fn arguments(&mut self) -> Parsed<Vec<(&'s str, Value<'s>)>> {
        let mut arguments = Vec::new();
        if !self.has(b'(')? {
            return Ok(arguments);
        }
        while !self.has(b')')? {
            let name = self.name()?;
            self.expect(b':')?;
            arguments.push((name, self.value()?));
        }
        unique(arguments.iter().map(|(name, _)| *name))?;
        if arguments.is_empty() { self.wrong() } else { Ok(arguments) }
    }

    fn value(&mut self) -> Parsed<Value<'s>> {
        let value = match self.next.kind.clone() {
            Kind::Punctuator(b'$') => {
                self.take()?;
                return Ok(Value::Variable(self.name()?));
            }
            Kind::Punctuator(b'[') => {
                self.take()?;
                while !self.has(b']')? {
                    self.nested(Self::value)?;
                }
                return Ok(Value::Other);
            }
            Kind::Punctuator(b'{') => {
                self.take()?;
                while !self.has(b'}')? {
                    self.name()?;
                    self.expect(b':')?;
                    self.nested(Self::value)?;
                }
                return Ok(Value::Other);
            }
            Kind::Int(spelled) => Value::Int(spelled),
            Kind::Float(_) => Value::Other,
            Kind::Text(text) => Value::Text(text),
            Kind::Name(word) => Value::Word(word),
            _ => return self.wrong(),
        };
        self.take()?;
        Ok(value)
    }

    fn selection_set(&mut self) -> Parsed<SelectionSet<'s>> {
        let start = self.next.end;
        self.expect(b'{')?;
        let mut selections = Vec::new();
        while !self.has(b'}')? {
            selections.push(self.nested(Self::selection)?);
        }
        if selections.is_empty() {
            return self.wrong();
        }
        Ok(SelectionSet { start, selections })
    }

    fn selection(&mut self) -> Parsed<Selection<'s>> {
        if self.next.kind != Kind::Spread {
            return Ok(Selection::Field(self.field()?));
        }
        self.take()?;
        let on = match self.next.kind {
            Kind::Name("on") => Some(self.on()?),
            Kind::Name(name) => {
                self.take()?;
                self.directives()?;
                return Ok(Selection::Spread(name));
            }
            _ => None,
        };
        let is_conditional = self.directives()?;
        Ok(Selection::Inline(Inline { on, is_conditional, set: self.selection_set()? }))
    }

    fn field(&mut self) -> Parsed<Field<'s>> {
        let key = self.name()?;
        let name = if self.has(b':')? { self.name()? } else { key };
        let arguments = self.arguments()?;
        let is_conditional = self.directives()?;
        let set = if self.is(b'{') { Some(self.selection_set()?) } else { None };
        Ok(Field { key, name, arguments, is_conditional, set })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn field<'d, 's>(set: &'d SelectionSet<'s>, at: usize) -> &'d Field<'s> {
        match &set.selections[at] {
            Selection::Field(field) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_document_has_operations_and_fragments() {
        let text = "query A($o: String! = \"acme\", $n: [Int!]) @x { a: repository(owner: $o) { ...f } }
            mutation B { c } fragment f on Repository { ... on X @skip(if: true) { d } ... { e @x } }";
        let document = parse(text).unwrap();
        let [a, b] = &document.operations[..] else { panic!() };
        assert_eq!((a.kind, a.name), (OperationKind::Query, Some("A")));
        assert_eq!(a.variables, [("o", Some(Value::Text("acme".into()))), ("n", None)]);
        assert_eq!((b.kind, b.name), (OperationKind::Mutation, Some("B")));
        let repository = field(&a.set, 0);
        assert_eq!((repository.key, repository.name), ("a", "repository"));
        assert_eq!(repository.argument("owner"), Some(&Value::Variable("o")));
        let set = repository.set.as_ref().unwrap();
        assert_eq!(&text[set.start - 1..set.start], "{");
        assert_eq!(set.selections, [Selection::Spread("f")]);
        let fragment = document.fragment("f").unwrap();
        let [Selection::Inline(one), Selection::Inline(other)] = &fragment.set.selections[..]
        else {
            panic!()
        };
        assert_eq!((one.on, one.is_conditional), (Some("X"), true));
        assert_eq!((other.on, other.is_conditional), (None, false));
        assert!(field(&other.set, 0).is_conditional);
    }

    #[test]
    fn words_of_the_grammar_are_names_too() {
        let document = parse("{ query on fragment: mutation(type: true, on: NULL) }").unwrap();
        let set = &document.operations[0].set;
        assert_eq!(field(set, 0).name, "query");
        assert_eq!(field(set, 1).name, "on");
        assert_eq!(field(set, 2).key, "fragment");
        assert_eq!(field(set, 2).argument("type"), Some(&Value::Word("true")));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for bad in [
            "",
            "#",
            "a",
            "{",
            "{}",
            "{a",
            "{a}}",
            "query",
            "query A",
            "{a(}",
            "{a()}",
            "{a(b)}",
            "{a(b:)}",
            "query(){a}",
            "query($a){b}",
            "{a:}",
            "{...}",
            "{... on}",
            "{... on A}",
            "fragment on on A {b}",
            "fragment f {b}",
            "fragment f on A {b}",
            "type A {b: C}",
            "schema {query: A}",
            "{a(b:[1)}",
            "{a(b:{c 1})}",
            "{a @}",
            "extend type A {b: C}",
        ] {
            assert!(matches!(parse(bad), Err(QueryError::Syntax(_))), "{bad}: {:?}", parse(bad));
        }
    }

    #[test]
    fn what_stands_twice_is_refused() {
        for bad in [
            "{a} {b}",
            "query A {a} query A {b}",
            "{...f} fragment f on A {a} fragment f on A {b}",
            "{a(b: 1, b: 2)}",
            "query($a: A, $a: B) {c}",
        ] {
            assert_eq!(parse(bad), Err(QueryError::Twice), "{bad}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |depth: usize| "{a".repeat(depth) + &"}".repeat(depth);
        assert!(parse(&deep(NESTING_MAX)).is_ok());
        assert_eq!(parse(&deep(NESTING_MAX + 2)), Err(QueryError::TooLarge));
        let list = format!("{{a(b:{}", "[".repeat(100_000));
        assert_eq!(parse(&list), Err(QueryError::TooLarge));
    }
}
