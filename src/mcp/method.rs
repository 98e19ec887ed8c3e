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
    /// `tools/list`
    ToolsList,
    /// `tools/call`
    ToolsCall,
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
    /// Anything else.
    Other,
}

impl Method {
    /// Whether a server that gets a request with this method twice does the same as if it got it
    /// once.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        matches!(
            self,
            Self::Initialize
                | Self::Ping
                | Self::ToolsList
                | Self::SetLevel
                | Self::Subscribe
                | Self::Unsubscribe
        )
    }

    /// From the name, decoded and without quotes.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "initialize" => Self::Initialize,
            "notifications/initialized" => Self::Initialized,
            "ping" => Self::Ping,
            "tools/list" => Self::ToolsList,
            "tools/call" => Self::ToolsCall,
            "notifications/cancelled" => Self::Cancelled,
            "notifications/progress" => Self::Progress,
            "notifications/message" => Self::LogMessage,
            "logging/setLevel" => Self::SetLevel,
            "resources/subscribe" => Self::Subscribe,
            "resources/unsubscribe" => Self::Unsubscribe,
            "notifications/resources/updated" => Self::ResourceUpdated,
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed" => Self::ListChanged,
            _ => Self::Other,
        }
    }
}
