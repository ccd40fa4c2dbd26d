//! The `privacy/` rules.

use super::Rule;

mod analytics_before_consent;
mod clipboard_read;
mod collection_on_launch;
mod collection_without_consent;
mod collection_without_notice;
mod consent_preselected;
mod consent_without_refusal;
mod covert_recording;
mod cross_program_transfer;
pub(super) mod evidence;
mod forced_authorization;
mod form_without_notice;
pub mod inventory;
mod literal_personal_information;
mod location_misuse;
mod log_exposure;
mod minor_data_collection;
mod missing_deletion;
mod missing_privacy_policy;
pub mod notices;
mod plaintext_storage;
pub(super) mod plaintext_transport;
pub mod policy_text;
mod public_display;
mod silent_upload;
pub mod third_party_sharing;
mod undisclosed_collection;
mod undisclosed_third_party;
mod unencrypted_sensitive_upload;
mod unnecessary_collection;
mod url_exposure;
mod weak_encryption;

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &analytics_before_consent::AnalyticsBeforeConsent,
    &clipboard_read::ClipboardRead,
    &collection_on_launch::CollectionOnLaunch,
    &collection_without_consent::CollectionWithoutConsent,
    &collection_without_notice::CollectionWithoutNotice,
    &consent_preselected::ConsentPreselected,
    &consent_without_refusal::ConsentWithoutRefusal,
    &covert_recording::CovertRecording,
    &cross_program_transfer::CrossProgramTransfer,
    &forced_authorization::ForcedAuthorization,
    &form_without_notice::FormWithoutNotice,
    &literal_personal_information::LiteralPersonalInformation,
    &location_misuse::LocationMisuse,
    &log_exposure::LogExposure,
    &minor_data_collection::MinorDataCollection,
    &missing_deletion::MissingDeletion,
    &missing_privacy_policy::MissingPrivacyPolicy,
    &plaintext_storage::PlaintextStorage,
    &plaintext_transport::PlaintextTransport,
    &public_display::PublicDisplay,
    &silent_upload::SilentUpload,
    &third_party_sharing::ThirdPartySharing,
    &undisclosed_collection::UndisclosedCollection,
    &undisclosed_third_party::UndisclosedThirdParty,
    &unencrypted_sensitive_upload::UnencryptedSensitiveUpload,
    &unnecessary_collection::UnnecessaryCollection,
    &url_exposure::UrlExposure,
    &weak_encryption::WeakEncryption,
];
