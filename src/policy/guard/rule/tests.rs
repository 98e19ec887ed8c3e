// SPDX-License-Identifier: MIT
//! What policies say, and what is said of those that say nothing.

use super::*;

#[track_caller]
fn rule(more: &str) -> AllowOnly {
    let text = format!(r#"{{"allow-only":{{"repos":"all","min-integrity":"none"{more}}}}}"#);
    match Policy::parse(text.as_bytes()) {
        Ok(Policy::AllowOnly(rule)) => rule,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check_error(text: &str, want: &str) {
    assert_eq!(Policy::parse(text.as_bytes()).unwrap_err(), want, "{text}");
}

#[track_caller]
fn check_rule_error(more: &str, want: &str) {
    let text = format!(r#"{{"allow-only":{{"repos":"all","min-integrity":"none"{more}}}}}"#);
    check_error(&text, want);
}

#[test]
fn a_policy_is_one_of_two_in_any_spelling() {
    for text in [
        r#"{"allow-only":{"repos":"all","min-integrity":"none"}}"#,
        r#"{"AllowOnly":{"Repos":" ALL ","Integrity":" None "}}"#,
        r#"{"ALLOW-ONLY":{"repos":"All","MIN-INTEGRITY":"NONE"}}"#,
    ] {
        let policy = Policy::parse(text.as_bytes()).unwrap();
        assert_eq!(policy, Policy::AllowOnly(AllowOnly::new(Repos::All, Level::None)), "{text}");
        let json = String::from_utf8(policy.to_json()).unwrap();
        assert_eq!(json, r#"{"allow-only":{"repos":"all","min-integrity":"none"}}"#);
    }
    check_error("{}", "invalid guard policy JSON: policy must include allow-only or write-sink");
    check_error(
        r#"{"allow-only":{},"write-sink":{}}"#,
        "invalid guard policy JSON: policy must include either allow-only or write-sink, not both",
    );
    check_error(
        r#"{"deny":{}}"#,
        r#"invalid guard policy JSON: policy contains unsupported field "deny""#,
    );
    check_error(
        r#"{"allow-only":{},"allowonly":{}}"#,
        r#"invalid guard policy JSON: policy contains field "allowonly" twice"#,
    );
    assert!(Policy::parse(b"{").unwrap_err().starts_with("invalid guard policy JSON: "));
}

#[test]
fn every_field_is_kept_and_written_again() {
    let text = r#"{"allow-only":{"repos":["a/b","A/*","v/next.*"],"min-integrity":"merged","tool-call-limits":{"get":2,"list":0},"blocked-users":["x"],"refusal-labels":["r"],"approval-labels":["ok"],"trusted-users":["t"],"endorsement-reactions":["HEART"],"disapproval-reactions":["THUMBS_DOWN"],"disapproval-integrity":"unapproved","endorser-min-integrity":"approved","promotion-label":"up","demotion-label":"down"}}"#;
    let policy = Policy::parse(text.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(policy.to_json()).unwrap(), text);
}

#[test]
fn lists_are_arrays_or_strings_and_hold_each_name_once() {
    let said = rule(
        r#","blocked-users":" Mona,\nhubot , mona","endorsement-reactions":["heart","HEART"]"#,
    );
    assert_eq!(said.blocked_users, ["Mona".into(), "hubot".into()]);
    assert_eq!(said.endorsement_reactions, ["HEART".into()]);
    assert!(rule(r#","approval-labels":[],"trusted-users":null"#).approval_labels.is_empty());
    for field in ["blocked-users", "refusal-labels", "approval-labels", "trusted-users"] {
        check_rule_error(
            &format!(r#","{field}":" , ""#),
            &format!(
                "invalid guard policy JSON: invalid allow-only.{field}: must include at least one label"
            ),
        );
        check_rule_error(
            &format!(r#","{field}":["a"," "]"#),
            &format!(
                "Configuration error at allow-only.{field}: {field} is required\nSuggestion: Provide a non-empty value for {field}"
            ),
        );
        check_rule_error(
            &format!(r#","{field}":7"#),
            &format!(
                "invalid guard policy JSON: invalid allow-only.{field}: expected array of strings or comma/newline-delimited expression"
            ),
        );
        check_rule_error(
            &format!(r#","{field}":[7]"#),
            &format!(
                "invalid guard policy JSON: invalid allow-only.{field}: json: cannot unmarshal number into Go value of type string"
            ),
        );
    }
}

#[test]
fn what_is_missing_or_of_the_wrong_sort_is_named() {
    check_error(
        r#"{"allow-only":{"min-integrity":"none"}}"#,
        "invalid guard policy JSON: allow-only must include repos",
    );
    check_error(
        r#"{"allow-only":{"repos":"all"}}"#,
        "invalid guard policy JSON: Configuration error at allow-only.min-integrity: \
         min-integrity is required\nSuggestion: Specify the minimum integrity level (one of: \
         none, unapproved, approved, merged)",
    );
    check_error(
        r#"{"allow-only":{"repos":"all","min-integrity":"high"}}"#,
        "allow-only.min-integrity must be one of: none, unapproved, approved, merged",
    );
    check_rule_error(
        r#","colour":1"#,
        r#"invalid guard policy JSON: allow-only contains unsupported field "colour""#,
    );
    check_rule_error(
        r#","integrity":"none""#,
        r#"invalid guard policy JSON: allow-only contains field "min-integrity" twice"#,
    );
    check_rule_error(
        r#","disapproval-integrity":"blocked""#,
        "allow-only.disapproval-integrity must be one of: none, unapproved, approved, merged",
    );
    check_rule_error(
        r#","tool-call-limits":{"x":-1}"#,
        r#"allow-only.tool-call-limits["x"] must be >= 0"#,
    );
    check_rule_error(
        r#","tool-call-limits":{"x":1.5}"#,
        "invalid guard policy JSON: invalid allow-only.tool-call-limits: json: cannot unmarshal \
         number 1.5 into Go value of type int",
    );
    check_rule_error(
        r#","promotion-label":[]"#,
        "invalid guard policy JSON: invalid allow-only.promotion-label: json: cannot unmarshal \
         array into Go value of type string",
    );
}

#[test]
fn scopes_are_names_of_repositories_with_one_star_at_most() {
    let check = |repos: &str, want: &str| {
        let text = format!(r#"{{"allow-only":{{"repos":{repos},"min-integrity":"none"}}}}"#);
        check_error(&text, want);
    };
    check(r#""some""#, "allow-only.repos string must be 'all' or 'public'");
    check("[]", "allow-only.repos array must contain at least one scope");
    check("[1]", "allow-only.repos array values must be strings");
    check(r#"["a/b"," a/b "]"#, "allow-only.repos must not contain duplicates");
    let shape =
        "allow-only.repos must be 'all', 'public', or a non-empty array of repo scope strings";
    for repos in ["null", "{}", "7"] {
        check(repos, shape);
    }
    let long = format!("o/{}", "r".repeat(101));
    for scope in ["a", "a/", "/b", "a/b/c", "a/b*c", "a/**", "*/b", "a b/c", "all", "a/..", &long] {
        let want = format!(
            "allow-only.repos scope \"{scope}\" is invalid; expected owner/*, owner/repo, or owner/re*"
        );
        check(&format!("[\"{scope}\"]"), &want);
    }
    for scope in ["vercel/next.js", "Microsoft/TypeScript", "a/*", "a/b*", "a-b/c_d", "a/.github"] {
        assert!(scope::is_scope(scope), "{scope}");
    }
}

#[test]
fn a_sink_names_what_it_accepts() {
    let parse =
        |fields: &str| Policy::parse(format!(r#"{{"write-sink":{{{fields}}}}}"#).as_bytes());
    let good =
        parse(r#""accept":[" private:o/r ","o","internal:o/p*"],"sink-visibility":" Public ""#);
    let text = r#"{"write-sink":{"accept":["private:o/r","o","internal:o/p*"],"sink-visibility":"public"}}"#;
    assert_eq!(String::from_utf8(good.unwrap().to_json()).unwrap(), text);
    let any = parse(r#""accept":[" * "]"#).unwrap();
    let wanted = WriteSink { accept: vec!["*".into()], visibility: None };
    assert_eq!(any, Policy::WriteSink(wanted));
    for (fields, want) in [
        ("", "write-sink.accept must contain at least one entry"),
        (r#""accept":[]"#, "write-sink.accept must contain at least one entry"),
        (r#""accept":["*","o"]"#, "write-sink.accept wildcard \"*\" must be the only entry"),
        (r#""accept":["o","o"]"#, "write-sink.accept must not contain duplicates"),
        (
            r#""accept":["secret:o"]"#,
            "write-sink.accept entry \"secret:o\" is invalid: visibility prefix must be private, \
             public, or internal; got \"secret\"",
        ),
        (
            r#""accept":["private:o/"]"#,
            "write-sink.accept entry \"private:o/\" scope \"o/\" is invalid; expected owner, \
             owner/*, owner/repo, or owner/re*",
        ),
        (
            r#""accept":["o"],"sink-visibility":"Open""#,
            "write-sink.sink-visibility must be one of: public, private, internal; got \"open\"",
        ),
        (
            r#""accept":["o"],"x":1"#,
            "invalid guard policy JSON: write-sink contains unsupported field \"x\"",
        ),
    ] {
        assert_eq!(parse(fields).unwrap_err(), want, "{fields}");
    }
}

#[test]
fn a_guard_is_told_everything_but_the_budgets() {
    let said = rule(r#","tool-call-limits":{"get":2,"list":0},"promotion-label":"up""#);
    assert_eq!(said.limits().count(), 1);
    let payload = label_agent_payload(&said, &["b[bot]".into()]);
    assert_eq!(
        String::from_utf8(payload).unwrap(),
        r#"{"allow-only":{"repos":"all","min-integrity":"none","promotion-label":"up"},"trusted-bots":["b[bot]"]}"#
    );
    let plain = String::from_utf8(label_agent_payload(&rule(""), &[])).unwrap();
    assert_eq!(plain, r#"{"allow-only":{"repos":"all","min-integrity":"none"}}"#);
}

#[test]
fn what_a_guard_is_told_is_read_again() {
    let rule = r#""repos":"public","min-integrity":"none""#;
    let of = |fields: &str| format!(r#"{{"allow-only":{{{rule}{fields}}}}}"#);
    let (told, bots) = parse_payload(of(r#","refusal-labels":"a,b""#).as_bytes()).unwrap();
    assert_eq!((told.refusal_labels, bots), (vec!["a".into(), "b".into()], Vec::new()));
    let with_bots = format!(r#"{{"trusted-bots":[" b "," ","B"],"allow-only":{{{rule}}}}}"#);
    assert_eq!(parse_payload(with_bots.as_bytes()).unwrap().1, vec!["b".into()]);
    for (text, want) in [
        ("{".to_owned(), "invalid guard policy JSON: "),
        ("[]".to_owned(), "invalid guard policy JSON: "),
        ("null".to_owned(), "invalid guard policy JSON: policy must include allow-only"),
        (of(r#","x":1"#), "invalid guard policy JSON: allow-only contains unsupported field"),
        (
            of(r#","trusted-users":7"#),
            "invalid guard policy JSON: invalid allow-only.trusted-users",
        ),
        (
            format!(r#"{{"allow-only":{{{rule}}},"x":1}}"#),
            r#"invalid guard policy JSON: policy contains unsupported field "x""#,
        ),
        (
            format!(r#"{{"allow-only":{{{rule}}},"trusted-bots":7}}"#),
            "invalid guard policy JSON: invalid trusted-bots: expected array of strings",
        ),
    ] {
        let why = parse_payload(text.as_bytes()).unwrap_err();
        assert!(why.starts_with(want), "{text}: {why}");
    }
}

/// The grammar once more, letter by letter.
fn is_scope_twin(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let [owner, repo] = parts[..] else { return false };
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    let is_of = |text: &str, more: &str| {
        text.chars().all(|letter| letters.contains(letter) || more.contains(letter))
    };
    let stars = repo.chars().filter(|letter| *letter == '*').count();
    let name = repo.replace('*', "");
    let star_fits = stars == 0 || (stars == 1 && repo.ends_with('*'));
    (1..=39).contains(&owner.chars().count())
        && is_of(owner, "")
        && star_fits
        && is_of(&name, ".")
        && name.chars().count() <= 100
        && repo != "."
        && repo != ".."
        && !repo.is_empty()
}

proptest::proptest! {
    #[test]
    fn scopes_are_those_of_the_twin(
        text in "[aZ9._*/-]{0,8}|[a-z]{37,41}/[a-z.]{0,3}\\*?|a/[b-d]{98,102}\\*?|\\PC{0,6}/\\PC{0,6}"
    ) {
        proptest::prop_assert_eq!(scope::is_scope(&text), is_scope_twin(&text), "{}", text);
    }

    #[test]
    fn a_policy_is_what_its_own_spelling_says(
        scopes in proptest::collection::hash_set("[a-z]{1,3}/[a-z.]{1,3}[a-z]\\*?", 1..4),
        users in proptest::collection::vec("[a-zA-Z]{1,2}", 0..6),
        level in 0..4usize,
    ) {
        let mut rule = AllowOnly::new(
            Repos::Scopes(scopes.into_iter().map(Into::into).collect()),
            Level::ALL[level],
        );
        for user in &users {
            value::add(&mut rule.blocked_users, user, value::List::Names);
        }
        let policy = Policy::AllowOnly(rule);
        fuzz(&policy.to_json());
        proptest::prop_assert_eq!(Policy::parse(&policy.to_json()), Ok(policy));
    }
}
