// SPDX-License-Identifier: MIT
//! The answer to `tools/list`: what each tool is called, what it takes and what it gives.
//!
//! Knows no computation. That schemas and tools agree is tested in `tests/calculator.rs`.

macro_rules! number {
    () => {
        concat!(
            r#"{"type":["string","number"],"#,
            r#""pattern":"^[+-]?(?:[0-9]+(?:\\.[0-9]+)?|\\.[0-9]+)$","#,
            r#""description":"A decimal number as a string, such as \"0.1\": no exponent, at "#,
            r#"most 200 digits. A JSON number counts as it is spelled."}"#
        )
    };
}

macro_rules! numbers {
    () => {
        concat!(r#"{"type":"array","minItems":1,"maxItems":1000,"items":"#, number!(), "}")
    };
}

macro_rules! precision {
    ($of:literal) => {
        concat!(
            r#"{"type":"integer","minimum":1,"maximum":100,"description":"Significant digits, "#,
            $of,
            r#""}"#
        )
    };
}

macro_rules! operator {
    () => {
        r#"{"type":"string","enum":["add","sub","mul","div","+","-","*","/"]}"#
    };
}

macro_rules! unit {
    () => {
        concat!(
            r#"{"type":"string","enum":["m","cm","mm","km","in","ft","yd","mi","#,
            r#""g","kg","mg","lb","s","min","h","day"]}"#
        )
    };
}

macro_rules! quantity {
    () => {
        concat!(
            r#"{"type":"object","properties":{"value":"#,
            number!(),
            r#","unit":"#,
            unit!(),
            r#"},"required":["value","unit"],"additionalProperties":false}"#
        )
    };
}

macro_rules! function {
    () => {
        concat!(
            r#"{"type":"string","enum":["mean","median","variance","stdev","std","min","max","#,
            r#""sum","count"]}"#
        )
    };
}

macro_rules! output {
    ($operations:literal $(, $more:literal)*) => {
        concat!(
            r#"{"type":"object","properties":{"operation":{"type":"string","enum":["#,
            $operations,
            r#"]},"result":{"type":"string","description":"A decimal number without exponent."},"#,
            r#""unit":{"type":["string","null"],"description":"The unit of the result, or null."}"#,
            $($more,)*
            r#"},"required":["operation","result","unit"],"additionalProperties":false}"#
        )
    };
}

macro_rules! tool {
    ($name:literal, $title:literal, $description:literal, $output:expr, $($input:expr),+) => {
        concat!(
            r#"{"name":""#, $name, r#"","title":""#, $title, r#"","description":""#, $description,
            r#"","inputSchema":{"type":"object","properties":"#, $($input,)+
            r#","additionalProperties":false},"outputSchema":"#, $output,
            r#","annotations":{"title":""#, $title, r#"","readOnlyHint":true,"#,
            r#""destructiveHint":false,"idempotentHint":true,"openWorldHint":false}}"#
        )
    };
}

const CALCULATE: &str = tool!(
    "exact_calculate",
    "Exact arithmetic",
    "Adds, subtracts, multiplies or divides decimal numbers, from the left to the right. Sums, \
     differences and products are exact; a quotient is rounded half to even.",
    output!(r#""arithmetic""#),
    r#"{"operator":"#,
    operator!(),
    r#","operands":"#,
    numbers!(),
    r#","precision":"#,
    precision!("28 for a quotient unless given; other results are rounded only if it is given."),
    r#"},"required":["operator","operands"]"#
);

const STATISTICS: &str = tool!(
    "exact_statistics",
    "Exact statistics",
    "Mean, median, variance, standard deviation, minimum, maximum, sum and count of decimal \
     numbers. Give one function or a list of operations; without either all are computed.",
    output!(
        r#""statistics""#,
        r#","results":{"type":"object","description":"All operations by name.","#,
        r#""additionalProperties":{"type":"string"}}"#
    ),
    r#"{"values":"#,
    numbers!(),
    r#","operations":{"type":"array","minItems":1,"maxItems":1000,"items":"#,
    function!(),
    r#"},"function":"#,
    function!(),
    r#","sample":{"type":"boolean","description":"Whether variance and standard deviation "#,
    r#"are those of a sample (n-1); false unless given."},"precision":"#,
    precision!("28 for results that do not end unless given."),
    r#"},"required":["values"]"#
);

const CONVERT_UNITS: &str = tool!(
    "exact_convert_units",
    "Exact unit conversion",
    "Converts a length (m, cm, mm, km, in, ft, yd, mi), a mass (g, kg, mg, lb) or a time (s, min, \
     h, day) into another unit of the same dimension.",
    output!(r#""unit""#),
    r#"{"value":"#,
    number!(),
    r#","from_unit":"#,
    unit!(),
    r#","to_unit":"#,
    unit!(),
    r#","precision":"#,
    precision!("28 for results that do not end unless given."),
    r#"},"required":["value","from_unit","to_unit"]"#
);

const UNIT_ARITHMETIC: &str = tool!(
    "exact_unit_arithmetic",
    "Exact arithmetic with units",
    "Computes with lengths, masses and times, from the left to the right: 2 m + 3 ft = 2.9144 m. \
     Give a list of operands, or left and right. Sums need one dimension and are in the unit of \
     the first operand; products and quotients are in base units such as m*s^-1, unless a unit is \
     asked for.",
    output!(r#""unit""#),
    r#"{"operator":"#,
    operator!(),
    r#","operands":{"type":"array","minItems":1,"maxItems":1000,"items":"#,
    quantity!(),
    r#"},"left":"#,
    quantity!(),
    r#","right":"#,
    quantity!(),
    r#","output_unit":"#,
    unit!(),
    r#","result_unit":"#,
    unit!(),
    r#","precision":"#,
    precision!("28 for results that do not end unless given."),
    r#"},"required":["operator"]"#
);

const COMPUTE: &str = tool!(
    "exact_compute",
    "Exact computation",
    "The other tools behind one name. operation arithmetic: params {operator, operands} or \
     {operator, x, y}; statistics: params as of exact_statistics; unit: params {action: convert, \
     value, unit, to_unit} or {action: arithmetic, operator, left, right, result_unit}. An \
     operator may also stand as the operation.",
    output!(
        r#""arithmetic","statistics","unit""#,
        r#","results":{"type":"object","description":"All operations by name.","#,
        r#""additionalProperties":{"type":"string"}}"#
    ),
    r#"{"operation":{"type":"string","enum":["arithmetic","statistics","unit","#,
    r#""add","sub","mul","div","+","-","*","/"]},"#,
    r#""params":{"type":"object"}},"required":["operation","params"]"#
);

/// The tools as `tools/list` gives them: elements of a JSON array, each on one line.
pub const TOOLS: [&str; 5] = [CALCULATE, STATISTICS, CONVERT_UNITS, UNIT_ARITHMETIC, COMPUTE];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calculator::tool::Tool;
    use crate::calculator::unit::UNITS;
    use crate::wire::json::tree::{self, Node};

    #[test]
    fn every_published_tool_exists_and_has_what_clients_look_for() {
        for text in TOOLS {
            assert!(!text.contains('\n'));
            let tool = tree::parse(text.as_bytes(), 32).unwrap();
            let name = tool.get("name").and_then(Node::as_str).unwrap();
            assert!(Tool::parse(name).is_some(), "{name}");
            for schema in ["inputSchema", "outputSchema"] {
                let kind = tool.get(schema).and_then(|schema| schema.get("type")).unwrap();
                assert_eq!(kind.as_str(), Some("object"));
            }
            let hints = tool.get("annotations").unwrap();
            for (hint, want) in
                [("readOnlyHint", true), ("idempotentHint", true), ("openWorldHint", false)]
            {
                assert_eq!(hints.get(hint).and_then(Node::as_bool), Some(want), "{name} {hint}");
            }
        }
    }

    #[test]
    fn the_published_units_are_all_units() {
        let schema = tree::parse(unit!().as_bytes(), 8).unwrap();
        let published: Vec<_> =
            schema.get("enum").and_then(Node::as_array).unwrap().iter().map(Node::as_str).collect();
        let known: Vec<_> = UNITS.iter().map(|unit| Some(unit.symbol)).collect();
        assert_eq!(published, known);
    }
}
