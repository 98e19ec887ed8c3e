// SPDX-License-Identifier: MIT
//! The methods that the gateway does something about; all others are forwarded unread.

use crate::base::Span;
use crate::wire::json::scan;

/// What we do with a message, by its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `initialize`
    Initialize,
    /// `notifications/initialized`
    Initialized,
    /// `ping`
    Ping,
    /// `server/discover`
    Discover,
    /// `subscriptions/listen`
    Listen,
    /// `tools/list`
    ToolsList,
    /// `tools/call`
    ToolsCall,
    /// `prompts/list`
    PromptsList,
    /// `prompts/get`
    PromptsGet,
    /// `resources/list`
    ResourcesList,
    /// `resources/templates/list`
    TemplatesList,
    /// `resources/read`
    ResourcesRead,
    /// `completion/complete`
    Complete,
    /// `notifications/cancelled`
    Cancelled,
    /// `notifications/progress`
    Progress,
    /// `notifications/message`: a log message.
    LogMessage,
    /// `logging/setLevel`
    SetLevel,
    /// `resources/subscribe`
    Subscribe,
    /// `resources/unsubscribe`
    Unsubscribe,
    /// `notifications/resources/updated`
    ResourceUpdated,
    /// `notifications/*/list_changed`: tools, prompts or resources are others than before.
    ListChanged,
    /// `notifications/roots/list_changed`: the client's roots are others than before.
    RootsListChanged,
    /// `notifications/subscriptions/acknowledged`
    Acknowledged,
    /// `tasks/get`
    TasksGet,
    /// `tasks/result`
    TasksResult,
    /// `tasks/list`
    TasksList,
    /// `tasks/cancel`
    TasksCancel,
    /// `tasks/update`
    TasksUpdate,
    /// Anything else.
    Other,
}

impl Method {
    /// Whether its `params.taskId` says what it is about.
    #[must_use]
    pub const fn names_task(self) -> bool {
        matches!(self, Self::TasksGet | Self::TasksResult | Self::TasksCancel | Self::TasksUpdate)
    }

    /// Whether a server that gets a request with this method twice does the same as if it got it
    /// once.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        self.is_cacheable()
            || matches!(
                self,
                Self::Initialize
                    | Self::Ping
                    | Self::SetLevel
                    | Self::Subscribe
                    | Self::Unsubscribe
                    | Self::PromptsGet
                    | Self::Complete
                    | Self::TasksGet
                    | Self::TasksResult
                    | Self::TasksList
            )
    }

    /// Whether modern results of this method say how long they may be kept.
    ///
    /// Spec: MCP 2026-07-28, server/utilities/caching.
    #[must_use]
    pub const fn is_cacheable(self) -> bool {
        matches!(
            self,
            Self::Discover
                | Self::ToolsList
                | Self::PromptsList
                | Self::ResourcesList
                | Self::TemplatesList
                | Self::ResourcesRead
        )
    }

    /// Whether the modern answer to this method may be a question.
    ///
    /// Spec: MCP 2026-07-28, basic/patterns/mrtr.
    #[must_use]
    pub const fn may_ask_for_input(self) -> bool {
        matches!(self, Self::ToolsCall | Self::PromptsGet | Self::ResourcesRead)
    }

    /// Whether clients of the modern era have this method, its extension for tasks included.
    ///
    /// False for [`Self::Other`], which may be a method of an extension that we do not know.
    #[must_use]
    pub const fn is_known_modern(self) -> bool {
        self.is_cacheable()
            || self.may_ask_for_input()
            || matches!(
                self,
                Self::Listen
                    | Self::Complete
                    | Self::Cancelled
                    | Self::TasksGet
                    | Self::TasksCancel
                    | Self::TasksUpdate
            )
    }

    /// Whether only clients of the legacy era have this method: a modern one is refused.
    #[must_use]
    pub const fn is_legacy_only(self) -> bool {
        matches!(
            self,
            Self::Initialize
                | Self::Initialized
                | Self::Ping
                | Self::SetLevel
                | Self::Subscribe
                | Self::Unsubscribe
                | Self::RootsListChanged
                | Self::TasksResult
                | Self::TasksList
        )
    }

    /// From the name, decoded and without quotes.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self::of_bytes(name.as_bytes())
    }

    /// From the name at `place` of a message that was validated before, with its quotes.
    #[must_use]
    pub fn spelled(text: &[u8], place: Span) -> Self {
        let [b'"', plain @ .., b'"'] = place.of(text) else { return Self::Other };
        match Self::of_bytes(plain) {
            // Only what is none of ours as it stands there may be one in escapes.
            Self::Other if plain.contains(&b'\\') => {
                scan::string(text, place).map_or(Self::Other, |name| Self::of(&name))
            }
            method => method,
        }
    }

    fn of_bytes(name: &[u8]) -> Self {
        match name {
            b"tools/call" => Self::ToolsCall,
            b"notifications/progress" => Self::Progress,
            b"notifications/message" => Self::LogMessage,
            b"tools/list" => Self::ToolsList,
            b"resources/read" => Self::ResourcesRead,
            b"prompts/get" => Self::PromptsGet,
            b"initialize" => Self::Initialize,
            b"notifications/initialized" => Self::Initialized,
            b"ping" => Self::Ping,
            b"server/discover" => Self::Discover,
            b"subscriptions/listen" => Self::Listen,
            b"prompts/list" => Self::PromptsList,
            b"resources/list" => Self::ResourcesList,
            b"resources/templates/list" => Self::TemplatesList,
            b"completion/complete" => Self::Complete,
            b"notifications/cancelled" => Self::Cancelled,
            b"logging/setLevel" => Self::SetLevel,
            b"resources/subscribe" => Self::Subscribe,
            b"resources/unsubscribe" => Self::Unsubscribe,
            b"notifications/resources/updated" => Self::ResourceUpdated,
            b"notifications/tools/list_changed"
            | b"notifications/prompts/list_changed"
            | b"notifications/resources/list_changed" => Self::ListChanged,
            b"notifications/roots/list_changed" => Self::RootsListChanged,
            b"notifications/subscriptions/acknowledged" => Self::Acknowledged,
            b"tasks/get" => Self::TasksGet,
            b"tasks/result" => Self::TasksResult,
            b"tasks/list" => Self::TasksList,
            b"tasks/cancel" => Self::TasksCancel,
            b"tasks/update" => Self::TasksUpdate,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_belongs_to_its_eras() {
        for name in ["server/discover", "tools/call", "subscriptions/listen", "tasks/update"] {
            let method = Method::of(name);
            assert!(method.is_known_modern() && !method.is_legacy_only(), "{name}");
        }
        for name in ["ping", "initialize", "logging/setLevel", "resources/subscribe", "tasks/list"]
        {
            let method = Method::of(name);
            assert!(method.is_legacy_only() && !method.is_known_modern(), "{name}");
        }
        let other = Method::of("acme/do");
        assert!(!other.is_known_modern() && !other.is_legacy_only() && !other.is_repeatable());
    }

    #[test]
    fn a_method_is_the_same_however_it_is_spelled() {
        let method = |text: &str| Method::spelled(text.as_bytes(), Span::new(0, text.len()));
        assert_eq!(method(r#""tools/call""#), Method::ToolsCall);
        assert_eq!(method(r#""\u0074ools\/call""#), Method::ToolsCall);
        assert_eq!(method(r#""tools/cal""#), Method::Other);
        assert_eq!(method(r#""tools\u002fcal""#), Method::Other);
        assert_eq!(method("7"), Method::Other);
    }

    #[test]
    fn what_may_have_an_effect_is_not_repeated() {
        for name in ["tools/call", "tasks/cancel", "tasks/update", "subscriptions/listen"] {
            assert!(!Method::of(name).is_repeatable(), "{name}");
        }
        assert!(Method::of("prompts/get").is_repeatable());
        assert!(Method::of("resources/read").is_repeatable());
    }
}
