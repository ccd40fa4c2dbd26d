//! The `security/` rules.

use super::Rule;

mod addresses;
mod client_side_secret_exchange;
mod debug_enabled;
mod dynamic_code;
mod insecure_request;
mod leaked_secret;
mod test_endpoint;
mod untrusted_web_view;
mod unverified_referrer;
mod weakened_device;

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &client_side_secret_exchange::ClientSideSecretExchange,
    &debug_enabled::DebugEnabled,
    &dynamic_code::DynamicCode,
    &insecure_request::InsecureRequest,
    &leaked_secret::LeakedSecret,
    &test_endpoint::TestEndpoint,
    &untrusted_web_view::UntrustedWebView,
    &unverified_referrer::UnverifiedReferrer,
    &weakened_device::WeakenedDevice,
];
