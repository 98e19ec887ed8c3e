// SPDX-License-Identifier: MIT
//! The methods that the gateway does something about; all others are forwarded unread.

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
        match name {
            // What comes most comes first, for the names are compared in this order.
            "tools/call" => Self::ToolsCall,
            "notifications/progress" => Self::Progress,
            "notifications/message" => Self::LogMessage,
            "tools/list" => Self::ToolsList,
            "resources/read" => Self::ResourcesRead,
            "prompts/get" => Self::PromptsGet,
            "initialize" => Self::Initialize,
            "notifications/initialized" => Self::Initialized,
            "ping" => Self::Ping,
            "server/discover" => Self::Discover,
            "subscriptions/listen" => Self::Listen,
            "prompts/list" => Self::PromptsList,
            "resources/list" => Self::ResourcesList,
            "resources/templates/list" => Self::TemplatesList,
            "completion/complete" => Self::Complete,
            "notifications/cancelled" => Self::Cancelled,
            "logging/setLevel" => Self::SetLevel,
            "resources/subscribe" => Self::Subscribe,
            "resources/unsubscribe" => Self::Unsubscribe,
            "notifications/resources/updated" => Self::ResourceUpdated,
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed" => Self::ListChanged,
            "notifications/roots/list_changed" => Self::RootsListChanged,
            "notifications/subscriptions/acknowledged" => Self::Acknowledged,
            "tasks/get" => Self::TasksGet,
            "tasks/result" => Self::TasksResult,
            "tasks/list" => Self::TasksList,
            "tasks/cancel" => Self::TasksCancel,
            "tasks/update" => Self::TasksUpdate,
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
    fn what_may_have_an_effect_is_not_repeated() {
        for name in ["tools/call", "tasks/cancel", "tasks/update", "subscriptions/listen"] {
            assert!(!Method::of(name).is_repeatable(), "{name}");
        }
        assert!(Method::of("prompts/get").is_repeatable());
        assert!(Method::of("resources/read").is_repeatable());
    }
}
