//! API Activity (OCSF 6003): one call to a cloud's or a cluster's management interface.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Api {
    /// `aws`, `azure`, `gcp`, `kubernetes`, ..
    pub provider: Text,
    /// `iam.amazonaws.com`
    pub service: Text,
    /// `CreateAccessKey`
    pub operation: Text,
    /// Who called: user name, role name or principal.
    pub user: Text,
    /// `IAMUser`, `AssumedRole`, `AWSService`, ..
    pub user_kind: Text,
    /// Whole name of the principal, such as its ARN.
    pub principal: String,
    /// Access key or token id.
    pub credential: Text,
    pub client: Option<IpAddr>,
    /// When the caller is a service of the provider: its name.
    pub client_name: Text,
    pub user_agent: String,
    pub account: Text,
    pub region: Text,
    pub success: bool,
    pub error: Text,
    /// Reads only.
    pub read_only: bool,
    pub mfa: Option<bool>,
    /// Names of what it was about, at most 32.
    pub resources: Vec<Text>,
}
